"""Spark's own pages, as the job serves them: no foreign name of this machine, and nothing that ends a job."""

import json
import os
import subprocess
import sys
from pathlib import Path

from runtime.resources import CODE

PAGES = (
    "/jobs/", "/stages/", "/storage/", "/environment/", "/executors/", "/SQL/", "/StreamingQuery/",
    "/api/v1/applications", "/metrics/json/", "/static/webui.css",
)  # fmt: skip
SCRIPT = """
import http.client, json, sys
from spark_app.session import build_session

session = build_session(
    "pages", master="local[1]", memory="512m", with_kafka=False, ui=True, spark__ui__port="0",
    jvm_flags="-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
)
session.readStream.format("rate").load().writeStream.format("noop").trigger(availableNow=True).start().awaitTermination()
port = int(session.sparkContext.uiWebUrl.rpartition(":")[2])

def ask(method, path, host):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host)
    connection.endheaders()
    return connection.getresponse().status

pages = json.loads(sys.argv[1])
hosts = [f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}", "evil.example", f"127.0.0.1.evil.example:{port}"]
answers = {host.replace(f":{port}", ""): [ask("GET", path, host) for path in pages] for host in hosts}
answers["kill"] = [ask("POST", "/jobs/job/kill/?id=0", host) for host in (hosts[0], hosts[3])]
print(json.dumps(answers))
session.stop()
"""


def test_pages_answer_for_names_of_loopback_only_and_end_no_job(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(PAGES)],
        env=os.environ | {"PYTHONPATH": str(CODE)}, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])
    for host in ("127.0.0.1", "localhost", "[::1]"):
        assert dict(zip(PAGES, answers[host], strict=True)) == dict.fromkeys(PAGES, 200), host
    for host in ("evil.example", "127.0.0.1.evil.example"):
        assert dict(zip(PAGES, answers[host], strict=True)) == dict.fromkeys(PAGES, 404), host
    assert answers["kill"] == [302, 404], "sent back to the list of jobs; not known"

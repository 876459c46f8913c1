"""Five programs against a broker with TLS, users and rights: each connects and works, each is refused in one line.

Every program has a user with just the rights that docs/security.md lists for it.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from consumer_viz.dashboard.decisions.rules import Draft
from consumer_viz.dashboard.decisions.store import VerdictStore
from contracts import verdicts as v
from contracts.topics import FRAUD_COUNTS, SCORES, TOPICS, VERDICTS
from ops.stack.lifecycle import JOB_IS_UP
from runtime.errors import AccessError
from runtime.kafka import access, handshake
from runtime.kafka.access import wait_until_up
from runtime.kafka.connection import KafkaConnection
from runtime.kafka.security import KafkaSecurity
from runtime.world import World
from tests.flow.conftest import copy_of
from tests.flow.lake import messages
from tests.flow.secured import PASSWORD, STRANGER, SecuredBroker
from tests.flow.stage import WITHIN_S, Done, Stage, wait_until

WRONG_PASSWORD = "not-the-password"
REPLAY = ("replay", "--speed", "0")
JOB = ("job", "run", "--only", "sessions", "--only", "archive", "--only", "scores", "--only", "fraud_counts")
RECONCILE = ("reconcile", "--json")
DESK = ("desk", "--port", "0")
PROGRAMS = {
    "replay": REPLAY,
    "job": JOB,
    "plot": ("plot", "record", "--seconds", "2", "--out"),
    "desk": DESK,
    "reconcile": RECONCILE,
}
AT_ONCE = 2


@pytest.fixture(scope="module")
def stage(source: World, secured: SecuredBroker, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A world, and the address where users with a password are let in."""
    return Stage(copy_of(source, tmp_path_factory.mktemp("secured-world")), secured.sasl)


def command(stage: Stage, program: str, name: str) -> tuple[str, ...]:
    """Return a program's command; the plot's picture gets a name."""
    picture = (str(stage.world.root / f"{name}.png"),) if program == "plot" else ()
    return PROGRAMS[program] + picture


@dataclass(frozen=True, slots=True)
class Played:
    """What the programs did with the right password."""

    replay: str
    plot: str
    picture: Path
    decided: str
    audit: dict[str, object]
    prints: str
    """All that they printed and wrote to logs."""
    arguments: str
    """Arguments of every process while they ran."""


@pytest.fixture(scope="module")
def played(stage: Stage, secured: SecuredBroker) -> Played:
    """Replay the world, score it, plot it, decide a case, account for every row: each program as its own user."""
    by_user = {user: replace(stage, security=secured.login(user)) for user in PROGRAMS}
    replay = by_user["replay"].finish(*REPLAY)
    with by_user["job"].running(*JOB) as job, by_user["desk"].running(*DESK) as desk:
        plot = by_user["plot"].finish(*command(stage, "plot", "live"))
        desk.wait_for_message("open  http://", WITHIN_S)
        VerdictStore(stage.world.verdicts).write(
            Draft("c-1", "user-1", v.DECIDE, "ana", 0, "key-1", v.CONFIRM, "velocity")
        )
        plain = secured.broker.address
        wait_until(lambda: bool(messages(plain, VERDICTS)), "the decision in its topic", [desk])
        job.wait_for_message(JOB_IS_UP, WITHIN_S)
        wait_until(lambda: bool(messages(plain, SCORES) and messages(plain, FRAUD_COUNTS)), "reports", [job])
        arguments = "\n".join(map(arguments_of, psutil.Process().children(recursive=True)))
        job.stop()
        assert job.process.returncode == 0, job.log.read_text()
    audit = by_user["reconcile"].finish(*RECONCILE)
    logs = [file.read_text(errors="replace") for file in (stage.world.root / "run").iterdir()]
    decided = messages(plain, VERDICTS)[0][2]["user_id"]
    prints = "\n".join([replay, plot, audit, *logs])
    return Played(replay, plot, stage.world.root / "live.png", decided, json.loads(audit), prints, arguments)


def arguments_of(process: psutil.Process) -> str:
    """Return a process's arguments; none of one that has ended."""
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


def test_replay_with_the_right_password_sends_every_row(played: Played) -> None:
    assert "every one acknowledged" in played.replay


def test_job_with_the_right_password_reads_its_topics_and_writes_its_reports(
    played: Played, secured: SecuredBroker
) -> None:
    assert all(set(value) <= set(TOPICS[SCORES].row_fields) for _, _, value in messages(secured.broker.address, SCORES))
    assert messages(secured.broker.address, FRAUD_COUNTS)


def test_plot_with_the_right_password_draws_what_was_sent(played: Played) -> None:
    assert played.picture.read_bytes().startswith(b"\x89PNG")


def test_desk_with_the_right_password_sends_a_decision(played: Played) -> None:
    assert played.decided == "user-1"


def test_reconcile_with_the_right_password_accounts_for_every_row(played: Played) -> None:
    assert played.audit["faults"] == []


def test_no_password_is_in_logs_arguments_tables_or_checkpoints(played: Played, stage: Stage) -> None:
    # as it is, and as JAAS quotes it
    spellings = [PASSWORD[:].encode(), PASSWORD.replace("\\", "\\\\").replace('"', '\\"').encode()]
    files = [file for file in stage.world.root.rglob("*") if file.is_file()]
    assert len(files) > 20
    for spelling in spellings:
        assert spelling.decode() not in played.prints + played.arguments
        assert [file for file in files if spelling in file.read_bytes()] == []


KINDS = ("wrong password", "wrong authority", "no right")


def security_of(secured: SecuredBroker, program: str, kind: str) -> str:
    """Return what a program is given that must not be let in."""
    match kind:
        case "wrong password":
            return secured.login(program, WRONG_PASSWORD)
        case "wrong authority":
            return secured.login(program, ca=secured.other_ca)
        case _:
            return secured.login(STRANGER)


@pytest.fixture(scope="module")
def refused(played: Played, stage: Stage, secured: SecuredBroker) -> dict[tuple[str, str], Done]:
    """Start every program with a wrong password, with a wrong authority, and as a user without a right."""

    def start(case: tuple[str, str]) -> Done:
        program, kind = case
        refused_stage = replace(stage, security=security_of(secured, program, kind))
        return refused_stage.run(*command(stage, program, kind))

    cases = [(program, kind) for program in PROGRAMS for kind in KINDS]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(cases, pool.map(start, cases), strict=True))


program = pytest.mark.parametrize("program", list(PROGRAMS))


def line_of(done: Done) -> str:
    """Return the one line of a program that was refused."""
    assert done.exit_code == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert done.stdout == ""
    assert "no broker answers" not in lines[0]
    return lines[0]


@program
def test_a_wrong_password_is_refused_in_one_line(program: str, refused: dict[tuple[str, str], Done]) -> None:
    line = line_of(refused[program, "wrong password"])
    assert f"refuses user {program}: authentication failed (SCRAM-SHA-512)" in line
    assert WRONG_PASSWORD not in line


@program
def test_a_wrong_authority_is_refused_in_one_line(program: str, refused: dict[tuple[str, str], Done]) -> None:
    line = line_of(refused[program, "wrong authority"])
    assert "the certificate of the broker at" in line
    assert "is not trusted (" in line


@program
def test_a_topic_without_a_right_is_refused_in_one_line(program: str, refused: dict[tuple[str, str], Done]) -> None:
    line = line_of(refused[program, "no right"])
    assert f"user {STRANGER} may not read" in line
    assert " topic plays at " in line


@pytest.mark.parametrize("kind", ["wrong password", "wrong authority"])
def test_a_refusal_is_one_attempt_however_long_an_absent_broker_is_waited_for(
    kind: str, secured: SecuredBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[str] = []

    def counted(kafka: KafkaConnection, address: str) -> None:
        attempts.append(address)
        handshake.attempt(kafka, address)

    monkeypatch.setattr(access, "attempt", counted)
    kafka = KafkaConnection(secured.sasl, KafkaSecurity.parse(security_of(secured, "job", kind)))
    with pytest.raises(AccessError):
        wait_until_up(kafka, within_s=WITHIN_S)
    assert attempts == [secured.sasl]

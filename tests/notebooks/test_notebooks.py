"""The notebooks: paired, without outputs, and run from the first cell to the last against a real broker and job."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
import papermill
import pytest

from models.lab.candidates import CANDIDATES
from models.lab.candidates.supervised import ablations
from models.lab.run import StudySize, run_lab
from ops.stack.broker import running
from ops.stack.ports import free_port
from producer.kafka import topics
from tests.flow.stage import WITHIN_S
from tests.models.lab.example_table import example_days

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
NAMES = (
    "producer", "spark_streaming", "consumer", "study", "simulator", "shop/producer", "shop/spark_streaming",
    "shop/consumer",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_and_its_paired_script_say_the_same(name: str) -> None:
    cells = [
        [(cell.cell_type, cell.source, cell.metadata.get("tags", [])) for cell in jupytext.read(file).cells]
        for file in (NOTEBOOKS / f"{name}.ipynb", NOTEBOOKS / f"{name}.py")
    ]
    assert cells[0] == cells[1], f"run  jupytext --sync notebooks/{name}.ipynb"


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_thin_and_keeps_no_outputs(name: str) -> None:
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) <= 10
    assert [cell.metadata.get("tags") for cell in code].count(["parameters"]) == 1
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


@dataclass(frozen=True)
class Played:
    """A world whose morning, attack and aftermath were sent by the producer's notebook."""

    data: Path
    notebook: nbformat.NotebookNode


def run(name: str, out: Path, **parameters: object) -> nbformat.NotebookNode:
    return papermill.execute_notebook(
        NOTEBOOKS / f"{name}.ipynb", out / f"{name}.ipynb", parameters, kernel_name="python3", progress_bar=False,
        cwd=NOTEBOOKS, start_timeout=round(WITHIN_S),
    )  # fmt: skip


def said(notebook: nbformat.NotebookNode) -> str:
    """Return all that a notebook printed or showed as text."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "\n".join(o.get("text", "") + str(o.get("data", {}).get("text/plain", "")) for o in outputs)


def pictures(notebook: nbformat.NotebookNode) -> int:
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return sum("image/png" in output.get("data", {}) for output in outputs)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    data = tmp_path_factory.mktemp("notebooks")
    with running(data / "broker", f"127.0.0.1:{free_port()}") as broker, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAYPROOF_BROKER", broker.address)
        patch.setenv("PLAYPROOF_DATA", str(data))
        patch.setenv("PLAYPROOF_WORLD", "w")
        patch.setenv("PLAYPROOF_DOCKER", "0")
        patch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
        topics.create(broker.kafka)
        sent = run("producer", data, users=300, interval_s=0.05, lead_in=4, after=10, watch_s=0)
        yield Played(data, sent)


def test_the_producers_notebook_sends_the_quiet_and_the_attack_and_shows_both(played: Played) -> None:
    assert pictures(played.notebook) == 2
    assert said(played.notebook).count("every one acknowledged") == 2


def test_the_producers_notebook_run_again_plays_the_day_again_with_its_attack(played: Played) -> None:
    again = run("producer", played.data, interval_s=0.05, lead_in=4, after=10, watch_s=0)
    assert "the day is played again" in said(again)
    assert pictures(again) == 2
    assert "\n0 batches, 0 rows" not in said(again)


def test_the_jobs_notebook_shows_schema_predictions_and_reports(played: Played) -> None:
    shown = said(run("spark_streaming", played.data, n_predictions=20, wait_s=WITHIN_S))
    for column in ("rawPrediction", "probability", "prediction", "window_start", "stopped cleanly"):
        assert column in shown
    assert "[20 rows x 8 columns]" in shown or shown.count("[") >= 20


def test_the_consumers_notebook_shows_the_plot_and_keeps_the_run(played: Played) -> None:
    shown = run("consumer", played.data, seconds=1, record_to=str(played.data / "run.png"))
    assert pictures(shown) == 1
    assert (played.data / "run.png").stat().st_size > 10_000


def test_the_studys_notebook_shows_what_the_lab_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    chosen = tuple(CANDIDATES[name] for name in ("plays_per_day", "rules", "logistic"))
    size = StudySize(draws=5, history=0, candidates=chosen, ablated=ablations()[:2])
    run_lab({"tiny": example_days(people=40)}, tmp_path, lambda step: None, seed=1, size=size)
    shown = run("study", tmp_path, folder=str(tmp_path))
    assert pictures(shown) == 7
    markdown = [o["data"].get("text/markdown", "") for c in shown.cells for o in c.get("outputs", []) if "data" in o]
    assert "`logistic`" in "".join(markdown)


def test_the_simulators_notebook_shows_a_day_of_each_kind_and_both_dials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    shown = run("simulator", tmp_path, users=900, days=3)
    assert pictures(shown) == 2
    assert said(shown).count("of accounts are bots'") == 2

"""The audit of a person's own export: from a file to alarms, and one line where that cannot be."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from matplotlib.patches import Rectangle
from typer.testing import CliRunner

from models.reports.alarm_picture import draw_alarms, write_picture
from models.reports.false_alarms import FOREST, HYBRID, RULES, SCORER, TREES
from models.reports.format_false_alarms import format_lines
from ops.audit.run import audit_files
from ops.cli import app
from producer.errors import HistoryError
from producer.importers.layout import Options
from runtime.errors import PlayproofError

DAYS, PLAYS = 9, 12


def write_export(path: Path, days: int = DAYS) -> Path:
    """Write a Spotify basic export of quiet evenings."""
    rows = []
    for day in range(days):
        ended = datetime(2024, 3, 1, 18, 7) + timedelta(days=day)
        for number in range(PLAYS):
            ended += timedelta(minutes=3)
            title = f"Song {(number * 5 + day) % 31}"
            rows.append(
                {"endTime": f"{ended:%Y-%m-%d %H:%M}", "artistName": f"Band {number % 7}", "trackName": title,
                 "msPlayed": 150_000 + 1_000 * number}
            )  # fmt: skip
    path.write_text(json.dumps(rows))
    return path


def test_an_export_is_audited_by_what_its_source_can_tell(tmp_path: Path) -> None:
    export = write_export(tmp_path / "StreamingHistory_music_0.json")
    report = audit_files([export], None, Options(), "Europe/Berlin").report
    assert (len(report.person_days), report.people) == (DAYS, 1)
    assert {SCORER, RULES, FOREST} <= set(report.detectors)
    assert TREES not in report.detectors
    assert {"error_rate", "gap_entropy", "n_devices"} <= set(report.history.not_measurable)
    assert "plays" not in report.history.not_measurable
    assert list(tmp_path.iterdir()) == [export]


def test_a_single_day_is_audited_though_nothing_is_known_before_it(tmp_path: Path) -> None:
    report = audit_files([write_export(tmp_path / "one.json", days=1)], "spotify-basic", Options(), None).report
    assert (len(report.person_days), len(report.alarms)) == (1, 0)


def test_the_report_says_what_became_of_the_records(tmp_path: Path) -> None:
    export = write_export(tmp_path / "StreamingHistory_music_0.json", days=1)
    podcast = {"endTime": "2024-03-01 20:00", "podcastName": "A", "episodeName": "B", "msPlayed": 1}
    export.write_text(json.dumps([*json.loads(export.read_text()), podcast]))
    lines = format_lines(audit_files([export], None, Options(), None).report)
    assert lines[1] == (
        "read as spotify-basic: 12 of 13 records taken; refused: podcast, video or audiobook: not a track (1)"
    )


def test_the_picture_has_a_bar_for_each_day_and_a_row_for_each_detector(tmp_path: Path) -> None:
    report = audit_files([write_export(tmp_path / "StreamingHistory_music_0.json")], None, Options(), None).report
    above, below = draw_alarms(report).axes
    assert [bar.get_height() for bar in above.patches if isinstance(bar, Rectangle)] == [PLAYS] * DAYS
    named = [label.get_text().rpartition("  ")[0] for label in below.get_yticklabels()]
    assert named == [name for name in report.detectors if name != HYBRID]
    write_picture(report, tmp_path / "me.svg")
    assert (tmp_path / "me.svg").read_text().startswith("<?xml")


def test_a_file_that_is_cut_in_the_middle_is_refused_by_name(tmp_path: Path) -> None:
    export = write_export(tmp_path / "StreamingHistory_music_0.json")
    export.write_bytes(export.read_bytes()[:5_000])
    with pytest.raises(HistoryError, match=r"^StreamingHistory_music_0\.json: not readable as JSON .*: get the export"):
        audit_files([export], None, Options(), None)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "audit needs files, or --world NAME"),
        (("me.zip", "--world", "me"), "audit needs files, or --world NAME"),
        (("me.zip", "--patterns"), "--patterns is for a simulated world: add  --world NAME"),
        (("me.zip", "--cohorts"), "--cohorts is for a simulated world: add  --world NAME"),
        (("me.zip", "--picture", "a.txt"), "--picture a.txt: expected a file that ends in .png, .svg, .pdf"),
        (("me.zip", "--picture", "no/a.png"), "--picture no/a.png: there is no folder"),
        (("--world", "a", "--world", "b", "--picture", "a.png"), "--picture is of one audit"),
        (("--world", "a", "--world", "b", "--patterns"), "--patterns is of one world"),
        (("--world", "me", "--timezone", "Europe/Berlin"), "--timezone is for files: a world has it since"),
        (("--world", "me", "--map", "track=song"), "--map is for files"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments: tuple[str, ...], reason: str) -> None:
    result = CliRunner().invoke(app, ["audit", *arguments])
    assert isinstance(result.exception, PlayproofError)
    assert reason in str(result.exception)

"""Writing the report: from an export or a database, the same each time, and one clear line when it cannot."""

from pathlib import Path

import apsw
import pytest
import zstandard

from ecology.core.errors import RunFault, UsageError
from ecology.events.registry import TYPE_OF, encode
from ecology.observe.measures.lines import EXPORT_NAME, read_export
from ecology.observe.report import write_report
from ecology.observe.report.page import DATABASE_NAME, REPORT_NAME
from ecology.observe.summary import SUMMARY_NAME
from ecology.store.sqlite import SqliteStore
from ecology.testing.histories import InventedWorld, history
from tests.acceptance.report_run import export, finished
from tests.support.reachable import unreachable

WORLD = InventedWorld(agents=8, seconds=60, models=True)


def test_the_same_run_gives_the_same_file(tmp_path: Path) -> None:
    first = write_report(finished(tmp_path / "a", list(history(WORLD)))).read_bytes()
    assert write_report(tmp_path / "a").read_bytes() == first
    assert write_report(finished(tmp_path / "b", list(history(WORLD)))).read_bytes() == first


def test_it_names_no_place_outside_itself(tmp_path: Path) -> None:
    text = write_report(finished(tmp_path, list(history(WORLD)))).read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    without_namespaces = text.replace("http://www.w3.org/2000/svg", "").replace(
        "http://www.w3.org/1999/xlink", ""
    )
    assert "http" not in without_namespaces.replace('http-equiv="Content-Security-Policy"', "")
    assert "<script" not in text
    assert "@import" not in text


def test_a_run_that_was_interrupted_has_a_report_of_what_there_is(tmp_path: Path) -> None:
    export(tmp_path, list(history(WORLD))[:400])
    text = write_report(tmp_path).read_text(encoding="utf-8")
    assert "unfinished" in text
    assert "the run has no summary.json" in text


def test_what_the_database_holds_counts_more_than_an_older_export(tmp_path: Path) -> None:
    events = list(history(WORLD))
    whole = write_report(finished(tmp_path / "exported", events)).read_bytes()
    run_dir = finished(tmp_path / "stored", events)
    export(run_dir, events[:100])
    store = SqliteStore.create(run_dir / DATABASE_NAME)
    store.close()
    connection = apsw.Connection(str(run_dir / DATABASE_NAME))
    with connection:
        connection.executemany(
            "INSERT INTO events (sequence, time_ns, type, body) VALUES (?, ?, ?, ?)",
            ((event.sequence, event.time_ns, TYPE_OF[type(event)], encode(event)) for event in events),
        )
    connection.close()
    assert write_report(run_dir).read_bytes() == whole


def test_a_directory_without_a_run_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no run") as caught:
        write_report(tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / REPORT_NAME).exists()


@pytest.mark.parametrize("cut", [1, 100, -1])
def test_a_damaged_export_is_one_clear_line(tmp_path: Path, cut: int) -> None:
    export(tmp_path, list(history(WORLD)))
    whole = (tmp_path / EXPORT_NAME).read_bytes()
    (tmp_path / EXPORT_NAME).write_bytes(whole[:cut])
    with pytest.raises(RunFault) as caught:
        write_report(tmp_path)
    assert "\n" not in str(caught.value)
    assert "export the run's events again" in str(caught.value)
    assert not (tmp_path / REPORT_NAME).exists()


def test_a_damaged_summary_is_one_clear_line(tmp_path: Path) -> None:
    finished(tmp_path, list(history(WORLD)))
    (tmp_path / SUMMARY_NAME).write_bytes(b'{"run_id": 7}')
    with pytest.raises(RunFault, match=r"cannot read summary\.json") as caught:
        write_report(tmp_path)
    assert "\n" not in str(caught.value)


def test_an_export_is_read_in_chunks_and_frames_whatever_their_borders(tmp_path: Path) -> None:
    lines = [encode(event) for event in history(InventedWorld(agents=30, seconds=400, models=True))]
    frames = [
        b"".join(line + b"\n" for line in lines[place : place + 997]) for place in range(0, len(lines), 997)
    ]
    compressor = zstandard.ZstdCompressor(level=1)
    written = (tmp_path / EXPORT_NAME).write_bytes(b"".join(compressor.compress(frame) for frame in frames))
    assert written > 2 << 16, "more than two chunks"
    assert list(read_export(tmp_path / EXPORT_NAME)) == lines


def test_tables_that_scroll_can_be_reached_by_keyboard_and_have_names(tmp_path: Path) -> None:
    text = write_report(finished(tmp_path, list(history(WORLD)))).read_text(encoding="utf-8")
    assert unreachable(text) == []


def test_a_capacity_is_by_rights_where_the_flow_was_changed(tmp_path: Path) -> None:
    faster = InventedWorld(agents=8, seconds=60, flow=((20, 3_000_000),))
    texts = [
        write_report(finished(tmp_path / str(place), list(history(world)))).read_text(encoding="utf-8")
        for place, world in enumerate((WORLD, faster))
    ]
    assert ["mean capacity by rights" in text for text in texts] == [False, True]
    assert ["a bucket holds more than by its rights" in text for text in texts] == [False, True]

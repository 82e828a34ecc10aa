import json
import threading

import pytest

from kit.errors import ConfigError
from kit.sim.journal import Journal


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_note_is_a_line_that_can_be_read_at_once(tmp_path):
    path = tmp_path / "truth.jsonl"
    with Journal(path) as journal:
        journal.note("brake", t_ns=7)
        assert lines(path) == [{"kind": "brake", "t_ns": 7}]


def test_an_old_file_is_replaced(tmp_path):
    path = tmp_path / "truth.jsonl"
    path.write_text("old\n")
    Journal(path).close()
    assert path.read_text() == ""


def test_without_a_file_notes_are_dropped():
    with Journal(None) as journal:
        journal.note("brake", t_ns=7)


def test_notes_after_the_end_are_lost(tmp_path):
    journal = Journal(tmp_path / "truth.jsonl")
    journal.close()
    journal.note("brake", t_ns=7)
    assert lines(tmp_path / "truth.jsonl") == []


def test_threads_do_not_mix_their_lines(tmp_path):
    with Journal(tmp_path / "truth.jsonl") as journal:

        def write(name):
            for number in range(200):
                journal.note(name, number=number, filler="x" * 300)

        threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(lines(tmp_path / "truth.jsonl")) == 800


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(ConfigError, match="truth file"):
        Journal(tmp_path / "nowhere" / "truth.jsonl")


def test_two_journals_of_one_file_do_not_overwrite_each_other(tmp_path):
    path = tmp_path / "truth.jsonl"
    with Journal(path) as one, Journal(path, fresh=False) as other:
        one.note("a")
        other.note("b")
        one.note("c")
    assert [line["kind"] for line in lines(path)] == ["a", "b", "c"]

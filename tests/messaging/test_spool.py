"""Messages on disk that wait for Kafka."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kit.errors import ConfigError
from kit.messaging.kafka.spool import Spool, SpooledMessage


def message(text: str, size: int = 10) -> SpooledMessage:
    return SpooledMessage("topic", b"key", {"ce_id": text.encode()}, text.encode().ljust(size))


def texts(spool: Spool) -> list[str]:
    return [waiting.headers["ce_id"].decode() for waiting in spool.oldest(1000)]


def test_messages_come_out_in_order_and_whole(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    for text in ("a", "é", "c"):
        spool.put(message(text))
    assert texts(spool) == ["a", "é", "c"]
    assert replace(spool.oldest(1)[0], number=0) == message("a")
    spool.close()


def test_a_message_stays_until_it_is_removed(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.put(message("a"))
    spool.oldest(1)
    assert len(spool) == 1
    spool.remove(spool.oldest(1)[0])
    assert (len(spool), texts(spool)) == (0, [])
    spool.close()


def test_removing_a_message_twice_counts_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.put(message("a"))
    spool.put(message("b"))
    first = spool.oldest(1)[0]
    spool.remove(first)
    spool.remove(first)
    assert len(spool) == 1
    spool.close()


def test_messages_survive_the_process(tmp_path: Path) -> None:
    first = Spool(tmp_path / "spool")
    first.put(message("a"))
    first.close()
    second = Spool(tmp_path / "spool")
    assert (len(second), texts(second)) == (1, ["a"])
    second.close()


def test_a_full_spool_gives_up_the_oldest_and_tells_how_many(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", max_bytes=100)
    gone = [spool.put(message(str(n), 30)) for n in range(5)]
    assert gone == [0, 0, 0, 1, 1]
    assert texts(spool) == ["2", "3", "4"]
    spool.close()


def test_only_later_messages_are_listed_when_asked(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    for n in range(5):
        spool.put(message(str(n)))
    second = spool.oldest(2)[1]
    assert [m.headers["ce_id"] for m in spool.oldest(2, after=second.number)] == [b"2", b"3"]
    spool.close()


def test_a_file_that_is_no_spool_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(ConfigError, match="remove the file"):
        Spool(path)

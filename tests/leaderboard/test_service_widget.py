"""A running service's board in a notebook."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.errors import BrokerError
from kit.leaderboard.service_widget import ServiceBoard
from tests.leaderboard.served import served
from tests.waiting import wait_until


def wait_for(board: ServiceBoard, text: str) -> None:
    wait_until(lambda: text in board.widget.value, lambda: board.widget.value)


def test_the_board_follows_a_service_while_it_is_there_and_tells_when_it_is_gone(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as service:
        token = service.add("Ada")
        with ServiceBoard(service.url) as board:
            wait_for(board, "1 person")
            service.claim(token, "hero")
            wait_for(board, "●○○")
            (row,) = board.refresh().rows
            assert (row.user, list(row.finished)) == ("Ada", ["hero"])
            brought = row.finishes[0].bonus + row.finishes[0].accelerator
            assert brought == pytest.approx(row.score, abs=1e-6)
            service.child.stop()
            wait_for(board, "No answer")


def test_no_service_is_told() -> None:
    with pytest.raises(BrokerError, match="cannot be followed"):
        ServiceBoard("http://127.0.0.1:9/")

"""A running service's board in a notebook."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from kit.errors import BrokerError
from kit.leaderboard.service_widget import ServiceBoard
from tests.leaderboard.served import TIMEOUT_S, served


def wait_for(board: ServiceBoard, text: str) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while text not in board.widget.value:
        assert time.monotonic() < deadline, board.widget.value
        time.sleep(0.05)


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

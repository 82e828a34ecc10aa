"""Work in the background of a notebook."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from kit.learning.background import NICENESS, in_background
from tests.waiting import PATIENCE_S


def test_it_returns_at_once_and_the_result_comes_later():
    may_end = threading.Event()
    future = in_background(may_end.wait, timeout=PATIENCE_S)
    assert not future.done()
    may_end.set()
    assert future.result(PATIENCE_S) is True


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux's threads have a priority")
def test_only_the_work_stands_back():
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    future = in_background(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    assert future.result(PATIENCE_S) == min(19, mine + NICENESS)
    assert os.getpriority(os.PRIO_PROCESS, 0) == mine


def test_an_error_is_raised_where_the_result_is_asked_for():
    future = in_background(int, "no number")
    with pytest.raises(ValueError, match="no number"):
        future.result(PATIENCE_S)

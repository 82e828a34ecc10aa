"""The loop of collecting: what fails is tried again, and it ends with the event."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest

from kit.errors import BrokerError
from kit.leaderboard.events import AnyRecord, Event, Join
from kit.leaderboard.kubernetes.follow import Collecting, follow
from kit.leaderboard.kubernetes.simulated import kube_state
from kit.leaderboard.rules import load_rules
from tests.leaderboard.servers import fill, prometheus

RULES = load_rules("kubernetes")
STARTS_AT_S = 1_700_000_000.0
LOG = [
    Event(at_ms=60_000, user="ada", exercise="fight", env=env, condition=condition, source="east")
    for env in ("dev", "preprod", "prod")
    for condition in ("deployment", "pipeline")
]
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data = tmp_path_factory.mktemp("follow") / "data"
    fill(
        data,
        [
            kube_state(
                RULES,
                LOG,
                starts_at_s=STARTS_AT_S,
                start_s=STARTS_AT_S,
                step_s=30,
                length=20,
            )
        ],
    )
    with prometheus(data) as it:
        yield it


def collecting(*urls: str, until_s: float = 600, every_s: float | None = 0.01) -> Collecting:
    return Collecting(
        rules=RULES,
        starts_at_s=STARTS_AT_S,
        urls=urls,
        every_s=every_s,
        until_s=STARTS_AT_S + until_s,
    )


class Sink:
    """Takes records, after it has failed a few times, and then ends the loop."""

    def __init__(self, *, fails: int = 0) -> None:
        self.fails = fails
        self.taken: list[AnyRecord] = []
        self.stop = threading.Event()

    def __call__(self, records: Sequence[AnyRecord]) -> None:
        if self.fails:
            self.fails -= 1
            raise BrokerError("The leaderboard cannot be reached")
        self.taken += records
        self.stop.set()


def what(records: Sequence[AnyRecord]) -> set[str]:
    return {record.condition if isinstance(record, Event) else record.kind for record in records}


def test_who_is_there_and_what_holds_is_told_once(url: str) -> None:
    sink = Sink()
    tally = follow(collecting(url), [sink], stop=sink.stop)
    assert what(sink.taken) == {"join", "deployment", "pipeline", "database"}
    assert sum(isinstance(record, Join) for record in sink.taken) == 1
    assert len({record.id for record in sink.taken}) == len(sink.taken) == tally.records
    assert (tally.looks, tally.failures) == (1, 0)


def test_a_sink_that_failed_gets_everything_later(url: str) -> None:
    at_once, later = Sink(), Sink(fails=3)
    follow(collecting(url), [at_once], stop=at_once.stop)
    tally = follow(collecting(url), [later], stop=later.stop)
    assert later.taken == at_once.taken
    assert tally.failures == 3


def test_a_server_that_is_away_does_not_keep_the_others_from_being_read(url: str) -> None:
    sink = Sink()
    tally = follow(collecting(NOBODY, url), [sink], stop=sink.stop)
    assert what(sink.taken) == {"join", "deployment", "pipeline", "database"}
    assert tally.failures == 1


def test_a_look_that_is_the_only_one_says_what_failed() -> None:
    with pytest.raises(BrokerError, match="cannot be reached"):
        follow(collecting(NOBODY, every_s=None), [Sink()], stop=threading.Event())


def test_it_ends_when_the_event_and_the_time_for_late_samples_are_over(url: str) -> None:
    never = threading.Event()
    over_s = RULES.duration_s + 601
    tally = follow(collecting(url, until_s=over_s), [Sink()], stop=never)
    assert (tally.looks, never.is_set()) == (1, False)

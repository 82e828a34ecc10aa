"""Send numbered events to Kafka until killed, and tell of each that was handed over."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from kit.config import Settings
from kit.messaging.kafka import KafkaSink
from tests.event_strategies import a_command, a_frame


def main() -> None:
    bootstrap, path, train_id, first = sys.argv[1:]
    with KafkaSink(bootstrap, settings=Settings(), outbox=Path(path)) as sink:
        for number in count(int(first)):
            assert sink.send(a_command(train_id, reason=str(number)))
            if number % 10 == 0:
                assert sink.send(a_frame(train_id, sequence=number))
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()

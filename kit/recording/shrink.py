"""Make a copy of a recording whose pictures are smaller, to be given away with the kit.

::

    python -m kit.recording.shrink runs/20261123-164500 --out small.mcap --quality 40
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kit.errors import KitError
from kit.events import Frame
from kit.recording.reader import Record, Recording
from kit.recording.writer import RecordingWriter
from kit.vision.frames import decode_jpeg, encode_jpeg

QUALITY = 40
"""JPEG quality of the copy, if not named."""


def shrink(recording: Recording, out: Path, *, quality: int = QUALITY) -> None:
    """Write a copy with all records and their times; only the pictures are compressed anew.

    Args:
        recording: What to copy; of a damaged one, what can be read.
        out: The copy.
        quality: JPEG quality, 1 to 100.

    Raises:
        KitError: If a record is none of this version of the kit.
        OSError: If the copy cannot be written.
    """
    writer = RecordingWriter(out, wall_offset_ns=recording.wall_offset_ns)
    try:
        for record in recording:
            _copy(record, writer, quality)
    finally:
        writer.close()


def _copy(record: Record, writer: RecordingWriter, quality: int) -> None:
    if record.note:
        writer.add_note(record.note, record.fields, record.received_ns)
        return
    event = record.event()
    if isinstance(event, Frame):
        image = encode_jpeg(decode_jpeg(event.image), quality=quality)
        event = event.model_copy(update={"image": image})
    writer.add_event(event, record.received_ns)


def main(argv: list[str] | None = None) -> int:
    """Do what the command line, or the arguments given, say; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m kit.recording.shrink", description=__doc__)
    parser.add_argument("recording", type=Path, help="a recording, or a run's folder")
    parser.add_argument("--out", type=Path, required=True, help="the copy")
    parser.add_argument("--quality", type=int, default=QUALITY, help="JPEG quality, 1 to 100")
    arguments = parser.parse_args(argv)
    try:
        shrink(Recording(arguments.recording), arguments.out, quality=arguments.quality)
    except (KitError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.2f} MB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

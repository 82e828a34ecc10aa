"""The signs in files, as records for programs and as pictures for people."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2

from kit.errors import CameraError
from kit.events import Detection
from kit.vision.cameras.files import video_frames
from kit.vision.detector import Detector
from kit.vision.frames import Image
from kit.vision.overlay import draw
from kit.vision.photos import PHOTO_SUFFIXES, find_photos, read_photo

VIDEO_OUT_FPS = 30.0
"""Frames a second of an annotated video whose own rate is not known."""


def expand(files: Iterable[Path]) -> list[Path]:
    """Replace each folder by its photos.

    Args:
        files: Files and folders.

    Raises:
        CameraError: If a file is missing, or a folder has no photos.
    """
    paths: list[Path] = []
    for path in files:
        if path.is_dir():
            paths.extend(find_photos(path))
        elif path.is_file():
            paths.append(path)
        else:
            raise CameraError(f"There is no file '{path}'", expected="a photo or a video")
    return paths


def find_signs(detector: Detector, path: Path, *, out: Path | None = None) -> dict[str, Any]:
    """Find the signs of a photo or of every frame of a video.

    Args:
        detector: Looks at it.
        path: A file; what does not end like a photo is taken for a video.
        out: Folder for a copy with boxes; none is made if None.

    Returns:
        ``file``, and ``detections`` with ``label``, ``confidence`` and ``box`` in pixels of
        the file. A video's detections also have ``frame`` and ``time_s``, and the record has
        ``frames``.

    Raises:
        CameraError: If the file cannot be read.
    """
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() in PHOTO_SUFFIXES:
        return _in_photo(detector, path, out)
    return _in_video(detector, path, out)


def _in_photo(detector: Detector, path: Path, out: Path | None) -> dict[str, Any]:
    image = read_photo(path)
    signs = detector.detect(image)
    if out is not None:
        cv2.imwrite(str(out / f"{path.stem}.jpg"), draw(image, signs))
    return {"file": str(path), "detections": [_record(sign) for sign in signs]}


def _in_video(detector: Detector, path: Path, out: Path | None) -> dict[str, Any]:
    writer, frames = _VideoWriter(path, out), 0
    records: list[dict[str, Any]] = []
    try:
        for frame in video_frames(path):
            signs = detector.detect(frame.image)
            when = {"frame": frame.index, "time_s": round(frame.time_s, 3)}
            records.extend(_record(sign) | when for sign in signs)
            writer.write(frame.image, signs)
            frames += 1
    finally:
        writer.close()
    return {"file": str(path), "frames": frames, "detections": records}


def _record(sign: Detection) -> dict[str, Any]:
    return {
        "label": sign.label.value,
        "confidence": round(sign.confidence, 4),
        "box": [round(value, 2) for value in sign.box],
    }


class _VideoWriter:
    """Writes frames with boxes, if a folder was given; the file is made at the first frame."""

    def __init__(self, source: Path, out: Path | None) -> None:
        self._source, self._out = source, out
        self._writer: cv2.VideoWriter | None = None

    def write(self, image: Image, signs: tuple[Detection, ...]) -> None:
        if self._out is None:
            return
        if self._writer is None:
            self._writer = self._open(image, self._out / f"{self._source.stem}.mp4")
        self._writer.write(draw(image, signs))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.release()

    def _open(self, image: Image, path: Path) -> cv2.VideoWriter:
        source = cv2.VideoCapture(str(self._source))
        fps = source.get(cv2.CAP_PROP_FPS) or VIDEO_OUT_FPS
        source.release()
        size = (image.shape[1], image.shape[0])
        return cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, size)

"""The labelling session in a notebook: a picture, its boxes, and a person who corrects them."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from kit.errors import KitError, missing_extra
from kit.events import Box
from kit.labels import say, translated
from kit.mlops.acquire.annotated import KINDS, Sign
from kit.mlops.labelling.session import LabellingSession, sign_of
from kit.vision.colours import LABEL_COLOURS

if TYPE_CHECKING:
    import ipywidgets

OTHER_COLOURS = ("#8c8cff", "#9aa4b2")
"""Colours of other signs and of what counts neither way, as hexadecimal RGB."""

HINT = (
    "Draw a box: drag. Move it: drag its middle. Its class: choose it below, before drawing or "
    "while the box is selected."
)
"""What a newcomer has to know."""


class LabellingWidget:
    """Shows frame after frame; Submit saves its boxes, Skip passes it over, Undo goes back.

    The last value of a cell shows it. Nothing is lost when the notebook is closed: each photo is
    saved when it is submitted, and a new session goes on from there.

    Args:
        session: Goes through the harvest.

    Raises:
        ConfigError: If jupyter-bbox-widget is not installed.
    """

    def __init__(self, session: LabellingSession) -> None:
        import ipywidgets

        try:
            from jupyter_bbox_widget import BBoxWidget
        except ImportError as error:
            raise missing_extra("jupyter_bbox_widget", "mlops") from error
        self.session = session
        self._boxes = BBoxWidget(
            classes=list(KINDS), colors=[*LABEL_COLOURS.values(), *OTHER_COLOURS]
        )
        self._boxes.on_submit(lambda: self._answer(self._submit))
        self._boxes.on_skip(lambda: self._answer(session.skip))
        undo = ipywidgets.Button(
            description="Undo", icon="undo", tooltip=say("Take the last answer back")
        )
        undo.on_click(lambda _: self._answer(session.undo))
        self._status = ipywidgets.HTML()
        self._trouble = ipywidgets.HTML()
        foot = ipywidgets.HBox([undo, self._trouble])
        self.view: ipywidgets.VBox = ipywidgets.VBox(
            [self._status, self._boxes, foot, ipywidgets.HTML(f"<small>{translated(HINT)}</small>")]
        )
        self._show()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.view._repr_mimebundle_(**options)

    def _submit(self) -> None:
        entry = self.session.current
        if entry is not None:
            size = (entry.width, entry.height)
            self.session.submit(signs_from(self._boxes.bboxes, size=size))

    def _answer(self, act: Callable[[], object]) -> None:
        """Do what was clicked; what goes wrong is told, since nobody reads a kernel's log."""
        try:
            if self.session.current is not None or act == self.session.undo:
                act()
        except (KitError, OSError) as error:
            self._trouble.value = f"<b style='color:#c62828'>{html.escape(str(error))}</b>"
            return
        self._trouble.value = ""
        self._show()

    def _show(self) -> None:
        session, entry = self.session, self.session.current
        done = say(
            "<b>{done}</b> labelled, <b>{waiting}</b> to go",
            done=session.done,
            waiting=session.waiting,
        )
        if entry is None:
            self._status.value = say("{done}. Nothing is left: thank you.", done=done)
            self._boxes.bboxes = []
            self._boxes.image_bytes = b""
            return
        self._status.value = say(
            "{done}. Kept because: {why} (doubt {score:.2f})",
            done=done,
            why=", ".join(translated(reason.replace("_", " ")) for reason in entry.reasons),
            score=entry.score,
        )
        self._boxes.selected_index = -1
        self._boxes.image_bytes = session.picture(entry)
        self._boxes.bboxes = boxes_of(session.proposals(entry))


def boxes_of(signs: Iterable[Sign]) -> list[dict[str, Any]]:
    """Turn signs into the widget's boxes: x, y, width, height and label, in pixels."""
    return [
        {
            "x": sign.box[0],
            "y": sign.box[1],
            "width": sign.box[2] - sign.box[0],
            "height": sign.box[3] - sign.box[1],
            "label": sign.kind,
        }
        for sign in signs
    ]


def signs_from(boxes: Iterable[Mapping[str, Any]], *, size: tuple[int, int]) -> tuple[Sign, ...]:
    """Turn the widget's boxes into signs.

    Args:
        boxes: With x, y, width, height and label.
        size: Width and height of the photo, pixels.

    Raises:
        ConfigError: If a box has no area, lies outside, or is of no class.
    """
    return tuple(
        sign_of(str(box["label"]), Box(box["x"], box["y"], box["width"], box["height"]), size=size)
        for box in boxes
    )

"""How far a learner has come, as a bar below a check."""

from __future__ import annotations

from kit.workshop.folder import Progress
from kit.workshop.path import SHORT
from kit.workshop.tasks import EXERCISES
from kit.workshop.texts import Text

_COLOURS = {"solved": "#2e7d32", "skipped": "#d99411", None: "#d5dbe3"}


def progress_bar(progress: Progress) -> str:
    """Draw a piece for each exercise: green is solved, amber skipped, grey still open.

    Args:
        progress: Of a learner.

    Returns:
        HTML: the pieces in the order of the notebooks, and the same in words.
    """
    pieces = "".join(_piece(name, progress) for name in EXERCISES)
    return (
        f'<div style="margin-top:6px;font-size:90%">{pieces}'
        f'<span style="margin-left:8px">{in_words(progress).say(progress.language)}</span></div>'
    )


def in_words(progress: Progress) -> Text:
    """Say how many exercises are done, of the two hours and of all."""
    short = [name for name, one in EXERCISES.items() if one.notebook in SHORT]
    done = {name for name in progress.done if name in EXERCISES}
    in_short = len(done.intersection(short))
    skipped = sum(progress.done[name].outcome == "skipped" for name in done)
    return Text(
        en=f"Exercises done: {in_short} of {len(short)} in the two hours, {len(done)} of "
        f"{len(EXERCISES)} in all" + (f" (skipped: {skipped})" if skipped else ""),
        fr=f"Exercices faits : {in_short} sur {len(short)} en deux heures, {len(done)} sur "
        f"{len(EXERCISES)} en tout" + (f" (passés : {skipped})" if skipped else ""),
    )


def _piece(name: str, progress: Progress) -> str:
    done = progress.done.get(name)
    colour = _COLOURS[done.outcome if done else None]
    return (
        f'<span title="{name}" style="display:inline-block;width:18px;height:9px;'
        f'margin-right:2px;background:{colour}"></span>'
    )

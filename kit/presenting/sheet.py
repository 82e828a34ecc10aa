"""The rehearsal's sheet: one page of A4 to print, sign and hang up beside the track."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from string import Template

from kit.presenting.check import Check, State
from kit.presenting.rehearse import RESULT, SHEET, Rehearsal

_MARKS = {State.FINE: "✓", State.WARNING: "!", State.FAILED: "✗", State.NOT_HERE: "·"}


def write_sheet(rehearsal: Rehearsal) -> Path:
    """Write the sheet, and the same as JSON beside it.

    Args:
        rehearsal: What came of it; its folder gets the files.

    Returns:
        The sheet.

    Raises:
        OSError: If they cannot be written.
    """
    text = json.dumps(rehearsal.as_json(), ensure_ascii=False, indent=2)
    (rehearsal.folder / RESULT).write_text(text + "\n", encoding="utf-8")
    path = rehearsal.folder / SHEET
    path.write_text(render(rehearsal), encoding="utf-8")
    return path


def render(rehearsal: Rehearsal) -> str:
    """Return the sheet as a whole HTML page that needs nothing from outside."""
    template = files("kit.presenting").joinpath("sheet_template.html").read_text(encoding="utf-8")
    passed = rehearsal.passed
    return Template(template).substitute(
        title=f"Rehearsal of {rehearsal.began:%Y-%m-%d %H:%M}",
        tone="go" if passed else "stop",
        word="Passed" if passed else "Not passed",
        verdict=html.escape(_verdict(rehearsal)),
        began=f"{rehearsal.began:%A %d %B %Y, %H:%M}",
        took=f"{rehearsal.took_s:.0f} s",
        machine=html.escape(rehearsal.machine),
        version=html.escape(rehearsal.version),
        camera=html.escape(rehearsal.source or "the virtual set"),
        hub=html.escape(rehearsal.hub or "the virtual set"),
        figures="".join(_tile(*figure) for figure in _figures(rehearsal)),
        notes=_notes(rehearsal),
        picture=_picture(rehearsal),
        checks="\n".join(_row(check) for check in rehearsal.checks),
    )


def _verdict(rehearsal: Rehearsal) -> str:
    if rehearsal.mission.get("verdict"):
        return str(rehearsal.mission["verdict"])
    return "The mission was not flown: mend what failed first." if rehearsal.problems else ""


def _figures(rehearsal: Rehearsal) -> Iterator[tuple[str, str, str]]:
    result = rehearsal.mission
    if result.get("stop_margin_m") is not None:
        yield f"{result['stop_margin_m'] * 100:.0f}", "cm", "left to the danger"
    if result.get("brake_latency_ms") is not None:
        yield f"{result['brake_latency_ms']:.0f}", "ms", "deciding frame to brake"
    spread = result.get("latency_ms") or {}
    if spread:
        words = f"capture to action; p95 {spread['p95']:.0f} ms"
        yield f"{spread['p50']:.0f}", "ms", words
    if result.get("frames") is not None:
        yield f"{result['frames']}", "", f"frames, {result['dropped']} dropped"


def _tile(value: str, unit: str, caption: str) -> str:
    return f"<div><b>{value} <small>{unit}</small></b><span>{html.escape(caption)}</span></div>"


def _notes(rehearsal: Rehearsal) -> str:
    items = [f'<li class="stop">{html.escape(words)}</li>' for words in rehearsal.problems]
    items += [f'<li class="slow">{html.escape(words)}</li>' for words in rehearsal.cautions]
    return f'<ul class="notes">{"".join(items)}</ul>' if items else ""


def _picture(rehearsal: Rehearsal) -> str:
    """Return the picture that the stop was decided on, with its boxes; empty without a mission."""
    run_dir = rehearsal.mission.get("run_dir")
    if not run_dir or not Path(run_dir).is_dir():
        return ""
    from kit.runtime.pictures import deciding_shot, film_strip
    from kit.runtime.run import read_run

    run = read_run(Path(run_dir))
    shot = deciding_shot(run) or next(iter(reversed(film_strip(run))), None)
    if shot is None:
        return ""
    caption = html.escape(f"What it saw when it decided: {shot.caption}")
    return (
        f'<figure><img src="{shot.url}" alt="{caption}"><figcaption>{caption}</figcaption></figure>'
    )


def _row(check: Check) -> str:
    fix = f"<em>→ {html.escape(check.fix)}</em>" if check.fix and not check.ok else ""
    tone = {State.FINE: "go", State.WARNING: "slow", State.FAILED: "stop"}.get(check.state, "none")
    detail = check.detail if check.state is not State.NOT_HERE else f"not here: {check.detail}"
    return (
        f'<tr class="{tone}"><td>{_MARKS[check.state]}</td><th>{html.escape(check.name)}</th>'
        f"<td>{html.escape(detail)} {fix}</td></tr>"
    )

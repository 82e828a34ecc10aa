"""The results of faults as rows for people: in the terminal, in Markdown, and in a page."""

from __future__ import annotations

import html
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

PAGE = "chaos.html"
"""Name of the page in a folder of trials."""

_HEAD = ("fault", "train", "brake", "stand", "stayed", "recovered", "")
_TEMPLATE = ("kit.runtime", "report_template.html")


def cells(fault: dict[str, Any]) -> tuple[str, ...]:
    """Return one fault's figures, as words.

    Args:
        fault: One of ``faults`` of :func:`kit.chaos.run.result_json`.

    Returns:
        What the train did, when the hub braked, when it stood, whether it stayed so, how long
        the rest took to work again.
    """
    if fault["skipped"]:
        return "not tried", "", "", "", ""
    if fault["trouble"]:
        return "trial failed", "", "", "", ""
    stood = fault["stopped_in_ms"] is not None
    did = "stood" if fault["effect"] == "stays" else "stopped" if stood else "drove on"
    stayed = {True: "yes", False: "no", None: ""}[fault["stayed"]]
    return (
        did,
        _ms(fault["braked_in_ms"]),
        _ms(fault["stopped_in_ms"]),
        stayed,
        _s(fault["recovered_ms"]),
    )


def verdict(fault: dict[str, Any]) -> str:
    """Return ``ok``, ``skipped``, or what went wrong."""
    if fault["skipped"]:
        return "skipped"
    return "ok" if fault["ok"] else "; ".join(fault.get("problems") or [fault["trouble"]])


def terminal_table(result: dict[str, Any]) -> Group:
    """Return the results for the terminal.

    Args:
        result: From :func:`kit.chaos.run.result_json`.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in _HEAD:
        right = name in {"brake", "stand", "recovered"}
        table.add_column(name, justify="right" if right else "left")
    for fault in result["faults"]:
        style = "yellow" if fault["skipped"] else "green" if fault["ok"] else "bold red"
        table.add_row(fault["name"], *cells(fault), Text(verdict(fault), style=style))
    reasons = [
        Text(f"{fault['name']}: {fault['trouble']}", style="yellow")
        for fault in result["faults"]
        if fault["trouble"]
    ]
    return Group(table, *reasons)


def markdown_table(result: dict[str, Any], demo: dict[str, str]) -> str:
    """Return the results as the table that stands in the documentation.

    Args:
        result: From :func:`kit.chaos.run.result_json`.
        demo: What ``kit demo`` does, by fault.
    """
    lines = [
        "| fault | what is done | expected | brake | stand | recovered | what `kit demo` does |",
        "|---|---|---|---:|---:|---:|---|",
    ]
    for fault in result["faults"]:
        _did, brake, stand, _stayed, recovered = cells(fault)
        lines.append(
            f"| `{fault['name']}` | {fault['what']} | {fault['expected']} | {brake} | {stand} | "
            f"{recovered} | {demo[fault['name']]} |"
        )
    return "\n".join(lines) + "\n"


def write_page(result: dict[str, Any], folder: Path) -> Path:
    """Write the results as a page that needs nothing from outside.

    Args:
        result: From :func:`kit.chaos.run.result_json`.
        folder: Gets the page.

    Returns:
        The page's file.
    """
    package, name = _TEMPLATE
    template = Template(files(package).joinpath(name).read_text(encoding="utf-8"))
    told = f"{result['as_expected']} of {result['tried']} faults ended as expected"
    path = folder / PAGE
    page = template.substitute(
        title=html.escape(told),
        tone="go" if result["ok"] else "stop",
        chip="As it should be" if result["ok"] else "Unsafe",
        verdict=html.escape(told),
        subtitle=html.escape(
            f"each tried {_times(result['rounds'])} on the real processes"
            + ("; the round with the longest time to a stand is shown" * (result["rounds"] > 1))
        ),
        body="\n".join(_body(result)),
    )
    path.write_text(page, encoding="utf-8")
    return path


def _body(result: dict[str, Any]) -> Iterator[str]:
    stands = [f["stopped_in_ms"] for f in result["faults"] if f["stopped_in_ms"] is not None]
    tiles = (
        (f"{result['as_expected']}", f"of {result['tried']} as expected"),
        (f"{len(stands)}", "stop the train"),
        (_ms(max(stands, default=None)) or "-", "longest time from a fault to a stand"),
        (f"{len(result['skipped'])}", "not tried on this machine"),
    )
    yield '<div class="tiles">' + "".join(_tile(*tile) for tile in tiles) + "</div>"
    yield (
        "<section><h2>Faults</h2><p>Injected one at a time while the train was under way. "
        "Brake and stand are measured on the virtual track, from the fault on; where nobody can "
        "reach the train before, from the mending on. Stayed: until somebody armed it. "
        "Recovered: until all services worked again.</p><table><tr>"
        + "".join(f"<th>{name}</th>" for name in (*_HEAD[:-1], "verdict"))
        + "</tr>"
        + "".join(_row(fault) for fault in result["faults"])
        + "</table></section>"
    )


def _row(fault: dict[str, Any]) -> str:
    colour = "slow" if fault["skipped"] else "go" if fault["ok"] else "stop"
    first = (
        f"<b>{html.escape(fault['name'])}</b><br>{html.escape(fault['what'])}.<br>"
        f"<i>{html.escape(fault['expected'])}</i>"
    )
    told = html.escape(verdict(fault) if not fault["skipped"] else fault["trouble"])
    rest = "".join(
        f'<td style="white-space:nowrap">{html.escape(cell)}</td>' for cell in cells(fault)
    )
    return (
        f'<tr><td>{first}</td>{rest}<td><i class="swatch" style="background:var(--{colour})"></i>'
        f"{told}</td></tr>"
    )


def _tile(number: str, caption: str) -> str:
    return f'<div class="tile"><b>{number}</b><span>{caption}</span></div>'


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} ms"


def _s(value_ms: float | None) -> str:
    return "" if value_ms is None else f"{value_ms / 1000:.1f} s"

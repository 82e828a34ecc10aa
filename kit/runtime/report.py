"""The run's report: one HTML file that needs nothing from outside, to be read and sent around."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from string import Template

from kit.runtime import charts
from kit.runtime.outcome import Outcome, stop_order
from kit.runtime.pictures import Shot, deciding_shot, film_strip
from kit.runtime.run import REPORT, Run, read_run

_ORDER = ("capture", "inference", "decision", "control", "streaming")


def write_report(run_dir: Path, outcome: Outcome) -> Path:
    """Write a run's report.

    Args:
        run_dir: Folder of the run.
        outcome: What came of it.

    Returns:
        The report's file.

    Raises:
        OSError: If it cannot be written.
    """
    path = run_dir / REPORT
    path.write_text(render(read_run(run_dir), outcome), encoding="utf-8")
    return path


def render(run: Run, outcome: Outcome) -> str:
    """Return a run's report as a whole HTML page."""
    sections = (
        _tiles(outcome),
        _error(run, outcome),
        _moment(run),
        _journey(run),
        _strip(film_strip(run)),
        _latency(run, outcome),
        _memory(run, outcome),
        _services(run),
        _files(run, outcome),
    )
    template = files("kit.runtime").joinpath("report_template.html").read_text(encoding="utf-8")
    return Template(template).substitute(
        title=html.escape(f"{outcome.verdict} · {run.folder.name}"),
        tone="go" if outcome.ok else "stop",
        chip=_chip(outcome),
        verdict=html.escape(outcome.verdict),
        subtitle=html.escape(_subtitle(run, outcome)),
        body="\n".join(section for section in sections if section),
    )


def _chip(outcome: Outcome) -> str:
    if outcome.derailed:
        return "Derailed"
    if outcome.error:
        return "Failed"
    if not outcome.ok:
        return "Missed"
    return "Stopped in time" if outcome.stopped else "As it should be"


def _subtitle(run: Run, outcome: Outcome) -> str:
    planned = run.facts("planned")
    what = planned.get("title") or f"pictures from {planned.get('source') or 'elsewhere'}"
    name = f"scenario {outcome.scenario}, seed {outcome.seed}" if outcome.scenario else ""
    parts = (what, name, f"run {run.folder.name}", f"{outcome.duration_s:.0f} s under way")
    return " · ".join(part for part in parts if part)


def _tiles(outcome: Outcome) -> str:
    tiles = "".join(
        f'<div class="tile"><b>{value} <small>{unit}</small></b><span>{caption}</span></div>'
        for value, unit, caption in _figures(outcome)
    )
    return f'<div class="tiles">{tiles}</div>'


def _figures(outcome: Outcome) -> Iterator[tuple[str, str, str]]:
    if outcome.stop_margin_m is not None:
        yield f"{outcome.stop_margin_m * 100:.0f}", "cm", "left to the danger"
    if outcome.brake_latency_ms is not None:
        yield f"{outcome.brake_latency_ms:.0f}", "ms", "deciding frame to brake at the hub"
    if outcome.latency_ms is not None:
        p95 = f"{outcome.latency_ms.p95:.0f}"
        yield f"{outcome.latency_ms.p50:.0f}", "ms", f"capture to action, median; p95 {p95} ms"
    yield f"{outcome.frames}", "", f"frames, {outcome.dropped} dropped"
    if outcome.memory_mb is not None:
        yield f"{outcome.memory_mb:.0f}", "MB", "at most, all processes together"


def _error(run: Run, outcome: Outcome) -> str:
    problems = [outcome.error] if outcome.error else []
    problems += [f"Not all of the recording could be read: {damage}." for damage in run.damage]
    if not problems:
        return ""
    text = html.escape("\n".join(problems))
    return f'<section class="error"><h2>What went wrong</h2><pre>{text}</pre></section>'


def _moment(run: Run) -> str:
    shot, order = deciding_shot(run), stop_order(run)
    if shot is None or order is None:
        return ""
    return (
        '<section class="moment">'
        f'<img src="{shot.url}" alt="The frame that the stop was decided on">'
        "<div><h2>The moment of decision</h2>"
        f"<blockquote>{html.escape(order.reason)}</blockquote>"
        f"<p>Frame {order.sequence}. The box is what the model saw in it; the decision rests on "
        "several frames, and this was the one that settled it.</p></div></section>"
    )


def _journey(run: Run) -> str:
    caption = (
        "Speed as it really was on the virtual track, over what the controller said: green "
        "cruising, amber slowed, red stopping or standing. Dotted: way to the danger."
    )
    return _section("The journey", caption, charts.journey(run))


def _strip(shots: list[Shot]) -> str:
    figures = "".join(
        f'<figure class="shot-{shot.tone}"><img src="{shot.url}" alt="">'
        f"<figcaption>{html.escape(shot.caption)}</figcaption></figure>"
        for shot in shots
    )
    content = f'<div class="strip">{figures}</div>' if figures else ""
    return _section(
        "What the train saw", "Time since the train was armed, and what the train did.", content
    )


def _latency(run: Run, outcome: Outcome) -> str:
    if outcome.latency_ms is None:
        return ""
    rows = "".join(
        f'<tr><td><i class="swatch" style="background:{colour}"></i>{html.escape(name)}</td>'
        f'<td class="n">{spread.p50:.1f}</td><td class="n">{spread.p95:.1f}</td>'
        f'<td class="n">{spread.p99:.1f}</td></tr>'
        for (name, spread), colour in zip(
            outcome.stages_ms.items(), charts.STAGE_COLOURS, strict=False
        )
    )
    table = (
        '<table><tr><th>stage</th><th class="n">p50, ms</th><th class="n">p95, ms</th>'
        f'<th class="n">p99, ms</th></tr>{rows}</table>'
    )
    caption = (
        f"From the capture of a frame until the controller had acted on its command, for "
        f"{len(run.acted)} frames, and where the time goes."
    )
    return _section(
        "Latency", caption, charts.latency(run, outcome) + charts.stages(outcome) + table
    )


def _memory(run: Run, outcome: Outcome) -> str:
    if outcome.memory_mb is None:
        return ""
    caption = (
        f"Resident memory of all processes of the mission together: {outcome.memory_mb:.0f} MB "
        "at most. Pages that processes share are counted once for each."
    )
    return _section("Memory", caption, charts.memory(run))


def _services(run: Run) -> str:
    names = [name for name in _ORDER if name in run.services]
    rows = "".join(_service_row(name, run) for name in names)
    head = "<tr><th>service</th><th>counted</th><th>last words</th></tr>"
    return _section("Services", "", f"<table>{head}{rows}</table>" if rows else "")


def _service_row(name: str, run: Run) -> str:
    facts = run.services[name]
    counted = ", ".join(f"{value} {key}" for key, value in facts["counters"].items())
    return (
        f"<tr><td><b>{html.escape(name)}</b></td><td>{html.escape(counted)}</td>"
        f"<td>{html.escape(facts['detail'])}</td></tr>"
    )


def _files(run: Run, outcome: Outcome) -> str:
    model, provider = run.model
    plain = [
        ("model", f"{model} on {provider}" if model else "none was used"),
        ("ended by", outcome.ended_by),
        ("repeat with", _command(outcome)),
    ]
    rows = "".join(
        f"<tr><td>{name}</td><td><code>{html.escape(text)}</code></td></tr>" for name, text in plain
    )
    links = "".join(
        f"<tr><td>{title}</td><td>{_links(paths, run.folder)}</td></tr>"
        for title, paths in (
            ("notebooks", sorted(run.folder.glob("*.ipynb"))),
            ("records", sorted(run.folder.glob("*.json*"))),
            ("logs", [path for path in sorted(run.folder.glob("logs/*")) if path.stat().st_size]),
        )
        if paths
    )
    return _section("This run", "", f"<table>{rows}{links}</table>")


def _command(outcome: Outcome) -> str:
    what = f"--scenario {outcome.scenario} --seed {outcome.seed} " if outcome.scenario else ""
    return f"kit demo {what}--fps {outcome.fps:g} --runtime {outcome.runtime}"


def _links(paths: Iterable[Path], folder: Path) -> str:
    return ", ".join(
        f'<a href="{html.escape(str(path.relative_to(folder)))}">'
        f"{html.escape(str(path.relative_to(folder)))}</a> ({path.stat().st_size / 1000:.0f} kB)"
        for path in paths
    )


def _section(title: str, caption: str, content: str) -> str:
    if not content:
        return ""
    text = f"<p>{html.escape(caption)}</p>" if caption else ""
    return f"<section><h2>{html.escape(title)}</h2>{text}{content}</section>"

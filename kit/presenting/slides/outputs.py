"""Outputs of a notebook's cells as parts of a slide: pictures, tables, words."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

MOST_CODE = 2
"""Lines of code that a slide shows at most."""

_PICTURE = re.compile(
    r"(?:<figcaption>(?P<title>.*?)</figcaption>)?\s*<img[^>]*\bsrc=\"(?P<src>data:[^\"]+)\"",
    re.DOTALL,
)
_TABLE = re.compile(r"<table.*?</table>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")


def render_cell(cell: Mapping[str, Any]) -> str:
    """Return the outputs of a code cell as HTML; a value comes with its code, if that is short.

    Args:
        cell: An executed code cell.
    """
    parts = [part for output in cell["outputs"] for part in _parts(output)]
    pictures = "".join(part for kind, part in parts if kind == "picture")
    tables = "".join(part for kind, part in parts if kind == "table")
    if pictures or tables:
        return (f'<div class="pictures">{pictures}</div>' if pictures else "") + tables
    words = "".join(part for _, part in parts).strip()
    code = html.escape(cell["source"])
    told = any(kind == "value" for kind, _ in parts) and code.count("\n") < MOST_CODE
    return (f"<pre class=code>{code}</pre>" if told else "") + (
        f"<pre class=words>{html.escape(words)}</pre>" if words else ""
    )


def _parts(output: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if output["output_type"] == "stream":
        yield "words", output["text"]
        return
    data = output.get("data", {})
    if "image/svg+xml" in data:
        coded = base64.b64encode(data["image/svg+xml"].encode()).decode()
        yield "picture", _figure(f"data:image/svg+xml;base64,{coded}")
    elif "image/png" in data:
        yield "picture", _figure(f"data:image/png;base64,{''.join(data['image/png'].split())}")
    elif "text/html" in data:
        yield from _html_parts(data["text/html"])
    else:
        yield "value", data.get("text/plain", "")


def _html_parts(markup: str) -> Iterator[tuple[str, str]]:
    found = list(_PICTURE.finditer(markup))
    for picture in found:
        yield "picture", _figure(picture["src"], _TAG.sub("", picture["title"] or ""))
    if not found:
        yield from (("table", table) for table in _TABLE.findall(markup))


def _figure(source: str, title: str = "") -> str:
    caption = f"<figcaption>{title}</figcaption>" if title else ""
    return f'<figure><img alt="{title}" src="{source}">{caption}</figure>'

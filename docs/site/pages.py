"""Sphinx extension for what a forge does by itself, and for the names of notebooks."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from pydantic import BaseModel
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode


class LessonLinks(SphinxPostTransform):
    """Makes a link of each literal that names a notebook; in French pages to the French one."""

    default_priority = 200

    def run(self, **_kwargs: Any) -> None:
        """Change the document that is being written."""
        here = self.env.docname
        folder = "fr" if here.startswith("fr/") else "notebooks"
        for literal in list(self.document.findall(nodes.literal)):
            page = f"{folder}/{literal.astext()}"
            if page == here or page not in self.env.all_docs or in_reference(literal):
                continue
            link = make_refnode(self.app.builder, here, page, None, literal.deepcopy())
            literal.replace_self(link)


class StatesAsTable(SphinxTransform):
    """Makes a table of a Mermaid state diagram, which a forge draws with a program from outside."""

    default_priority = 200

    def apply(self, **_kwargs: Any) -> None:
        """Change the document that has been read."""
        for block in list(self.document.findall(nodes.literal_block)):
            if block.get("language") == "mermaid":
                block.replace_self(states_table(block.astext()))


def states_table(diagram: str) -> nodes.table:
    """Return a table of the transitions of a state diagram: from where, to where.

    Raises:
        ExtensionError: If the diagram is of another kind.
    """
    if not diagram.startswith("stateDiagram"):
        raise ExtensionError("Only Mermaid's state diagrams become tables: add yours to the site")
    leading: dict[str, list[str]] = {}
    for line in diagram.splitlines():
        if "-->" in line:
            start, end = (word.strip() for word in line.split("-->"))
            leading.setdefault("the start" if start == "[*]" else start, []).append(end)
    rows = [("from", "to"), *((start, ", ".join(ends)) for start, ends in leading.items())]
    group = nodes.tgroup(cols=2)
    group += [nodes.colspec(colwidth=1), nodes.colspec(colwidth=3)]
    head, body = nodes.thead(), nodes.tbody()
    for words in rows:
        row = nodes.row()
        row += [nodes.entry("", nodes.paragraph("", word)) for word in words]
        (body if head.children else head).append(row)
    group += [head, body]
    table = nodes.table()
    table += group
    return table


def in_reference(node: nodes.Node) -> bool:
    """Tell whether a node is part of a link, or of a heading, already."""
    parent = node.parent
    while parent is not None:
        if isinstance(parent, nodes.reference | nodes.title):
            return True
        parent = parent.parent
    return False


def bare_models(
    _app: Sphinx, what: str, _name: str, thing: object, *_options: object
) -> tuple[str, str] | None:
    """Leave out the signature of a pydantic model: its fields are described one by one."""
    model = what == "class" and isinstance(thing, type) and issubclass(thing, BaseModel)
    return ("", "") if model else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("autodoc-process-signature", bare_models)
    app.add_transform(StatesAsTable)
    app.add_post_transform(LessonLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

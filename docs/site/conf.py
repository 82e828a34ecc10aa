"""Sphinx's configuration; ``make docs`` stages the pages and runs it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from kit import __version__

project = "Runaway train kit"
author = "The runaway-train kit's authors"
copyright = "2026, the runaway-train kit's authors"  # noqa: A001 - Sphinx's name
version = release = __version__
language = "en"

extensions = ["myst_nb", "sphinx_design", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "pages"]
exclude_patterns = ["**/README.txt"]
pygments_style = "friendly"
pygments_dark_style = "monokai"

# Papermill has executed the notebooks.
nb_execution_mode = "off"
nb_merge_streams = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_render_markdown_format = "myst"
myst_enable_extensions = ["colon_fence", "attrs_inline", "attrs_block"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
# A page of the repository may begin with its second heading, and shell sessions are `console`.
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]

autodoc_member_order = "bysource"
autodoc_default_options = {"no-value": True}
autodoc_typehints = "signature"
napoleon_use_ivar = True

html_theme = "furo"
html_title = "Runaway train kit"
html_static_path = [str(Path(__file__).parent / "static")]
html_css_files = ["site.css"]
# From the disk a page may not fetch others, so results come without their summaries.
html_show_search_summary = False
html_copy_source = False
html_show_sphinx = False
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": True,
    "top_of_page_buttons": [],
    "light_css_variables": {
        "color-brand-primary": "#9a3b00",
        "color-brand-content": "#9a3b00",
        "color-brand-visited": "#7a4a2b",
    },
    "dark_css_variables": {
        "color-brand-primary": "#ffb454",
        "color-brand-content": "#ffb454",
        "color-brand-visited": "#d9a066",
    },
}

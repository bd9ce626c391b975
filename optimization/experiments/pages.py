"""Figures as files that open by themselves: a page beside its plotly.js, a still picture, the specification."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path

from optimization.drawing import Figure, svg_of
from optimization.experiments.figures import title_of
from optimization.files import write_whole

SCRIPT = "plotly.min.js"
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>html, body {{ margin: 0; height: 100% }} #figure {{ height: 100vh }}</style>
<div id="figure" role="img" aria-label="{title}"></div>
<script src="{script}"></script>
<script>const figure = {figure};
Plotly.newPlot("figure", figure.data, figure.layout, {{ responsive: true, displaylogo: false }});</script>
</html>
"""


def write_figures(folder: Path, study: str, figures: Mapping[str, Figure]) -> None:
    """STUDY-NAME.figure.json, .html and .svg for each, and plotly.js once; no page asks the network for anything."""
    script = folder / SCRIPT
    if not script.exists():
        write_whole(script, (files("plotly") / "package_data" / SCRIPT).read_bytes())
    for name, figure in figures.items():
        write_whole(folder / f"{study}-{name}.figure.json", json.dumps(figure, indent=1, allow_nan=False) + "\n")
        write_whole(folder / f"{study}-{name}.html", page_of(figure))
        write_whole(folder / f"{study}-{name}.svg", svg_of(figure))


def page_of(figure: Figure) -> str:
    """HTML that draws the figure with the plotly.js beside it."""
    # "</script>" in a name must not end the script.
    body = json.dumps(figure, allow_nan=False).replace("<", "\\u003c")
    return PAGE.format(title=escape(title_of(figure), quote=True), script=SCRIPT, figure=body)

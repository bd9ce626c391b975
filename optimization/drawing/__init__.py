"""Figures, which are Plotly specifications, as still pictures in SVG for where no Plotly runs."""

from optimization.drawing.chart import Chart, as_charts
from optimization.drawing.look import COLOURS, DARK, GREY, LIGHT, MARKABLE, MIDDLE, SMALL, Figure, Look
from optimization.drawing.picture import svg_of

__all__ = [
    "COLOURS",
    "DARK",
    "GREY",
    "LIGHT",
    "MARKABLE",
    "MIDDLE",
    "SMALL",
    "Chart",
    "Figure",
    "Look",
    "as_charts",
    "svg_of",
]

"""Figures, which are Plotly specifications, as still pictures in SVG for where no Plotly runs."""

from optimization.drawing.look import COLOURS, DARK, GREY, LIGHT, MIDDLE, SMALL, Figure, Look
from optimization.drawing.picture import svg_of

__all__ = ["COLOURS", "DARK", "GREY", "LIGHT", "MIDDLE", "SMALL", "Figure", "Look", "svg_of"]

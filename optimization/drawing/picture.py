"""The whole picture of a figure: the kinds of traces that our figures are made of, no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from optimization.drawing import frame as around
from optimization.drawing.flow import sankey
from optimization.drawing.look import LIGHT, MARKABLE, Figure, Look
from optimization.drawing.traces import DRAWN, extent, shade


def svg_of(figure: Figure, look: Look = LIGHT) -> str:
    """A whole SVG document; traces that have nothing to draw leave their axes."""
    layout = figure["layout"]
    flows = [trace for trace in figure["data"] if trace["type"] == "sankey"]
    parts = [*(around.title(layout, look) if look.titled else ())]
    if flows:
        parts += [part for trace in flows for part in (sankey(trace, look) if trace["link"]["value"] else ())]
    else:
        parts += _with_axes(figure, look)
    name = escape(layout["title"]["text"], quote=True)
    size = f'viewBox="0 0 {look.width_px} {look.height_px}" font-family="sans-serif" font-size="12"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{name}">'
    ground = f'<rect width="100%" height="100%" fill="{look.ground}"/>'
    return "\n".join([head, ground, *parts, "</svg>"]) + "\n"


def _with_axes(figure: Figure, look: Look) -> Iterator[str]:
    layout, traces = figure["layout"], [trace for trace in figure["data"] if len(trace["x"])]
    is_lying = any(trace.get("orientation") == "h" for trace in traces)
    xs: list[Any] = [x for trace in traces for x in trace["x"]] + ([0.0] if is_lying else [])
    ys = [y for trace in traces for y in extent(trace, traces, layout)]
    framed = around.frame_of(figure, look, traces, xs, ys, _keys(traces, look))
    yield from around.axes(framed)
    if layout.get("meta") == MARKABLE:
        yield around.marking(framed)
    for position, trace in enumerate(traces):
        yield from DRAWN[trace["type"]](trace, position, framed)
    yield from around.legend(_keys(traces, look), look)


def _keys(traces: Sequence[Figure], look: Look) -> list[around.Key]:
    """What the legend tells: the traces, or of a heat map the values that its scale names."""
    if traces and traces[0]["type"] == "heatmap":
        bar = traces[0]["colorbar"]
        return [(name, shade(traces[0], z)) for name, z in zip(bar["ticktext"], bar["tickvals"], strict=True)]
    shown = [(k, trace) for k, trace in enumerate(traces) if trace.get("showlegend", True)]
    if len(shown) < 2:
        return []
    return [(trace["name"], around.colour_of(trace, position, look)) for position, trace in shown]

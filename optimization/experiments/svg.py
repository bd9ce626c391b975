"""A figure as a still picture in SVG, for where no Plotly runs: the kinds of traces that `figures` makes, no more."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from statistics import quantiles
from typing import Any

from optimization.experiments.figures import COLOURS, GREY, Figure

WIDTH, HEIGHT, RIGHT, TOP, BOTTOM = 900, 540, 70, 64, 118
TITLE_CHARS, LEGEND_CHAR_PX, LEGEND_ROW_PX = 92, 6.6, 18


@dataclass(frozen=True, slots=True)
class Scale:
    """From values, or names, to pixels."""

    least: float
    most: float
    start_px: float
    end_px: float
    names: tuple[str, ...] = ()

    def at(self, value: Any) -> float:
        number = self.names.index(str(value)) + 0.5 if self.names else float(value)
        return self.start_px + (number - self.least) / (self.most - self.least) * (self.end_px - self.start_px)

    @property
    def step_px(self) -> float:
        return abs(self.end_px - self.start_px) / (self.most - self.least)

    def ticks(self) -> list[Any]:
        return list(self.names) or nice_ticks(self.least, self.most)


def svg_of(figure: Figure) -> str:
    """A whole SVG document; traces that have nothing to draw leave their axes."""
    layout, traces = figure["layout"], [trace for trace in figure["data"] if len(trace["x"])]
    left = layout.get("margin", {}).get("l", 84)
    is_lying = any(trace.get("orientation") == "h" for trace in traces)
    across = _scale([x for trace in traces for x in trace["x"]] + ([0.0] if is_lying else []), left, WIDTH - RIGHT)
    heights: list[Any] = [y for trace in traces for y in (trace["y"] if is_lying else _extent(trace, traces, layout))]
    stated = layout["yaxis"].get("range")
    up = Scale(stated[0], stated[1], HEIGHT - BOTTOM, TOP) if stated else _scale(heights, HEIGHT - BOTTOM, TOP)
    second = _second(layout)
    parts = [*_title(layout), *_axes(layout, across, up, second, left)]
    for position, trace in enumerate(traces):
        height = second if trace.get("yaxis") == "y2" and second else up
        parts += DRAWN[trace["type"]](trace, position, traces, across, height, layout)
    parts += _legend(traces)
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>"]) + "\n"


# Scales --------------------------------------------------------------------------------------------------------------


def nice_ticks(least: float, most: float) -> list[float]:
    """About six round numbers within."""
    raw = (most - least) / 6
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(m * magnitude for m in (1, 2, 5, 10) if m * magnitude >= raw)
    first = math.ceil(least / step - 1e-9)
    return [k * step for k in range(first, math.floor(most / step + 1e-9) + 1)]


def _scale(values: Sequence[Any], start_px: float, end_px: float) -> Scale:
    known = [value for value in values if value is not None]
    if any(isinstance(value, str) for value in known):
        names = tuple(dict.fromkeys(map(str, known)))
        return Scale(0, len(names), start_px, end_px, names)
    least, most = (min(known), max(known)) if known else (0.0, 1.0)
    if most == least:
        return Scale(least - 1, most + 1, start_px, end_px)
    room = 0.05 * (most - least)
    return Scale(0.0 if least == 0 else least - room, 0.0 if most == 0 else most + room, start_px, end_px)


def _second(layout: Figure) -> Scale | None:
    if "yaxis2" not in layout:
        return None
    least, most = layout["yaxis2"]["range"]
    return Scale(least, most, HEIGHT - BOTTOM, TOP)


def _extent(trace: Figure, traces: Sequence[Figure], layout: Figure) -> Iterator[float]:
    """What the first height axis must reach for this trace."""
    if trace.get("yaxis") == "y2":
        return
    if trace["type"] == "waterfall":
        yield 0.0
        yield from (edge for bar in _steps(trace) for edge in bar[1:])
    elif trace["type"] == "bar":
        yield 0.0
        yield from (top for _, top in _stacked(trace, traces, layout))
    else:
        yield from (y for y in trace["y"] if y is not None)


# Traces --------------------------------------------------------------------------------------------------------------


def _scatter(
    trace: Figure, position: int, traces: Sequence[Figure], across: Scale, up: Scale, _: Figure
) -> Iterator[str]:
    points = [(across.at(x), up.at(y)) for x, y in zip(trace["x"], trace["y"], strict=True)]
    colour = _colour_of(trace, position)
    if "lines" in trace["mode"]:
        dash = ' stroke-dasharray="6 4"' if trace.get("line", {}).get("dash") else ""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{1.2 if dash else 2}"{dash}/>'
    if "markers" in trace["mode"]:
        draw = _cross if trace["marker"].get("symbol") == "x" else _dot
        yield from (draw(x, y, trace["marker"].get("size", 7) / 2, colour) for x, y in points)


def _bar(
    trace: Figure, position: int, traces: Sequence[Figure], across: Scale, up: Scale, layout: Figure
) -> Iterator[str]:
    colour = _colour_of(trace, position)
    if trace.get("orientation") == "h":
        for x, name in zip(trace["x"], trace["y"], strict=True):
            if x is not None:
                yield _box_of(
                    across.at(0), up.at(name) - 0.35 * up.step_px, across.at(x), up.at(name) + 0.35 * up.step_px, colour
                )
        return
    half = across.step_px * trace.get("width", 0.6) / 2
    for name, (low, high) in zip(trace["x"], _stacked(trace, traces, layout), strict=True):
        yield _box_of(across.at(name) - half, up.at(low), across.at(name) + half, up.at(high), colour)


def _box(trace: Figure, position: int, traces: Sequence[Figure], across: Scale, up: Scale, _: Figure) -> Iterator[str]:
    width = 0.8 * across.step_px / len(traces)
    for name in dict.fromkeys(trace["x"]):
        values = [y for x, y in zip(trace["x"], trace["y"], strict=True) if x == name]
        middle = across.at(name) + (position - (len(traces) - 1) / 2) * width
        yield from _one_box(values, middle, 0.38 * width, up, _colour_of(trace, position))


def _one_box(values: Sequence[float], x: float, half: float, up: Scale, colour: str) -> Iterator[str]:
    low, median, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    reach = 1.5 * (high - low)
    inside = [v for v in values if low - reach <= v <= high + reach]
    yield _line(x, up.at(min(inside)), x, up.at(max(inside)), colour)
    yield _box_of(x - half, up.at(low), x + half, up.at(high), colour, 'fill-opacity="0.35"')
    yield _line(x - half, up.at(median), x + half, up.at(median), colour, 2)
    yield from (_dot(x, up.at(v), 2, colour) for v in values if not low - reach <= v <= high + reach)


def _waterfall(
    trace: Figure, position: int, traces: Sequence[Figure], across: Scale, up: Scale, _: Figure
) -> Iterator[str]:
    half = 0.35 * across.step_px
    for name, low, high in _steps(trace):
        measure = trace["measure"][trace["x"].index(name)]
        way = "totals" if measure != "relative" else "increasing" if high > low else "decreasing"
        feet, head = (max(up.least, level) for level in (low, high))  # an axis may begin above zero
        yield _box_of(
            across.at(name) - half, up.at(feet), across.at(name) + half, up.at(head), trace[way]["marker"]["color"]
        )


DRAWN: dict[str, Callable[..., Iterator[str]]] = {
    "scatter": _scatter,
    "bar": _bar,
    "box": _box,
    "waterfall": _waterfall,
}


def _steps(trace: Figure) -> list[tuple[str, float, float]]:
    """Name, from, to of each bar of a waterfall."""
    steps, level = [], 0.0
    for name, y, measure in zip(trace["x"], trace["y"], trace["measure"], strict=True):
        if measure == "relative":
            steps.append((name, level, level + y))
            level += y
        else:
            level = level if y is None else y
            steps.append((name, 0.0, level))
    return steps


def _stacked(trace: Figure, traces: Sequence[Figure], layout: Figure) -> list[tuple[float, float]]:
    """From where to where each bar reaches: on those before it, if they are stacked."""
    below = [0.0] * len(trace["y"])
    if layout.get("barmode") == "stack":
        for other in traces:
            if other is trace:
                break
            below = [low + y for low, y in zip(below, other["y"], strict=True)]
    return [(low, low + (y or 0.0)) for low, y in zip(below, trace["y"], strict=True)]


# Around them ---------------------------------------------------------------------------------------------------------


def _title(layout: Figure) -> Iterator[str]:
    for row, line in enumerate(textwrap.wrap(layout["title"]["text"], TITLE_CHARS)[:2]):
        yield _text(20, 26 + 21 * row, line, 'font-size="16" fill="#1d2a36"')


def _axes(layout: Figure, across: Scale, up: Scale, second: Scale | None, left: float) -> Iterator[str]:
    for tick in up.ticks():
        yield _line(left, up.at(tick), WIDTH - RIGHT, up.at(tick), "#e4e8ec")
        yield _text(left - 8, up.at(tick) + 4, _label(tick), 'text-anchor="end" fill="#44505c"')
    for tick in across.ticks():
        yield _line(across.at(tick), HEIGHT - BOTTOM, across.at(tick), HEIGHT - BOTTOM + 5, GREY)
        yield _text(across.at(tick), HEIGHT - BOTTOM + 19, _label(tick), 'text-anchor="middle" fill="#44505c"')
    if not across.names and across.least < 0 < across.most:
        yield _line(across.at(0), TOP, across.at(0), HEIGHT - BOTTOM, GREY)
    for tick in second.ticks() if second else ():
        yield _text(WIDTH - RIGHT + 8, second.at(tick) + 4, _label(tick), 'fill="#44505c"')  # type: ignore[union-attr]
    yield _line(left, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, GREY)
    yield _text(
        (left + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 40, layout["xaxis"]["title"]["text"], 'text-anchor="middle"'
    )
    yield _upright(16, layout["yaxis"]["title"]["text"])
    if second:
        yield _upright(WIDTH - 10, layout["yaxis2"]["title"]["text"])


def _legend(traces: Sequence[Figure]) -> Iterator[str]:
    if len(traces) < 2:
        return
    x, y = 20.0, HEIGHT - BOTTOM + 64.0
    for position, trace in enumerate(traces):
        wide = 30 + LEGEND_CHAR_PX * len(trace["name"])
        if x + wide > WIDTH:
            x, y = 20.0, y + LEGEND_ROW_PX
        yield _box_of(x, y - 9, x + 12, y + 1, _colour_of(trace, position))
        yield _text(x + 17, y, trace["name"], 'fill="#44505c"')
        x += wide


def _colour_of(trace: Figure, position: int) -> str:
    stated = trace.get("line", {}).get("color") or trace.get("marker", {}).get("color")
    return str(stated or COLOURS[position % len(COLOURS)])


def _label(tick: Any) -> str:
    if isinstance(tick, str):
        return tick
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(tick) >= size:
            unit = 1e3 if suffix == "k" else size
            return f"{tick / unit:.10g}{suffix}"
    return f"{tick:.10g}"


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'


def _upright(x: float, text: str) -> str:
    middle = (TOP + HEIGHT - BOTTOM) / 2
    return f'<text transform="translate({x},{middle}) rotate(-90)" text-anchor="middle">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def _box_of(x1: float, y1: float, x2: float, y2: float, colour: str, style: str = "") -> str:
    place = f'x="{min(x1, x2):.1f}" y="{min(y1, y2):.1f}" width="{abs(x2 - x1):.1f}" height="{abs(y2 - y1):.1f}"'
    return f'<rect {place} fill="{colour}" stroke="{colour}" {style}/>'


def _dot(x: float, y: float, radius: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{colour}"/>'


def _cross(x: float, y: float, half: float, colour: str) -> str:
    return _line(x - half, y - half, x + half, y + half, colour, 3) + _line(
        x - half, y + half, x + half, y - half, colour, 3
    )

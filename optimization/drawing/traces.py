"""The kinds of traces with axes: points and lines, bars, boxes, waterfalls, heat maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from statistics import quantiles
from typing import Any

from optimization.drawing import marks
from optimization.drawing.frame import Frame
from optimization.drawing.look import Figure
from optimization.drawing.scales import Scale, short

MOST_VALUES, MOST_HINTS, CHAR_PX, BROADEST_PX = 16, 600, 6.4, 90


def scatter(trace: Figure, position: int, frame: Frame) -> Iterator[str]:
    up, colour = frame.height_of(trace), frame.paint(trace, position)
    points = [(frame.across.at(x), up.at(y)) for x, y in zip(trace["x"], trace["y"], strict=True)]
    if trace.get("fill") == "tonexty":
        yield from _band(trace, points, position, frame, up)
    yield from _error_bars(trace, points, frame, up)
    if "lines" in trace["mode"]:
        dash = "6 4" if trace.get("line", {}).get("dash") else ""
        yield marks.polyline(points, colour, trace.get("line", {}).get("width", 1.2 if dash else 2), dash)
    # Where no dots are drawn there is still something for the mouse to rest on.
    hidden = "" if "markers" in trace["mode"] else 'fill-opacity="0"'
    if hidden and len(points) > MOST_HINTS:
        return
    for point, x, y in zip(points, trace["x"], trace["y"], strict=True):
        hint = f"{trace['name']}, {short(x)}: {_number(y)}"
        yield marks.dot(point, 6, colour, hint, hidden) if hidden else _marker(trace["marker"], point, colour, hint)


def _marker(marker: Figure, at: marks.Point, colour: str, hint: str) -> str:
    half, symbol = marker.get("size", 7) / 2, marker.get("symbol", "circle")
    if symbol == "x":
        return marks.cross(at, half, colour, hint)
    if symbol.startswith("line-ew"):
        return marks.line((at[0] - 2 * half, at[1]), (at[0] + 2 * half, at[1]), colour, 3, hint)
    if symbol.startswith("diamond"):
        return marks.rectangle(
            (at[0] - half, at[1] - half),
            (at[0] + half, at[1] + half),
            colour,
            f'transform="rotate(45 {at[0]:.1f} {at[1]:.1f})"',
            hint,
        )
    is_open = symbol.endswith("-open")
    return marks.dot(at, half, "none" if is_open else colour, hint, f'stroke="{colour}"' if is_open else "")


def _band(trace: Figure, points: Sequence[marks.Point], position: int, frame: Frame, up: Scale) -> Iterator[str]:
    """Between this line and the one of the trace before."""
    other = frame.traces[position - 1]
    back = [(frame.across.at(x), up.at(y)) for x, y in zip(other["x"], other["y"], strict=True)]
    colour, opacity = frame.look.paint(trace["fillcolor"])
    yield marks.polygon([*points, *reversed(back)], colour, opacity)


def _error_bars(trace: Figure, points: Sequence[marks.Point], frame: Frame, up: Scale) -> Iterator[str]:
    error = trace.get("error_y")
    if not error:
        return
    colour, opacity = frame.look.paint(error["color"])
    ends = zip(points, trace["y"], error["array"], error["arrayminus"], strict=True)
    for (x, _), y, above, below in ends:
        wide = error.get("thickness", 2) / 2
        top, foot = up.at(y + above), up.at(y - below)
        yield marks.rectangle((x - wide, top), (x + wide, foot), colour, f'fill-opacity="{opacity:g}"')


def bar(trace: Figure, position: int, frame: Frame) -> Iterator[str]:
    colour, across, up = frame.paint(trace, position), frame.across, frame.up
    if trace.get("orientation") == "h":
        half = 0.35 * up.step_px
        for x, name in zip(trace["x"], trace["y"], strict=True):
            if x is not None:
                hint = f"{name}, {trace['name']}: {_number(x)}"
                yield marks.rectangle(
                    (across.at(0), up.at(name) - half), (across.at(x), up.at(name) + half), colour, hint=hint
                )
        return
    half = min(across.step_px * trace.get("width", 0.6), BROADEST_PX) / 2
    reaches = stacked(trace, frame.traces, frame.layout)
    for name, y, (low, high) in zip(trace["x"], trace["y"], reaches, strict=True):
        middle, hint = across.at(name), f"{name}, {trace['name']}: {_number(y)}"
        yield marks.rectangle((middle - half, up.at(low)), (middle + half, up.at(high)), colour, hint=hint)


def box(trace: Figure, position: int, frame: Frame) -> Iterator[str]:
    width = 0.8 * frame.across.step_px / len(frame.traces)
    for name in dict.fromkeys(trace["x"]):
        values = [y for x, y in zip(trace["x"], trace["y"], strict=True) if x == name]
        middle = frame.across.at(name) + (position - (len(frame.traces) - 1) / 2) * width
        yield from _one_box(values, middle, 0.38 * width, frame.up, frame.paint(trace, position))


def _one_box(values: Sequence[float], x: float, half: float, up: Scale, colour: str) -> Iterator[str]:
    low, median, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    reach = 1.5 * (high - low)
    inside = [v for v in values if low - reach <= v <= high + reach]
    hint = f"median {_number(median)}, half of all from {_number(low)} to {_number(high)}, {len(values)} values"
    yield marks.line((x, up.at(min(inside))), (x, up.at(max(inside))), colour)
    style = f'stroke="{colour}" fill-opacity="0.35"'
    yield marks.rectangle((x - half, up.at(low)), (x + half, up.at(high)), colour, style, hint)
    yield marks.line((x - half, up.at(median)), (x + half, up.at(median)), colour, 2)
    yield from (marks.dot((x, up.at(v)), 2, colour, _number(v)) for v in values if v not in inside)


def waterfall(trace: Figure, position: int, frame: Frame) -> Iterator[str]:
    up, half = frame.up, min(0.7 * frame.across.step_px, BROADEST_PX) / 2
    ink = f'text-anchor="middle" font-size="11" fill="{frame.look.ink}"'
    bars = steps(trace)
    for (name, low, high), measure in zip(bars, trace["measure"], strict=True):
        way = "totals" if measure != "relative" else "increasing" if high > low else "decreasing"
        colour = frame.look.paint(trace[way]["marker"]["color"])[0]
        feet, head = (max(up.least, level) for level in (low, high))  # an axis may begin above zero
        middle, usd = frame.across.at(name), high - low
        hint = f"{name}: {_number(usd)}"
        yield marks.rectangle((middle - half, up.at(feet)), (middle + half, up.at(head)), colour, hint=hint)
        if len(bars) <= MOST_VALUES:
            yield marks.text(middle, up.at(max(feet, head)) - 5, short(usd, 3), ink)


def heatmap(trace: Figure, position: int, frame: Frame) -> Iterator[str]:
    wide, high = frame.across.step_px, frame.up.step_px
    for row, name in enumerate(trace["y"]):
        for column, period in enumerate(trace["x"]):
            z = trace["z"][row][column]
            x, y = frame.across.at(period), frame.up.at(name)
            a, b = (x - wide / 2 + 1, y - high / 2 + 1), (x + wide / 2 - 1, y + high / 2 - 1)
            colour = frame.look.grid if z is None else shade(trace, z)
            yield marks.rectangle(a, b, colour, 'rx="2"', trace["hovertext"][row][column])
            words = trace["text"][row][column]
            if words and len(words) * CHAR_PX < wide and high > 13:
                style = f'text-anchor="middle" pointer-events="none" fill="{ink_on(colour)}"'
                yield marks.text(x, y + 4, words, style)


def shade(trace: Figure, z: float) -> str:
    """The colour of a value, between the nearest stops of the scale."""
    span = trace["zmax"] - trace["zmin"]
    part = (z - trace["zmin"]) / span if span else 0.0
    stops = trace["colorscale"]
    for (low, first), (high, second) in pairwise(stops):
        if part <= high:
            return _mixed(first, second, (part - low) / (high - low))
    return str(stops[-1][1])


def _mixed(first: str, second: str, part: float) -> str:
    pairs = ((int(first[k : k + 2], 16), int(second[k : k + 2], 16)) for k in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in pairs)


def ink_on(colour: str) -> str:
    """Black or white, whichever is read more easily."""
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return "#0d1217" if 0.299 * red + 0.587 * green + 0.114 * blue > 130 else "#ffffff"


DRAWN: dict[str, Callable[[Figure, int, Frame], Iterator[str]]] = {
    "scatter": scatter,
    "bar": bar,
    "box": box,
    "waterfall": waterfall,
    "heatmap": heatmap,
}


# How far they reach --------------------------------------------------------------------------------------------------


def extent(trace: Figure, traces: Sequence[Figure], layout: Figure) -> Iterator[Any]:
    """What the first height axis must reach for this trace."""
    if trace.get("yaxis") == "y2":
        return
    if trace["type"] == "waterfall":
        yield 0.0
        yield from (edge for step in steps(trace) for edge in step[1:])
    elif trace["type"] == "bar" and trace.get("orientation") != "h":
        yield 0.0
        yield from (top for _, top in stacked(trace, traces, layout))
    else:
        yield from (y for y in trace["y"] if y is not None)
    error = trace.get("error_y")
    if error:
        yield from (y + by for y, by in zip(trace["y"], error["array"], strict=True))
        yield from (y - by for y, by in zip(trace["y"], error["arrayminus"], strict=True))


def steps(trace: Figure) -> list[tuple[str, float, float]]:
    """Name, from, to of each bar of a waterfall."""
    found, level = [], 0.0
    for name, y, measure in zip(trace["x"], trace["y"], trace["measure"], strict=True):
        if measure == "relative":
            found.append((name, level, level + y))
            level += y
        else:
            level = level if y is None else y
            found.append((name, 0.0, level))
    return found


def stacked(trace: Figure, traces: Sequence[Figure], layout: Figure) -> list[tuple[float, float]]:
    """From where to where each bar reaches: on those before it, if they are stacked."""
    below = [0.0] * len(trace["y"])
    if layout.get("barmode") == "stack":
        for other in traces:
            if other is trace:
                break
            below = [low + y for low, y in zip(below, other["y"], strict=True)]
    return [(low, low + (y or 0.0)) for low, y in zip(below, trace["y"], strict=True)]


def _number(value: Any) -> str:
    return "none" if value is None else f"{value:,.6g}" if abs(value) < 1e4 else f"{value:,.0f}"

"""What surrounds the traces of a figure with axes: where its corners are, grid, ticks, titles, legend."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from optimization.drawing import marks
from optimization.drawing.look import COLOURS, Figure, Look
from optimization.drawing.scales import Scale, scale_of, short

CHAR_PX, TITLE_CHAR_PX, ROW_PX, MOST_NAME_CHARS = 6.4, 9.2, 18, 34
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Frame:
    """A figure's place: `across`, `up` and perhaps a `second` height, in pixels of the look."""

    look: Look
    layout: Figure
    traces: Sequence[Figure]
    across: Scale
    up: Scale
    second: Scale | None

    @property
    def left(self) -> float:
        return self.across.start_px

    @property
    def right(self) -> float:
        return self.across.end_px

    @property
    def foot(self) -> float:
        return max(self.up.start_px, self.up.end_px)

    def height_of(self, trace: Figure) -> Scale:
        return self.second if trace.get("yaxis") == "y2" and self.second else self.up

    def paint(self, trace: Figure, position: int) -> str:
        return colour_of(trace, position, self.look)


def colour_of(trace: Figure, position: int, look: Look) -> str:
    stated = trace.get("line", {}).get("color") or trace.get("marker", {}).get("color")
    return look.paint(str(stated or COLOURS[position % len(COLOURS)]))[0]


def frame_of(
    figure: Figure, look: Look, traces: Sequence[Figure], xs: Sequence[Any], ys: Sequence[Any], keys: Sequence[Key]
) -> Frame:
    """Margins follow what stands in them: names of rows on the left, slanted names and the legend below."""
    layout = figure["layout"]
    second = layout.get("yaxis2")
    names = scale_of(ys, 1, 0).names
    left = 44.0 + CHAR_PX * min(MOST_NAME_CHARS, max((len(name) for name in names), default=6))
    right = look.width_px - (70.0 if second else 24.0)
    across = scale_of(xs, left, right)
    top = 64.0 if look.titled else 22.0
    foot = look.height_px - _below_px(layout, across, _rows_of_legend(keys, look))
    up = _up(layout["yaxis"], ys, foot, top)
    beside = _up(second, [], foot, top) if second else None
    return Frame(look, layout, traces, across, up, beside)


def marking(frame: Frame) -> str:
    """Nothing to be seen: the values at the left and right edge, and where these are, in pixels."""
    scale = frame.across
    return f'<g data-across="{scale.least} {scale.most} {scale.start_px} {scale.end_px}"/>'


def _up(axis: Figure, ys: Sequence[Any], foot: float, top: float) -> Scale:
    if axis.get("range"):
        return Scale(axis["range"][0], axis["range"][1], foot, top)
    ys = [*ys, 0.0] if axis.get("rangemode") == "tozero" and ys else ys
    return scale_of(ys, top, foot) if axis.get("autorange") == "reversed" else scale_of(ys, foot, top)


def _below_px(layout: Figure, across: Scale, n_rows: int) -> float:
    names = 26.0 + (0.52 * CHAR_PX * _longest(across) if _is_slanted(across) else 0.0)
    return names + (22.0 if layout["xaxis"]["title"]["text"] else 0.0) + (8.0 + ROW_PX * n_rows if n_rows else 0.0)


def _longest(across: Scale) -> int:
    return min(MOST_NAME_CHARS, max((len(name) for name in across.names), default=0))


def _is_slanted(across: Scale) -> bool:
    return bool(across.names) and CHAR_PX * _longest(across) + 6 > across.step_px


# Around the traces ---------------------------------------------------------------------------------------------------


def title(layout: Figure, look: Look) -> Iterator[str]:
    for row, words in enumerate(textwrap.wrap(layout["title"]["text"], int(look.width_px / TITLE_CHAR_PX))[:2]):
        yield marks.text(20, 26 + 21 * row, words, f'font-size="16" fill="{look.ink}"')


def axes(frame: Frame) -> Iterator[str]:
    look, quiet = frame.look, f'fill="{frame.look.quiet}"'
    for tick in frame.up.ticks():
        y = frame.up.at(tick)
        if not frame.up.names:
            yield marks.line((frame.left, y), (frame.right, y), look.grid)
        yield marks.text(frame.left - 8, y + 4, _cut(short(tick)), f'text-anchor="end" {quiet}')
    yield from _names_below(frame)
    if not frame.across.names and frame.across.least < 0 < frame.across.most:
        yield marks.line((frame.across.at(0), 22), (frame.across.at(0), frame.foot), look.quiet)
    for tick in frame.second.ticks() if frame.second else ():
        yield marks.text(frame.right + 8, frame.second.at(tick) + 4, short(tick), quiet)  # type: ignore[union-attr]
    yield marks.line((frame.left, frame.foot), (frame.right, frame.foot), look.quiet)
    yield from _axis_titles(frame)


def _names_below(frame: Frame) -> Iterator[str]:
    quiet, is_slanted = f'fill="{frame.look.quiet}"', _is_slanted(frame.across)
    ticks = frame.across.ticks()
    # Where they would run into one another every second, third … is written.
    every = max(1, round(14 / frame.across.step_px + 0.49)) if frame.across.names else 1
    for tick in ticks[::every]:
        x = frame.across.at(tick)
        yield marks.line((x, frame.foot), (x, frame.foot + 5), frame.look.quiet)
        if is_slanted:
            yield marks.slanted(x + 4, frame.foot + 16, _cut(short(tick)), quiet)
        else:
            yield marks.text(x, frame.foot + 19, short(tick), f'text-anchor="middle" {quiet}')


def _axis_titles(frame: Frame) -> Iterator[str]:
    quiet, middle = f'fill="{frame.look.quiet}"', (min(frame.up.start_px, frame.up.end_px) + frame.foot) / 2
    below = frame.foot + 40 + (0.52 * CHAR_PX * _longest(frame.across) if _is_slanted(frame.across) else 0.0)
    across = frame.layout["xaxis"]["title"]["text"]
    if across:
        style = f'text-anchor="middle" {quiet}'
        yield marks.text((frame.left + frame.right) / 2, below, across, style)
    room = int((frame.foot - min(frame.up.start_px, frame.up.end_px) + 30) / CHAR_PX)
    beside = textwrap.shorten(frame.layout["yaxis"]["title"]["text"], room, placeholder="…")
    yield marks.upright(14, middle, beside, quiet)
    if frame.second:
        yield marks.upright(frame.look.width_px - 10, middle, frame.layout["yaxis2"]["title"]["text"], quiet)


def legend(keys: Sequence[Key], look: Look) -> Iterator[str]:
    """Names with their colours, in rows at the foot."""
    for (name, colour), (x, row) in zip(keys, _places(keys, look), strict=True):
        y = look.height_px - 8 - ROW_PX * (_rows_of_legend(keys, look) - 1 - row)
        yield marks.rectangle((x, y - 10), (x + 12, y + 1), colour)
        yield marks.text(x + 17, y, name, f'fill="{look.quiet}"')


def _places(keys: Sequence[Key], look: Look) -> Iterator[tuple[float, int]]:
    x, row = 20.0, 0
    for name, _ in keys:
        wide = 32 + CHAR_PX * len(name)
        if x > 20 and x + wide > look.width_px:
            x, row = 20.0, row + 1
        yield x, row
        x += wide


def _rows_of_legend(keys: Sequence[Key], look: Look) -> int:
    return max((row + 1 for _, row in _places(keys, look)), default=0)


def _cut(name: str) -> str:
    return name if len(name) <= MOST_NAME_CHARS else f"{name[: MOST_NAME_CHARS - 1]}…"

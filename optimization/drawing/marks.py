"""The elements of SVG that pictures are made of; a `hint` shows when the mouse rests on them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

Point = tuple[float, float]


def text(x: float, y: float, words: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'


def upright(x: float, y: float, words: str, style: str = "") -> str:
    place = f'transform="translate({x:.1f},{y:.1f}) rotate(-90)" text-anchor="middle"'
    return f"<text {place} {style}>{escape(words)}</text>"


def slanted(x: float, y: float, words: str, style: str = "") -> str:
    place = f'transform="translate({x:.1f},{y:.1f}) rotate(-32)" text-anchor="end"'
    return f"<text {place} {style}>{escape(words)}</text>"


def line(a: Point, b: Point, colour: str, width: float = 1, hint: str = "") -> str:
    ends = f'x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}"'
    return _hinted("line", f'{ends} stroke="{colour}" stroke-width="{width:g}"', hint)


def rectangle(a: Point, b: Point, colour: str, style: str = "", hint: str = "") -> str:
    place = f'x="{min(a[0], b[0]):.1f}" y="{min(a[1], b[1]):.1f}"'
    size = f'width="{abs(b[0] - a[0]):.1f}" height="{abs(b[1] - a[1]):.1f}"'
    return _hinted("rect", f'{place} {size} fill="{colour}" {style}', hint)


def dot(at: Point, radius: float, colour: str, hint: str = "", style: str = "") -> str:
    return _hinted("circle", f'cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="{radius:g}" fill="{colour}" {style}', hint)


def cross(at: Point, half: float, colour: str, hint: str = "") -> str:
    (x, y), width = at, 3
    rising = line((x - half, y + half), (x + half, y - half), colour, width, hint)
    return line((x - half, y - half), (x + half, y + half), colour, width, hint) + rising


def polyline(points: Sequence[Point], colour: str, width: float, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<polyline points="{_path(points)}" fill="none" stroke="{colour}" stroke-width="{width:g}"{dashed}/>'


def polygon(points: Sequence[Point], colour: str, opacity: float) -> str:
    return f'<polygon points="{_path(points)}" fill="{colour}" fill-opacity="{opacity:g}"/>'


def path(steps: str, colour: str, opacity: float, hint: str = "") -> str:
    return _hinted("path", f'd="{steps}" fill="{colour}" fill-opacity="{opacity:g}"', hint)


def _path(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _hinted(name: str, attributes: str, hint: str) -> str:
    return f"<{name} {attributes}><title>{escape(hint)}</title></{name}>" if hint else f"<{name} {attributes}/>"

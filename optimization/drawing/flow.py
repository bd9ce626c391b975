"""A Sankey picture: nodes in columns, links as bands whose breadth is their value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from optimization.drawing import marks
from optimization.drawing.look import Figure, Look
from optimization.drawing.scales import short

NODE_PX, GAP_PX, SIDE_PX, MARGIN_PX, DEEPEST = 14, 14, 150, 20, 4


@dataclass(frozen=True, slots=True)
class Node:
    name: str
    colour: str
    x: float
    y: float
    high: float
    tonnes: float


def sankey(trace: Figure, look: Look) -> Iterator[str]:
    """Bands first, so that the nodes lie over their ends; names beside the nodes."""
    nodes, scale = _nodes(trace, look)
    yield from _bands(trace, nodes, scale, look)
    for node in nodes:
        hint = f"{node.name}: {node.tonnes:,.0f} {trace['valuesuffix'].strip()}"
        yield marks.rectangle((node.x, node.y), (node.x + NODE_PX, node.y + node.high), node.colour, hint=hint)
        yield from _named(node, look)


def _named(node: Node, look: Look) -> Iterator[str]:
    is_last = node.x > look.width_px - SIDE_PX - 2 * NODE_PX
    x, anchor = (node.x + NODE_PX + 7, "start") if node.x >= SIDE_PX + 1 or is_last else (node.x - 7, "end")
    words = f"{node.name if len(node.name) < 20 else node.name[:18] + '…'}, {short(node.tonnes, 3)}"
    yield marks.text(x, node.y + node.high / 2 + 4, words, f'text-anchor="{anchor}" fill="{look.ink}"')


def _nodes(trace: Figure, look: Look) -> tuple[list[Node], float]:
    """Each column is centred; one scale for all, by the fullest column."""
    columns, through = _columns(trace), _through(trace)
    room = look.height_px - 2 * MARGIN_PX - (50 if look.titled else 0)
    by_column = [[k for k, column in enumerate(columns) if column == c] for c in range(max(columns) + 1)]
    scale = min((room - GAP_PX * (len(held) - 1)) / sum(through[k] for k in held) for held in by_column)
    step = (look.width_px - 2 * SIDE_PX - NODE_PX) / max(1, max(columns))
    placed: dict[int, Node] = {}
    for c, held in enumerate(by_column):
        used = sum(through[k] for k in held) * scale + GAP_PX * (len(held) - 1)
        y = look.height_px - MARGIN_PX - room + (room - used) / 2
        for k in held:
            colour = look.paint(trace["node"]["color"][k])[0]
            high = through[k] * scale
            placed[k] = Node(trace["node"]["label"][k], colour, SIDE_PX + c * step, y, high, through[k])
            y += high + GAP_PX
    return [placed[k] for k in range(len(columns))], scale


def _columns(trace: Figure) -> list[int]:
    """One more than the furthest node before it; flows run in one direction and are no deeper than DEEPEST."""
    link, columns = trace["link"], [0] * len(trace["node"]["label"])
    for _ in range(DEEPEST):
        for source, target in zip(link["source"], link["target"], strict=True):
            columns[target] = max(columns[target], columns[source] + 1)
    return columns


def _through(trace: Figure) -> list[float]:
    """What comes in or goes out of each node, whichever is more."""
    link, n = trace["link"], len(trace["node"]["label"])
    arriving, leaving = [0.0] * n, [0.0] * n
    for source, target, value in zip(link["source"], link["target"], link["value"], strict=True):
        leaving[source] += value
        arriving[target] += value
    return [max(pair) for pair in zip(arriving, leaving, strict=True)]


def _bands(trace: Figure, nodes: list[Node], scale: float, look: Look) -> Iterator[str]:
    link = trace["link"]
    out_y, in_y = [node.y for node in nodes], [node.y for node in nodes]
    ends = zip(link["source"], link["target"], link["value"], link["color"], link["label"], strict=True)
    # By where they go and come from, so that few cross.
    for source, target, value, colour, name in sorted(
        ends, key=lambda e: (nodes[e[0]].x, nodes[e[1]].y, nodes[e[0]].y)
    ):
        broad = value * scale
        paint, opacity = look.paint(colour)
        hint = f"{nodes[source].name} → {nodes[target].name}, {name}: {value:,.0f}{trace['valuesuffix']}"
        a, b = (nodes[source].x + NODE_PX, out_y[source]), (nodes[target].x, in_y[target])
        yield marks.path(_band(a, b, broad), paint, opacity, hint)
        out_y[source] += broad
        in_y[target] += broad


def _band(a: marks.Point, b: marks.Point, broad: float) -> str:
    (x1, y1), (x2, y2), middle = a, b, (a[0] + b[0]) / 2
    there = f"M{x1:.1f},{y1:.1f} C{middle:.1f},{y1:.1f} {middle:.1f},{y2:.1f} {x2:.1f},{y2:.1f}"
    back = f"C{middle:.1f},{y2 + broad:.1f} {middle:.1f},{y1 + broad:.1f} {x1:.1f},{y1 + broad:.1f}"
    return f"{there} L{x2:.1f},{y2 + broad:.1f} {back} Z"

"""The progress of a contract, drawn: what was to be accepted by when, and what was."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from optimization.api import Chart

DAY_S = 86_400


def progress(contract: Any, milestones: Sequence[Any], now: datetime) -> Chart:
    """An S-curve: shares of the price over the days since the contract, planned and accepted."""
    milestones = [each for each in milestones if each.share_bp]  # sessions are beside the price
    planned = [(each.due_at, each.share_bp) for each in milestones]
    accepted = [(each.accepted_at, each.share_bp) for each in milestones if each.accepted_at]
    due, done = (sum(share for at, share in parts if at <= now) / 100 for parts in (planned, accepted))
    last = max([now, *(at for at, _ in planned)])
    curves = (
        ("planned", _steps(planned, contract.written_at, last)),
        ("accepted", _steps(accepted, contract.written_at, now)),
    )
    data = [
        {"type": "scatter", "mode": "lines", "name": name, "x": [day for day, _ in points], "y": [y for _, y in points]}
        for name, points in curves
    ]
    layout = {
        "title": {"text": f"{done:g} % of the price is accepted, {due:g} % was due by now"},
        "xaxis": {"title": {"text": "days since the contract"}},
        "yaxis": {"title": {"text": "% of the price"}, "range": [0, 105]},
        "template": "plotly_white",
    }
    rows = [
        (
            *(each.number, each.title, each.share_bp / 100, f"{each.due_at:%Y-%m-%d}", _day(each.accepted_at)),
            _evidence(each),
        )
        for each in milestones
    ]
    headers = ("Milestone", "Title", "% of the price", "Due", "Accepted", "Evidence")
    return Chart("progress", "contract", {"data": data, "layout": layout}, headers, rows)


def _steps(parts: Iterable[tuple[datetime, int]], since: datetime, until: datetime) -> list[tuple[float, float]]:
    """Corners of the sum so far, in days and percent."""
    corners, so_far = [(0.0, 0.0)], 0.0
    for at, share_bp in sorted(parts):
        day = max(0.0, (at - since).total_seconds() / DAY_S)
        corners += [(day, so_far), (day, so_far + share_bp / 100)]
        so_far += share_bp / 100
    return [*corners, (max(corners[-1][0], (until - since).total_seconds() / DAY_S), so_far)]


def _evidence(milestone: Any) -> str:
    """What the readings said of the rule of acceptance when it was last submitted."""
    said = [each.evidence for each in milestone.submissions.all() if each.evidence]
    return f"{said[-1]['words']}: {'kept' if said[-1]['passed'] else 'not kept'}" if said else ""


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at else ""

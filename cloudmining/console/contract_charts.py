"""The progress of a contract, or of all on one side, drawn: what was to be accepted by when, and what was."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from optimization.api import Chart
from tenants.money import in_units, in_words

DAY_S = 86_400


def progress(contract: Any, milestones: Sequence[Any], now: datetime) -> Chart:
    """An S-curve: shares of the price over the days since the contract, planned and accepted."""
    milestones = [each for each in milestones if each.share_bp]  # sessions are beside the price
    planned = [(each.due_at, each.share_bp / 100) for each in milestones]
    accepted = [(each.accepted_at, each.share_bp / 100) for each in milestones if each.accepted_at]
    due, done = (sum(share for at, share in parts if at <= now) for parts in (planned, accepted))
    last = max([now, *(at for at, _ in planned)])
    curves = (
        ("planned", _steps(planned, contract.written_at, last)),
        ("accepted", _steps(accepted, contract.written_at, now)),
    )
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
    return Chart("progress", "contract", {"data": _lines(curves), "layout": layout}, headers, rows)


def progress_of_all(milestones: Sequence[Any], kind: str, now: datetime) -> list[Chart]:
    """An S-curve over the contracts of all these milestones, which have a price; one for each currency."""
    currencies = sorted({each.contract.currency for each in milestones})
    return [_together([m for m in milestones if m.contract.currency == each], kind, each, now) for each in currencies]


def _together(milestones: Sequence[Any], kind: str, currency: str, now: datetime) -> Chart:
    since = min(each.contract.written_at for each in milestones)
    planned = [(each.due_at, in_units(each.amount_minor, currency)) for each in milestones]
    accepted = [(each.accepted_at, in_units(each.amount_minor, currency)) for each in milestones if each.accepted_at]
    done = sum(each.amount_minor for each in milestones if each.accepted_at)
    due = sum(each.amount_minor for each in milestones if each.due_at <= now)
    last = max([now, *(at for at, _ in planned)])
    curves = (("planned", _steps(planned, since, last)), ("accepted", _steps(accepted, since, now)))
    layout = {
        "title": {"text": f"{in_words(done, currency)} are accepted, {in_words(due, currency)} were due by now"},
        "xaxis": {"title": {"text": "days since the first contract"}},
        "yaxis": {"title": {"text": currency}, "rangemode": "tozero"},
        "template": "plotly_white",
    }
    rows = [
        (
            *(each.contract.title, each.number, each.title, in_units(each.amount_minor, currency)),
            *(f"{each.due_at:%Y-%m-%d}", _day(each.accepted_at), _evidence(each)),
        )
        for each in sorted(milestones, key=lambda each: (each.due_at, each.pk))
    ]
    headers = ("Contract", "Milestone", "Title", currency, "Due", "Accepted", "Evidence")
    return Chart(f"{kind}-{currency.lower()}", kind, {"data": _lines(curves), "layout": layout}, headers, rows)


def _lines(curves: Iterable[tuple[str, list[tuple[float, float]]]]) -> list[dict[str, Any]]:
    return [
        {"type": "scatter", "mode": "lines", "name": name, "x": [day for day, _ in points], "y": [y for _, y in points]}
        for name, points in curves
    ]


def _steps(parts: Iterable[tuple[datetime, float]], since: datetime, until: datetime) -> list[tuple[float, float]]:
    """Corners of the sum so far, by days."""
    corners, so_far = [(0.0, 0.0)], 0.0
    for at, part in sorted(parts):
        day = max(0.0, (at - since).total_seconds() / DAY_S)
        corners += [(day, so_far), (day, so_far + part)]
        so_far += part
    return [*corners, (max(corners[-1][0], (until - since).total_seconds() / DAY_S), so_far)]


def _evidence(milestone: Any) -> str:
    """What the readings said of the rule of acceptance when it was last submitted."""
    said = [each.evidence for each in milestone.submissions.all() if each.evidence]
    return f"{said[-1]['words']}: {'kept' if said[-1]['passed'] else 'not kept'}" if said else ""


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at else ""

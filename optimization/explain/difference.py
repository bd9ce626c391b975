"""What differs between two plans, and why: the data that changed, and whether the old plan would still do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from optimization.checker import check_plan, cost_terms_usd
from optimization.data import Flow, Plan, SupplyChainInstance

NOTICEABLE_T = 0.05
CENT = 0.01
MOST_TOLD = 8
FLOWS = {"x": "ore mined", "v": "sent to the centre", "z": "sent to the user"}
STOCKS = {"u": "stock at the mill", "w": "stock at the centre"}
NAMES = ("name", "mine", "centre", "user")


@dataclass(frozen=True, slots=True)
class Change:
    """A number or a choice that is `after` where it was `before`; None where it was not there."""

    what: str
    where: tuple[str, ...]
    before: float | str | None
    after: float | str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """`data` is why; `old_plan_misses` names the rules that the old plan breaks under the new data.

    `old_plan_cost_usd` is what the old plan costs at the new prices; None when it does not fit the new data at all.
    """

    before_usd: float
    after_usd: float
    cost_by_term: tuple[Change, ...]
    flows: tuple[Change, ...]
    cutoffs: tuple[Change, ...]
    stocks: tuple[Change, ...]
    data: tuple[Change, ...]
    old_plan_misses: tuple[str, ...]
    old_plan_cost_usd: float | None

    def to_document(self) -> dict[str, Any]:
        return asdict(self)


def difference(before: SupplyChainInstance, old: Plan, after: SupplyChainInstance, new: Plan) -> Difference:
    """Everything that changed from the old plan on the old data to the new plan on the new."""
    was, now = cost_terms_usd(before, old), cost_terms_usd(after, new)
    kept = check_plan(after, old)
    return Difference(
        before_usd=math.fsum(was.values()),
        after_usd=math.fsum(now.values()),
        cost_by_term=tuple(
            Change(name, (), was[name], now[name]) for name in was if abs(was[name] - now[name]) > 0.005
        ),
        flows=tuple(_tonnes_changed(old, new, FLOWS)),
        cutoffs=tuple(_cutoffs_changed(old, new)),
        stocks=tuple(_tonnes_changed(old, new, STOCKS)),
        data=tuple(_data_changed(before, after)),
        old_plan_misses=tuple(f"{v.constraint} at {', '.join(v.indices)}" for v in kept.violations),
        old_plan_cost_usd=kept.cost_usd,
    )


def difference_words(found: Difference) -> tuple[str, ...]:
    """Cost first, then why, then what the plan does instead; the largest changes of each kind."""
    rise = found.after_usd - found.before_usd
    words = [f"The cost {_rises(rise)}: from {found.before_usd:,.2f} $ to {found.after_usd:,.2f} $."]
    words += _told("By kind", found.cost_by_term, "$")
    words += _told("Data that changed", found.data, "")
    words += [_old_plan(found)] if found.data else []
    words += _told("Other cut-offs", found.cutoffs, "")
    words += _told("Other flows", found.flows, "t")
    words += _told("Other stocks", found.stocks, "t")
    return tuple(words)


def _old_plan(found: Difference) -> str:
    if found.old_plan_misses:
        more = len(found.old_plan_misses) - 1
        others = f" and {more} more" if more else ""
        return f"The old plan would no longer hold: it misses {found.old_plan_misses[0]}{others}."
    assert found.old_plan_cost_usd is not None
    saved = found.old_plan_cost_usd - found.after_usd
    return f"The old plan would still hold, at {found.old_plan_cost_usd:,.2f} $: the new one saves {saved:,.2f} $."


def _rises(by_usd: float) -> str:
    return "stays" if abs(by_usd) < CENT / 2 else f"{'rises' if by_usd > 0 else 'falls'} by {abs(by_usd):,.2f} $"


def _told(title: str, changes: tuple[Change, ...], unit: str) -> list[str]:
    if not changes:
        return []
    largest = sorted(changes, key=_size, reverse=True)
    more = len(changes) - MOST_TOLD
    parts = [_words(change, unit) for change in largest[:MOST_TOLD]] + ([f"and {more} more"] if more > 0 else [])
    return [f"{title}: {'; '.join(parts)}."]


def _words(change: Change, unit: str) -> str:
    where = f" ({', '.join(change.where)})" if change.where else ""
    before, after = (_value(value, unit) for value in (change.before, change.after))
    return f"{change.what.replace('_', ' ')}{where} {before} → {after}"


def _value(value: float | str | None, unit: str) -> str:
    if value is None:
        return "none"
    text = value if isinstance(value, str) else f"{value:,.2f}" if unit == "$" else f"{value:,.6g}"
    return f"{text} {unit}".rstrip()


def _size(change: Change) -> float:
    values = [v if isinstance(v, int | float) else 0.0 for v in (change.before, change.after)]
    return abs(values[0] - values[1])


def _tonnes_changed(old: Plan, new: Plan, names: Mapping[str, str]) -> Iterator[Change]:
    for name, words in names.items():
        was, now = getattr(old, name), getattr(new, name)
        for key in _keys(was, now):
            if abs(was.get(key, 0.0) - now.get(key, 0.0)) > NOTICEABLE_T:
                yield Change(words, key, was.get(key, 0.0), now.get(key, 0.0))


def _cutoffs_changed(old: Plan, new: Plan) -> Iterator[Change]:
    was, now = _cutoff_in_use(old.d), _cutoff_in_use(new.d)
    for key in _keys(was, now):
        if was.get(key) != now.get(key):
            yield Change("cut-off", key, was.get(key), now.get(key))


def _cutoff_in_use(d: Flow) -> dict[tuple[str, ...], str]:
    return {(m, i, period): j for (m, i, j, period), value in d.items() if value > 0.5}


def _keys(was: Mapping[tuple[str, ...], Any], now: Mapping[tuple[str, ...], Any]) -> list[tuple[str, ...]]:
    return [*was, *(key for key in now if key not in was)]


def _data_changed(before: SupplyChainInstance, after: SupplyChainInstance) -> Iterator[Change]:
    was, now = (dict(_leaves(each.to_document(), (), each.periods)) for each in (before, after))
    for key in _keys(was, now):
        if key != ("name",) and was.get(key) != now.get(key):
            yield Change(key[-1], key[:-1], was.get(key), now.get(key))


def _leaves(
    value: Any, path: tuple[str, ...], periods: tuple[str, ...], field: str = ""
) -> Iterator[tuple[tuple[str, ...], float | str]]:
    """Numbers and words of a document under the names of their rows and periods, the field last."""
    if isinstance(value, Mapping):
        names = tuple(value[name] for name in NAMES if name in value)
        for key, each in value.items():
            if key not in NAMES or not path:
                yield from _leaves(each, (*path, *names) if path else (), periods, key)
        return
    if isinstance(value, list | tuple):
        named = list(periods) if len(value) == len(periods) else [str(k + 1) for k in range(len(value))]
        for name, each in zip(named, value, strict=True):
            is_row = isinstance(each, Mapping)
            yield from _leaves(each, path or (field,) if is_row else (*path, name), periods, field)
        return
    yield (*path, field), value

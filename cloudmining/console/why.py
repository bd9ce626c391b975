"""Why a plan is as it is, from what was kept beside it: binding rules with their values, or the shortage and repair."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MOST_SHOWN = 10
# A yes-or-no rule is no limit that could be moved.
NO_LIMIT = "one cut-off a location"
MOVED = {"t": "tonne", "t ore": "tonne of ore", "resource": "unit", "t useful ore": "tonne of useful ore"}


@dataclass(frozen=True, slots=True)
class Binding:
    """A rule at a place, in the periods in which it binds; `worth` tells what one more would save or cost."""

    rule: str
    place: str
    periods: str
    limit: str
    worth: str


def bindings(insight: dict[str, Any] | None, n_periods: int) -> list[Binding]:
    """The most valuable first."""
    groups: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for rule in (insight or {}).get("rules", ()):
        name = rule["rule"].partition(") ")[2] or rule["rule"]
        if rule["is_binding"] and name != NO_LIMIT:
            groups[name, ", ".join(rule["place"])].append(rule)
    ranked = sorted(groups.items(), key=lambda item: -max(_size(rule) for rule in item[1]))
    return [_binding(name, place, rules, n_periods) for (name, place), rules in ranked]


def _size(rule: dict[str, Any]) -> float:
    return abs(rule["marginal_usd_per_unit"] or 0.0)


def _binding(name: str, place: str, rules: Sequence[dict[str, Any]], n_periods: int) -> Binding:
    in_all = len(rules) == n_periods > 1
    periods = "every period" if in_all else ", ".join(sorted({rule["period"] for rule in rules}))
    limits, unit = [rule["limit"] for rule in rules], rules[0]["unit"]
    return Binding(name, place, periods, f"{_range(limits)} {unit}", _worth(rules, MOVED.get(unit, unit)))


def _worth(rules: Sequence[dict[str, Any]], unit: str) -> str:
    values = [rule["marginal_usd_per_unit"] for rule in rules if rule["marginal_usd_per_unit"] is not None]
    if not values:
        return "not known"
    most = max(values, key=abs)
    if abs(most) < 0.005:
        return "nothing"
    upto = "up to " if len(values) > 1 and max(values) - min(values) >= 0.005 else ""
    return f"one more {unit} {'saves' if most < 0 else 'costs'} {upto}{abs(most):,.2f} $"


def _range(values: Sequence[float]) -> str:
    least, most = f"{min(values):,.0f}", f"{max(values):,.0f}"
    return least if least == most else f"{least} to {most}"


def reasons(run: Any) -> list[str]:
    """In words why there is no plan, as far as that is known."""
    words = (run.insight or {}).get("words") or run.explanation
    return list(words) if run.plan is None else []


def shortages(insight: dict[str, Any] | None) -> list[dict[str, Any]]:
    return list(_diagnosis(insight).get("shortages") or ())


def repairs(insight: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    for repair in _diagnosis(insight).get("repairs") or ():
        name = repair["rule"].partition(") ")[2] or repair["rule"]
        yield repair | {"rule": name, "place": ", ".join(repair["place"])}


def is_cheapest(insight: dict[str, Any] | None) -> bool:
    """Proven, rather than the best found in the time given."""
    return bool(_diagnosis(insight).get("is_cheapest"))


def _diagnosis(insight: dict[str, Any] | None) -> dict[str, Any]:
    return (insight or {}).get("diagnosis") or {}

"""What the system does by itself when something happens, if an organisation has switched it on. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Outcome(StrEnum):
    DONE = "done"
    KNOWN = "known"  # there was a task for it already
    NOTHING = "nothing"  # there was nothing to do
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Rule:
    """On an event of `kind` in whose body the values of `where` stand: `words` say what then happens.

    `needs_site`: what happened is at no site, so the switch says for which one the task is.
    """

    kind: str
    words: str
    where: Mapping[str, Any]
    needs_site: bool = False

    def applies(self, body: Mapping[str, Any], site: str | None) -> bool:
        """`site` narrows rules about a place down to it."""
        is_there = self.needs_site or site is None or body.get("site", site) == site
        return is_there and all(body.get(name) == value for name, value in self.where.items())


RULES: Final[dict[str, Rule]] = {
    "critical_alarm": Rule(
        "alarm.raised",
        "A critical alarm becomes a draft of a service task, with the readings before it as evidence.",
        {"severity": "critical", "historical": False},
    ),
    "plan_infeasible": Rule(
        "plan.infeasible",
        "Where no plan fits, the cheapest repair becomes a draft of a task, with its price as budget.",
        {},
        needs_site=True,
    ),
    "grades_drifted": Rule(
        "grades.drifted",
        "Where new samples no longer fit the set of grades, a new plan is proposed as a draft of a task.",
        {},
        needs_site=True,
    ),
    "work_submitted": Rule(
        "task.submitted",
        "When work is reported done, what stored readings say of its rule of acceptance stands here in words.",
        {},
    ),
}

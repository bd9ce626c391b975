"""What the system does by itself when something happens, if an organisation has switched it on. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from edge_bridge.readings.tags import plain_name


class Outcome(StrEnum):
    DONE = "done"
    KNOWN = "known"  # there was a task for it already
    NOTHING = "nothing"  # there was nothing to do
    REFUSED = "refused"
    FAILED = "failed"  # a fault of the system; the event is not tried again


@dataclass(frozen=True, slots=True)
class Rule:
    """On an event of `kind` in whose body the values of `where` stand: `words` say what then happens.

    `grown`: kinds that tell more of the same subject; they count as long as nothing has followed since it was raised.
    `tag`: only where the event is about such a quantity, by its name in the tag dictionary. `needs_site`: what happened
    is at no site, so the switch says for which one the task is. `needs`: what whom it acts for has to be allowed.
    """

    kind: str
    words: str
    where: Mapping[str, Any]
    needs_site: bool = False
    tag: str = ""
    grown: tuple[str, ...] = ()
    needs: tuple[str, ...] = ("post_tasks",)

    @property
    def kinds(self) -> tuple[str, ...]:
        return self.kind, *self.grown

    def applies(self, body: Mapping[str, Any], site: str | None) -> bool:
        """`site` narrows rules about a place down to it."""
        is_there = self.needs_site or site is None or body.get("site", site) == site
        is_meant = not self.tag or plain_name(str(body.get("tag"))) == self.tag
        return is_there and is_meant and all(body.get(name) == value for name, value in self.where.items())


RULES: Final[dict[str, Rule]] = {
    "critical_alarm": Rule(
        "alarm.raised",
        "A critical alarm becomes a draft of a service task, with the readings before it as evidence.",
        {"severity": "critical", "historical": False},
        grown=("alarm.re_alarmed", "alarm.updated"),
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
    "analyser_drifted": Rule(
        "alarm.raised",
        "Where an analyser of ore gives an alarm, its hours are held against the sets of grades, as new samples are.",
        {"historical": False},
        tag="ore_grade",
        needs=("manage_grades", "view_alarms", "view_telemetry"),
    ),
}

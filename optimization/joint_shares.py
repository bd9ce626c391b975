"""What a plan of several organisations means to each of them: its own flows, what it pays, and why there is no plan.

A flow is seen at both of its ends and a cost by who brought its figure; so the shares' costs sum to the objective.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from optimization.checker import cost_terms_usd
from optimization.data import Plan, SupplyChainInstance
from optimization.explain.elastic import Diagnosis, Repair, Shortage, diagnosis_words
from optimization.explain.named_rules import CLOSING, LANE, ROOM
from optimization.joint_parts import Bringers

# A variable's key is these names and then the period.
ENDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("y", "u"), ("mine",)),
    **dict.fromkeys(("x", "d"), ("mine", "location", "cutoff")),
    **dict.fromkeys(("v", "p", "w"), ("mine", "centre")),
    **dict.fromkeys(("z", "q"), ("mine", "centre", "user")),
}
MOST_ROOMS = 10


@dataclass(frozen=True, slots=True)
class Share:
    """`plan` has the flows that the participant sees, `cost_terms_usd` the nine terms of what it brought."""

    plan: Plan
    cost_terms_usd: Mapping[str, float]

    @property
    def cost_usd(self) -> float:
        return math.fsum(self.cost_terms_usd.values())


def split(instance: SupplyChainInstance, plan: Plan, bringers: Bringers) -> dict[str, Share]:
    """A share for everybody who brings anything; the costs sum to that of the plan."""
    everybody = sorted({who for f in fields(bringers) for who in getattr(bringers, f.name).values()})
    seen, paid = ({who: _nothing() for who in everybody} for _ in range(2))
    for name in ENDS:
        for key, value in getattr(plan, name).items():
            paid[_payer(bringers, name, key)][name][key] = value
            for who in _ends(bringers, name, key):
                seen[who][name][key] = value
    return {who: Share(Plan(**seen[who]), cost_terms_usd(instance, Plan(**paid[who]))) for who in everybody}


def _nothing() -> dict[str, dict[tuple[str, ...], float]]:
    return {name: {} for name in ENDS}


def _ends(bringers: Bringers, name: str, key: tuple[str, ...]) -> set[str]:
    named = dict(zip(ENDS[name], key, strict=False))
    return {getattr(bringers, kind)[named[kind]] for kind in ("mine", "centre", "user") if kind in named}


def _payer(bringers: Bringers, name: str, key: tuple[str, ...]) -> str:
    if ENDS[name][1:] == ("centre",):
        return bringers.mill_lane[key[0], key[1]]
    if ENDS[name][1:] == ("centre", "user"):
        return bringers.user_lane[key[1], key[2]]
    return bringers.mine[key[0]]


# Why there is no plan -------------------------------------------------------------------------------------------------


def reasons(instance: SupplyChainInstance, bringers: Bringers, diagnosis: Diagnosis) -> dict[str, tuple[str, ...]]:
    """Sentences for each participant about what it brought, and about rooms that it uses. Nobody hears of the rest.

    What a move costs is worked out of the figures of who is told it; that of a shared room is told to nobody.
    """
    told: dict[str, list[str]] = defaultdict(list)
    rooms = _rooms(instance, bringers, diagnosis)
    for who, words in (*_own_words(bringers, diagnosis), *_missed(bringers, diagnosis), *rooms):
        if words not in told[who]:
            told[who].append(words)
    return {who: tuple(words) for who, words in told.items()}


def _own_words(bringers: Bringers, diagnosis: Diagnosis) -> Iterator[tuple[str, str]]:
    short: dict[str, list[Shortage]] = defaultdict(list)
    moves: dict[str, list[Repair]] = defaultdict(list)
    for shortage in diagnosis.shortages or ():
        short[bringers.demand[shortage.mine, shortage.user]].append(shortage)
    for repair in diagnosis.repairs or ():
        if repair.rule != ROOM:
            moves[_bringer_of(bringers, repair)].append(repair)
    for who in sorted({*short, *moves}):
        own = Diagnosis(tuple(short[who]), tuple(moves[who]), diagnosis.is_fewest, diagnosis.is_cheapest)
        yield from ((who, words) for words in diagnosis_words(own))


def _bringer_of(bringers: Bringers, repair: Repair) -> str:
    if repair.rule in (LANE, CLOSING):
        return bringers.mill_lane[repair.place[0], repair.place[1]]
    return bringers.mine[repair.place[0]]


def _missed(bringers: Bringers, diagnosis: Diagnosis) -> Iterator[tuple[str, str]]:
    """The ends of a demand that did not bring it learn that it is missed, and not by how much."""
    for shortage in diagnosis.shortages or ():
        bringer = bringers.demand[shortage.mine, shortage.user]
        if (mine := bringers.mine[shortage.mine]) != bringer:
            yield mine, f"not all that is wanted of {shortage.mine} in {shortage.period} can be delivered"
        if (user := bringers.user[shortage.user]) != bringer:
            yield user, f"not all that {shortage.user} wants in {shortage.period} can be delivered"


def _rooms(instance: SupplyChainInstance, bringers: Bringers, diagnosis: Diagnosis) -> Iterator[tuple[str, str]]:
    rooms = [repair for repair in diagnosis.repairs or () if repair.rule == ROOM][:MOST_ROOMS]
    for repair in rooms:
        centre = repair.place[0]
        owner = bringers.centre[centre]
        yield owner, f"{repair.amount:,.1f} t more room at {centre} in {repair.period} would do"
        lanes = [lane for lane in instance.mill_lanes if lane.centre == centre]
        users = {bringers.mine[lane.mine] for lane in lanes}
        users |= {bringers.mill_lane[lane.mine, lane.centre] for lane in lanes}
        for who in sorted(users - {owner}):
            yield who, f"the room of {centre}, which you share, is too small in {repair.period}"

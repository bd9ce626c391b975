"""How well a firm and a task fit, from 0 to 100, and why: the same for both sides, as far as each can see. Pure.

Each criterion gives a share of its points. What the task does not ask for, or the reader can't know, is left out of the
sum, so a score is the share of what counts. More of anything a firm has never lowers its score; what buyers say of it
may.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Final, NamedTuple

from marketplace.contracts.data import STARS
from marketplace.data import CATEGORIES
from marketplace.profiles.data import NeedTerms, Paper, RateLine
from tenants.resources.data import first_uncovered

WEIGHTS: Final = {
    "category": 25,
    "skills": 20,
    "region": 15,
    "certificates": 10,
    "equipment": 10,
    "price": 10,
    "past_work": 5,
    "free_people": 5,
    "ratings": 5,
}
ENOUGH_WORK: Final = 3
HOURS_A_DAY: Final = 8
WORST_OF_FEE: Final = 2  # at so many times the fee, price gives nothing


@dataclass(frozen=True, slots=True)
class Expert:
    """One of a firm's people: level by the lower-case code of a skill, and papers. `is_free` for the whole work."""

    levels: Mapping[str, int]
    papers: tuple[Paper, ...] = ()
    is_free: bool = True


@dataclass(frozen=True, slots=True)
class Offer:
    """What a firm has, as far as the reader sees it; `knows_calendar` if they know who of the people is free.

    `stars` from 1 to 5 are the mean of `ratings_n` ratings by buyers; None without any.
    """

    categories: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    machines: frozenset[str] = frozenset()
    papers: tuple[Paper, ...] = ()
    rates: tuple[RateLine, ...] = ()
    experts: tuple[Expert, ...] = ()
    accepted_n: int = 0
    knows_calendar: bool = False
    stars: float | None = None
    ratings_n: int = 0


@dataclass(frozen=True, slots=True)
class Work:
    """What a task asks for, from its `first` day to its `last`. Without a fee (0) its price counts for nothing."""

    category: str
    first: date
    last: date
    country: str = ""
    equipment_kind: str = ""
    needs: tuple[NeedTerms, ...] = ()
    fee_minor: int = 0
    currency: str = "USD"

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def people_n(self) -> int:
        return sum(need.people_n for need in self.needs) or 1


class Reason(NamedTuple):
    """`points` of `of` that a criterion gave, and why in words."""

    name: str
    points: float
    of: int
    words: str


class Fit(NamedTuple):
    score: int
    reasons: tuple[Reason, ...]


Share = tuple[Fraction, str]
NOTHING: Final = Fraction(0)
ALL: Final = Fraction(1)


def fit(work: Work, offer: Offer) -> Fit:
    """Score and reasons, the weightiest criterion first."""
    shares = dict(_shares(work, offer))
    of = sum(WEIGHTS[name] for name in shares)
    got = sum((WEIGHTS[name] * share for name, (share, _) in shares.items()), NOTHING)
    reasons = tuple(
        Reason(name, round(float(weight * shares[name][0]), 1), weight, shares[name][1])
        for name, weight in WEIGHTS.items()
        if name in shares
    )
    return Fit(int(100 * got / of + Fraction(1, 2)), reasons)


def window_of(
    begins_at: datetime, *, access_h: int, standstill_h: int = 0, due_d: Iterable[int] = ()
) -> tuple[datetime, datetime]:
    """From when to when a task is to be worked on if it is taken at `begins_at`: until its last milestone is due, or
    for as long as a claim is leased."""
    begins_at += timedelta(hours=standstill_h)
    longest_d = max(due_d, default=0)
    return begins_at, begins_at + (timedelta(days=longest_d) if longest_d else timedelta(hours=access_h))


def _shares(work: Work, offer: Offer) -> Iterator[tuple[str, Share]]:
    """The criteria that count for this task and this reader."""
    yield "category", _category(work, offer)
    if any(need.skill for need in work.needs):
        yield "skills", _skills(work, offer)
    if work.country:
        yield "region", _region(work, offer)
    if any(need.certificate for need in work.needs):
        yield "certificates", _certificates(work, offer)
    if work.equipment_kind:
        yield "equipment", _equipment(work, offer)
    if work.fee_minor:
        yield "price", _price(work, offer)
    yield "past_work", _past_work(offer)
    if offer.knows_calendar and work.needs:
        yield "free_people", _free_people(work, offer)
    if offer.stars is not None:
        yield "ratings", _ratings(offer.stars, offer.ratings_n)


def _category(work: Work, offer: Offer) -> Share:
    name = CATEGORIES[work.category].lower()
    return (ALL, f"offers {name}") if work.category in offer.categories else (NOTHING, f"does not offer {name}")


def _region(work: Work, offer: Offer) -> Share:
    if work.country in offer.regions:
        return ALL, f"works in {work.country}"
    return NOTHING, f"does not name {work.country}"


def _equipment(work: Work, offer: Offer) -> Share:
    kind = work.equipment_kind
    return (ALL, f"works with {kind}") if kind in offer.machines else (NOTHING, f"does not name {kind}")


def _skills(work: Work, offer: Offer) -> Share:
    return _met(
        (need.people_n, sum(has_skill(expert.levels, need) for expert in offer.experts), _named(need.skill, need.level))
        for need in work.needs
        if need.skill
    )


def _certificates(work: Work, offer: Offer) -> Share:
    """A certificate of the firm itself counts for all its people."""
    wanted = [need for need in work.needs if need.certificate]
    return _met((need.people_n, _holders(need, work, offer), f"with {need.certificate}") for need in wanted)


def _holders(need: NeedTerms, work: Work, offer: Offer) -> int:
    if holds(offer.papers, need.certificate, work.first, work.last):
        return need.people_n
    return sum(holds(expert.papers, need.certificate, work.first, work.last) for expert in offer.experts)


def _free_people(work: Work, offer: Offer) -> Share:
    """Those who can do what is needed and are booked for nothing else."""
    return _met(
        (need.people_n, sum(_can(expert, need, work) and expert.is_free for expert in offer.experts), "able and free")
        for need in work.needs
    )


def _can(expert: Expert, need: NeedTerms, work: Work) -> bool:
    skilled = not need.skill or has_skill(expert.levels, need)
    return skilled and (not need.certificate or holds(expert.papers, need.certificate, work.first, work.last))


def has_skill(levels: Mapping[str, int], need: NeedTerms) -> bool:
    return levels.get(need.skill.lower(), 0) >= need.level


def holds(papers: Iterable[Paper], kind: str, first: date, last: date) -> bool:
    """Whether some paper of the kind is valid on each of the days."""
    held = [(paper.issued_on, paper.expires_on) for paper in papers if paper.kind.lower() == kind.lower()]
    return first_uncovered(held, first, last) is None


def _met(wanted: Iterable[tuple[int, int, str]]) -> Share:
    """Of (wanted, had, what) the share that is met, and each in words."""
    lines = [(want, min(want, had), what) for want, had, what in wanted]
    share = Fraction(sum(met for _, met, _ in lines), sum(want for want, _, _ in lines))
    return share, "; ".join(f"{met} of {want} {what}" for want, met, what in lines)


def _named(skill: str, level: int) -> str:
    return f"with {skill} at level {level} or above"


def _price(work: Work, offer: Offer) -> Share:
    """All of it up to the fee, nothing from `WORST_OF_FEE` times the fee on, evenly in between."""
    costs = [
        _cost(line, work) for line in offer.rates if (line.category, line.currency) == (work.category, work.currency)
    ]
    if not costs:
        return NOTHING, f"no rate in {work.currency}"
    ratio = Fraction(min(costs), work.fee_minor)
    share = max(NOTHING, min(ALL, (WORST_OF_FEE - ratio) / (WORST_OF_FEE - 1)))
    return share, f"about {round(100 * ratio)} % of the fee by its rates"


def _cost(line: RateLine, work: Work) -> int:
    days = work.days * work.people_n
    times = {"job": 1, "day": days, "hour": HOURS_A_DAY * days, "minute": 60 * HOURS_A_DAY * days}
    return line.amount_minor * times[line.unit]


def _past_work(offer: Offer) -> Share:
    share = Fraction(min(offer.accepted_n, ENOUGH_WORK), ENOUGH_WORK)
    return share, f"{offer.accepted_n} tasks of this kind accepted before"


def _ratings(stars: float, ratings_n: int) -> Share:
    """All of it for the most stars, nothing for the fewest."""
    least, most = STARS
    share = (Fraction(stars) - least) / (most - least)
    times = "once" if ratings_n == 1 else f"{ratings_n} times"
    return share, f"rated {stars:.1f} of {most} by buyers, {times}"

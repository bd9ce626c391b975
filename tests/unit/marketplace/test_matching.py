"""Scores are explained, the same each time, and never fall when a firm has more."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.data import CATEGORIES
from marketplace.profiles.data import RATE_UNITS, NeedTerms, Paper, ProfileTerms, RateLine, check_needs
from marketplace.profiles.matching import WEIGHTS, Expert, Offer, Work, fit, window_of
from tenants.data import Invalid

DAY = date(2026, 3, 2)
WORK = Work(
    category="equipment_maintenance",
    first=DAY,
    last=DAY + timedelta(days=4),
    country="CN",
    equipment_kind="pump",
    needs=(NeedTerms(2, "welding", 3, "hot-work"),),
    fee_minor=1_000_000,
)
PAPER = Paper("hot-work", DAY - timedelta(days=90), DAY + timedelta(days=90))
WELDER = Expert({"welding": 4}, (PAPER,))
FIRM = Offer(
    categories=frozenset({"equipment_maintenance"}),
    regions=frozenset({"CN"}),
    machines=frozenset({"pump"}),
    rates=(RateLine("equipment_maintenance", "job", 900_000, "USD"),),
    experts=(WELDER, WELDER),
    accepted_n=3,
    knows_calendar=True,
    stars=5.0,
    ratings_n=2,
)


def points(work: Work, offer: Offer) -> dict[str, float]:
    return {reason.name: reason.points for reason in fit(work, offer).reasons}


def test_firm_that_has_everything_fits_wholly():
    found = fit(WORK, FIRM)
    assert found.score == 100
    assert [(reason.name, reason.of) for reason in found.reasons] == list(WEIGHTS.items())
    assert points(WORK, FIRM) == WEIGHTS


def test_firm_that_has_nothing_does_not_fit_and_is_told_why():
    found = fit(WORK, Offer(knows_calendar=True))
    assert found.score == 0
    assert [reason.words for reason in found.reasons] == [
        "does not offer equipment maintenance",
        "0 of 2 with welding at level 3 or above",
        "does not name CN",
        "0 of 2 with hot-work",
        "does not name pump",
        "no rate in USD",
        "0 tasks of this kind accepted before",
        "0 of 2 able and free",
    ]


def test_what_the_task_does_not_ask_for_counts_for_nothing():
    plain = Work("planning", DAY, DAY)
    assert [reason.name for reason in fit(plain, FIRM).reasons] == ["category", "past_work", "ratings"]
    assert fit(plain, replace(FIRM, categories=frozenset({"planning"}))).score == 100


def test_reader_who_knows_no_calendar_is_told_nothing_of_it():
    busy = replace(FIRM, experts=(replace(WELDER, is_free=False),) * 2)
    assert fit(WORK, busy).score == 95
    assert fit(WORK, replace(busy, stars=None)).score == 95
    assert fit(WORK, replace(busy, knows_calendar=False)).score == 100


@pytest.mark.parametrize(
    ("offer", "criterion", "given"),
    [
        (replace(FIRM, experts=(WELDER, Expert({"welding": 2}, (PAPER,)))), "skills", 10),
        (replace(FIRM, experts=(WELDER, Expert({"welding": 4}))), "certificates", 5),
        (replace(FIRM, experts=(), papers=(PAPER,)), "certificates", 10),
        (replace(FIRM, rates=(RateLine("equipment_maintenance", "job", 1_500_000, "USD"),)), "price", 5),
        (replace(FIRM, rates=(RateLine("equipment_maintenance", "job", 3_000_000, "USD"),)), "price", 0),
        (replace(FIRM, rates=(RateLine("equipment_maintenance", "job", 900_000, "EUR"),)), "price", 0),
        (replace(FIRM, rates=(RateLine("equipment_maintenance", "day", 100_000, "USD"),)), "price", 10),
        (replace(FIRM, rates=(RateLine("equipment_maintenance", "hour", 18_750, "USD"),)), "price", 5),
        (replace(FIRM, accepted_n=1), "past_work", 1.7),
        (replace(FIRM, stars=1.0), "ratings", 0),
        (replace(FIRM, stars=3.0), "ratings", 2.5),
        (replace(FIRM, experts=(WELDER, replace(WELDER, is_free=False))), "free_people", 2.5),
    ],
)
def test_criterion_gives_the_share_that_is_met(offer, criterion, given):
    assert points(WORK, offer)[criterion] == given


def test_firm_that_nobody_rated_is_not_held_against_those_that_were():
    assert "ratings" not in points(WORK, replace(FIRM, stars=None))
    assert fit(WORK, replace(FIRM, stars=None)).score == 100
    found = {reason.name: reason.words for reason in fit(WORK, replace(FIRM, stars=4.25)).reasons}
    assert found["ratings"] == "rated 4.2 of 5 by buyers, 2 times"


@pytest.mark.parametrize("days", [-1, 3])
def test_certificate_that_is_not_valid_on_each_day_of_the_work_does_not_count(days):
    paper = Paper("hot-work", DAY - timedelta(days=9), DAY + timedelta(days=days))
    assert points(WORK, replace(FIRM, experts=(Expert({"welding": 3}, (paper,)),) * 2))["certificates"] == 0


def test_codes_are_compared_without_case():
    shouted = replace(WORK, needs=(NeedTerms(2, "WELDING", 3, "Hot-Work"),))
    assert fit(shouted, FIRM).score == 100


papers = st.builds(
    Paper,
    st.sampled_from(["hot-work", "rigging"]),
    st.integers(-30, 3).map(lambda n: DAY + timedelta(days=n)),
    st.none() | st.integers(4, 9).map(lambda n: DAY + timedelta(days=n)),
)
experts = st.builds(
    Expert,
    st.dictionaries(st.sampled_from(["welding", "lifting"]), st.integers(1, 5)),
    st.lists(papers, max_size=2).map(tuple),
    st.booleans(),
)
rates = st.builds(
    RateLine, st.sampled_from([*CATEGORIES][:2]), st.sampled_from([*RATE_UNITS]), st.integers(1, 10**6), st.just("USD")
)
offers = st.builds(
    Offer,
    categories=st.frozensets(st.sampled_from([*CATEGORIES][:2])),
    regions=st.frozensets(st.sampled_from(["CN", "AU"])),
    machines=st.frozensets(st.sampled_from(["pump", "fan"])),
    papers=st.lists(papers, max_size=2).map(tuple),
    rates=st.lists(rates, max_size=2).map(tuple),
    experts=st.lists(experts, max_size=3).map(tuple),
    accepted_n=st.integers(0, 5),
    knows_calendar=st.booleans(),
)
needs = st.builds(
    NeedTerms,
    st.integers(1, 3),
    st.sampled_from(["welding", "lifting"]),
    st.integers(1, 5),
    st.sampled_from(["", "rigging"]),
)
works = st.builds(
    Work,
    category=st.sampled_from([*CATEGORIES][:2]),
    first=st.just(DAY),
    last=st.integers(0, 5).map(lambda n: DAY + timedelta(days=n)),
    country=st.sampled_from(["", "CN"]),
    equipment_kind=st.sampled_from(["", "pump"]),
    needs=st.lists(needs, max_size=2).map(tuple),
    fee_minor=st.sampled_from([0, 10**6]),
)


@given(works, offers, papers, experts, rates)
@settings(max_examples=30, deadline=None)
def test_having_more_never_lowers_a_score(work, offer, paper, expert, rate):
    before = fit(work, offer).score
    assert 0 <= before <= 100
    more = [
        replace(offer, papers=(*offer.papers, paper)),
        replace(offer, experts=(*offer.experts, expert)),
        replace(offer, experts=tuple(replace(each, papers=(*each.papers, paper)) for each in offer.experts)),
        replace(offer, experts=tuple(replace(each, is_free=True) for each in offer.experts)),
        replace(offer, rates=(*offer.rates, rate)),
        replace(offer, regions=offer.regions | {"CN"}),
        replace(offer, categories=offer.categories | {work.category}),
        replace(offer, machines=offer.machines | {"pump"}),
        replace(offer, accepted_n=offer.accepted_n + 1),
    ]
    assert all(fit(work, each).score >= before for each in more)


@given(works, offers)
@settings(max_examples=40, deadline=None)
def test_points_add_up_to_the_score_whatever_order_people_come_in(work, offer):
    found = fit(work, offer)
    got, of = sum(reason.points for reason in found.reasons), sum(reason.of for reason in found.reasons)
    assert abs(found.score - 100 * got / of) < 1.5
    assert fit(work, replace(offer, experts=offer.experts[::-1], rates=offer.rates[::-1])) == found


def test_work_lasts_as_long_as_a_lease_or_until_its_last_milestone():
    begins_at = datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert window_of(begins_at, access_h=48) == (begins_at, begins_at + timedelta(hours=48))
    later = begins_at + timedelta(hours=24)
    assert window_of(begins_at, access_h=48, standstill_h=24, due_d=[10, 30]) == (later, later + timedelta(days=30))


def test_profile_that_says_nothing_sensible_is_refused_with_a_pointer_to_each():
    with pytest.raises(Invalid) as refused:
        ProfileTerms(
            visibility="all",
            categories=("cooking",),
            regions=("XX",),
            rates=(RateLine("planning", "week", 0, "usd"),),
            certificates=(Paper("iso 9001", DAY, DAY - timedelta(days=1)),),
        )
    assert [error.pointer for error in refused.value.errors] == [
        *["/visibility", "/categories", "/regions", "/rates/0/unit", "/rates/0/amount_minor", "/rates/0/currency"],
        *["/certificates/0/kind", "/certificates/0/expires_on"],
    ]


@pytest.mark.parametrize(
    ("needs", "pointer"),
    [
        ((NeedTerms(),), "/needs/0/skill"),
        ((NeedTerms(skill="a b"),), "/needs/0/skill"),
        ((NeedTerms(skill="welding", level=6),), "/needs/0/level"),
        ((NeedTerms(skill="welding", people_n=0),), "/needs/0/people_n"),
        ((NeedTerms(skill="welding"), NeedTerms(skill="welding", level=2)), "/needs"),
        (tuple(NeedTerms(skill=f"s{n}") for n in range(21)), "/needs"),
    ],
)
def test_needs_that_name_nothing_or_too_much_are_refused(needs, pointer):
    with pytest.raises(Invalid) as refused:
        check_needs(needs)
    assert [error.pointer for error in refused.value.errors] == [pointer]

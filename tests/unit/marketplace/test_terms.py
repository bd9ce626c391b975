"""Terms are checked at birth; each bad value is pointed at."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from marketplace.data import ACCESS_H, DESCRIPTION_CHARS, FEE_MINOR, TITLE_CHARS, TaskTerms
from tenants.data import Invalid

DEADLINE = datetime(2031, 1, 1, tzinfo=UTC)
# Where what is wrong is another value than the one that says so.
MEANT = {"mode tender": "/bids_until", "visibility invited": "/invited"}
RULE = {"tag": "vibration", "op": "below", "limit": 4.5, "for_h": 24}
GOOD = {"title": "Fix pump 7", "category": "equipment_maintenance"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "   "),
        ("title", "x" * (TITLE_CHARS + 1)),
        ("description", "x" * (DESCRIPTION_CHARS + 1)),
        ("category", "gossip"),
        ("opens", ("view_everything",)),
        ("access_h", 0),
        ("access_h", ACCESS_H + 1),
        ("fee_minor", -1),
        ("fee_minor", FEE_MINOR + 1),
        ("currency", "usd"),
        ("currency", "US"),
        ("currency", "ÄÖÜ"),
        ("mode", "auction"),
        ("mode", "tender"),
        ("visibility", "friends"),
        ("visibility", "invited"),
        ("invited", (UUID(int=1),)),
        ("invited", tuple(map(UUID, (f"{n:032}" for n in range(51))))),
        ("bids_until", DEADLINE),
        ("openers_needed", 0),
        ("openers_needed", 11),
        ("standstill_h", 721),
        ("retention_bp", 5001),
        ("warranty_d", -1),
        ("milestones", [{"title": "All", "share_bp": 9999, "due_d": 1}]),
        ("milestones", [{"title": "All", "share_bp": 10_000, "due_d": 1}] * 51),
        ("acceptance", RULE | {"for_h": 0}),
        ("acceptance", RULE | {"shell": "rm"}),
    ],
)
def test_bad_value_is_pointed_at(field, value):
    with pytest.raises(Invalid) as refused:
        TaskTerms(**GOOD | {field: value})
    pointers = {"/".join(error.pointer.split("/")[:2]) for error in refused.value.errors}
    assert pointers == {MEANT.get(f"{field} {value}", f"/{field}")}


@pytest.mark.parametrize(
    ("milestone", "pointer"),
    [
        ({"title": " "}, "/milestones/0/title"),
        ({"share_bp": 0}, "/milestones/0/share_bp"),
        ({"share_bp": True}, "/milestones/0/share_bp"),
        ({"due_d": 1.5}, "/milestones/0/due_d"),
        ({"due_d": None}, "/milestones/0/due_d"),
    ],
)
def test_bad_value_of_a_milestone_is_pointed_at(milestone, pointer):
    with pytest.raises(Invalid) as refused:
        TaskTerms(**GOOD, milestones=[{"title": "All", "share_bp": 10_000, "due_d": 1} | milestone])
    assert [error.pointer for error in refused.value.errors] == [pointer]


@pytest.mark.parametrize(
    "terms",
    [
        {"mode": "tender", "bids_until": DEADLINE, "openers_needed": 2, "standstill_h": 720},
        {"mode": "quotation", "bids_until": DEADLINE, "visibility": "partners"},
        {"visibility": "invited", "invited": (UUID(int=1),)},
        {"framework": UUID(int=1)},
        {"milestones": [{"title": n, "share_bp": 5000, "due_d": 30} for n in "ab"], "retention_bp": 500},
        {"acceptance": RULE},
    ],
)
def test_terms_of_each_way_are_taken(terms):
    assert TaskTerms(**GOOD | terms)


@pytest.mark.parametrize(
    "terms",
    [{"mode": "quotation", "bids_until": DEADLINE}, {"invited": (UUID(int=2),)}],
)
def test_framework_is_claimed_by_its_partner_alone(terms):
    with pytest.raises(Invalid):
        TaskTerms(**GOOD | terms, framework=UUID(int=1))


def test_all_bad_values_are_named_at_once():
    with pytest.raises(Invalid) as refused:
        TaskTerms(title="", category="", access_h=0)
    assert {error.pointer for error in refused.value.errors} == {"/title", "/category", "/access_h"}


def test_deadline_lies_in_years_that_every_zone_shows():
    for far in (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)):
        with pytest.raises(Invalid) as refused:
            TaskTerms(**GOOD, mode="tender", bids_until=far)
        assert [error.pointer for error in refused.value.errors] == ["/bids_until"]

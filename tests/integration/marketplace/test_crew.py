"""A firm sends its people: only to what it holds, only with valid papers, each to one place at a time."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, ProgrammingError
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from marketplace.access import get_claim, get_own_task, get_task
from marketplace.actions import accept_work, lapse_claims, release_claim, request_rework
from marketplace.calendars.api import appointments
from marketplace.contracts.access import get_contract
from marketplace.contracts.disputes import terminate_contract
from marketplace.crew import api as crew
from marketplace.models import Assignment
from tenants.data import Conflict, Invalid, NotFound
from tenants.models import Booking, FeedEvent, LedgerEntry, Person, new_id
from tenants.resources import actions as register
from tenants.resources.api import book_person, cancel_booking
from tests.integration.marketplace import contract_scenes as contracts
from tests.integration.marketplace.firms import NOW, assigned, hours, wanted, welders
from tests.integration.marketplace.scenes import claimed, lease_over, published, submitted

API = "/api/v1"


def held(aurora, borealis):
    """A task of Aurora's that Borealis holds, and Borealis' welders."""
    task, people = wanted(aurora), welders(borealis)
    claimed(task, borealis)
    return task, people


def test_owner_sees_who_comes_and_nothing_else_of_the_register(aurora, borealis, cassia):
    task, people = held(aurora, borealis)
    row = assigned(task, borealis, people.wei)
    with aurora.acting():
        seen = crew.people_on(task).get()
        assert (seen.person_name, [paper["kind"] for paper in seen.papers]) == ("Wei Chen", ["hot-work"])
        assert seen.papers[0]["expires_on"] and not Person.objects.filter(pk=seen.person_id).exists()
        assert not Booking.objects.filter(pk=seen.booking_id).exists()
        assert FeedEvent.objects.get(kind="assignment.made").body["assignment"] == str(row.pk)
        kept = LedgerEntry.objects.get(kind="assignment.made").payload
        assert "Wei" not in kept and str(borealis.id) in kept
    with cassia.acting():
        assert not Assignment.objects.filter(pk=row.pk).exists()
        with pytest.raises(NotFound):
            crew.get_own_assignment(row.pk)
    with aurora.acting(), pytest.raises(NotFound):
        crew.get_own_assignment(row.pk)


def test_nobody_is_sent_without_a_certificate_for_the_whole_time(aurora, borealis):
    task, people = held(aurora, borealis)
    with borealis.acting():
        skill = people.xena.skills.get().skill
        register.assess_person(person=people.xena, skill=skill, level=3, assessed_on=NOW.date())
    with pytest.raises(Conflict, match=r"W-2 lacks a valid certificate .* hot-work \(expires on"):
        assigned(task, borealis, people.xena, hours(72))
    with borealis.acting():
        assert not Booking.objects.exists() and not Assignment.objects.exists()
    assigned(task, borealis, people.xena, hours(1))


def test_nobody_is_sent_below_the_level_that_is_wanted(aurora, borealis):
    task, people = held(aurora, borealis)
    with pytest.raises(Conflict, match="W-2 has level 2 in welding; the task wants level 3"):
        assigned(task, borealis, people.xena)
    with borealis.acting():
        novice = register.register_person(code="W-3", name="Novice")
    with pytest.raises(Conflict, match="W-3 was never assessed in welding"):
        assigned(task, borealis, novice)


def test_double_booking_is_refused_in_words_and_by_the_database(aurora, borealis):
    task, people = held(aurora, borealis)
    with borealis.acting():
        book_person(person=people.wei, site=None, window=hours(2), purpose="another job")
    with pytest.raises(Conflict, match=r"W-1 .*is booked already for 'another job' away"):
        assigned(task, borealis, people.wei, hours(8))
    assigned(task, borealis, people.wei, hours(8, after_h=3))
    second = wanted(aurora)
    claimed(second, borealis)
    with pytest.raises(Conflict, match="booked already for 'Fix pump 7'"):
        assigned(second, borealis, people.wei, hours(2, after_h=4))
    with pytest.raises(IntegrityError, match="booking_of_person_once"), borealis.acting():
        during = DateTimeTZRange(NOW + timedelta(hours=5), NOW + timedelta(hours=6))
        Booking.objects.create(tenant_id=borealis.id, person=people.wei, during=during, purpose="past the code")


def test_nobody_is_sent_to_what_the_firm_does_not_hold(aurora, borealis, cassia):
    task, people = wanted(aurora), welders(borealis)
    with pytest.raises(Conflict, match="does not hold this task"):
        assigned(task, borealis, people.wei)
    with pytest.raises(ProgrammingError, match="row-level security"), borealis.acting():
        booking = book_person(person=people.wei, site=None, window=hours(), purpose="past the code")
        times = {"from_at": NOW, "to_at": NOW + timedelta(hours=1), "person": people.wei, "booking": booking}
        Assignment.objects.create(tenant_id=borealis.id, owner_id=aurora.id, task=task, **times)
    claimed(task, cassia)
    with pytest.raises(NotFound):
        assigned(task, borealis, people.wei)


def test_need_is_named_where_there_are_some_and_is_one_of_the_tasks(aurora, borealis):
    task, people = held(aurora, borealis)
    with borealis.acting(), pytest.raises(Invalid, match="for which need"):
        crew.assign_person(task=get_task(task.pk), person=people.xena, window=hours())
    with borealis.acting(), pytest.raises(NotFound):
        crew.get_need(get_task(task.pk), new_id())
    plain = published(aurora)
    claimed(plain, borealis)
    assert assigned(plain, borealis, people.xena).papers == []


def free_again(borealis, row) -> bool:
    with borealis.acting():
        booking = Booking.objects.get(pk=row.booking_id)
        return booking.cancelled_at is not None and Assignment.objects.get(pk=row.pk).released_at is not None


def test_person_is_free_again_when_the_firm_releases_them(aurora, borealis):
    task, people = held(aurora, borealis)
    row = assigned(task, borealis, people.wei)
    with borealis.acting():
        crew.release_person(assignment=crew.get_own_assignment(row.pk), reason="ill")
    assert free_again(borealis, row)
    with borealis.acting(), pytest.raises(Conflict, match="released from the task already"):
        crew.release_person(assignment=crew.get_own_assignment(row.pk), reason="ill")
    assigned(task, borealis, people.wei)
    with aurora.acting():
        assert crew.people_on(task).count() == 1
        assert FeedEvent.objects.filter(kind="assignment.released").count() == 1


@pytest.mark.parametrize("end", ["accept", "release", "lapse"])
def test_person_is_free_again_when_the_work_ends(aurora, borealis, end):
    task, people = held(aurora, borealis)
    row = assigned(task, borealis, people.wei)
    with borealis.acting():
        claim = get_claim(task.pk, 1)
    if end == "accept":
        submitted(task, borealis)
        with aurora.acting():
            accept_work(task=get_own_task(task.pk))
    elif end == "release":
        with borealis.acting():
            release_claim(claim=claim)
    else:
        lease_over(claim)
        lapse_claims()
    assert free_again(borealis, row)


@pytest.mark.parametrize("end", ["fulfilled", "terminated"])
def test_contract_is_held_like_a_claim_until_it_ends(aurora, borealis, end):
    contract, people = contracts.written(aurora, borealis), welders(borealis)
    row = assigned(contract.task, borealis, people.wei)
    with borealis.acting():
        assert sum(each.summary.endswith(", Fix pump 7") for each in appointments()) == 3
    if end == "fulfilled":
        contracts.accepted(aurora, borealis, contract, 1, 2, 3)
    else:
        with aurora.acting():
            terminate_contract(contract=get_contract(contract.pk), reason="no longer wanted")
    assert free_again(borealis, row)
    with pytest.raises(Conflict, match="does not hold this task"):
        assigned(contract.task, borealis, people.wei)


def test_people_stay_over_a_rework(aurora, borealis):
    task, people = held(aurora, borealis)
    row = assigned(task, borealis, people.wei)
    submitted(task, borealis)
    with aurora.acting():
        request_rework(task=get_own_task(task.pk))
    assert not free_again(borealis, row)


def test_assignment_never_changes_but_forgets_who_is_erased(aurora, borealis):
    task, people = held(aurora, borealis)
    row = assigned(task, borealis, people.wei)
    with pytest.raises(IntegrityError, match="never changes; release them"), borealis.acting():
        Assignment.objects.filter(pk=row.pk).update(to_at=NOW + timedelta(days=9))
    with aurora.acting():
        assert Assignment.objects.filter(pk=row.pk).update(person_name="x") == 0
    with borealis.acting():
        assert Assignment.objects.filter(pk=row.pk).delete()[0] == 0
    with borealis.acting():
        crew.release_person(assignment=crew.get_own_assignment(row.pk), reason="leaves")
        register.erase_person(person=people.wei)
    with aurora.acting():
        kept = Assignment.objects.get(pk=row.pk)
        assert (kept.person_name, kept.papers) == ("", [])


def test_assigning_and_releasing_over_http(aurora, borealis):
    task, people = held(aurora, borealis)
    firm, at = borealis.client(), f"{API}/service-tasks/{task.pk}"
    need = firm.get(f"{at}/needs").json()["needs"][0]["id"]
    window = {"from_at": (NOW + timedelta(hours=2)).isoformat(), "to_at": (NOW + timedelta(hours=5)).isoformat()}
    asked = {"person": str(people.wei.pk), "need": need, **window}
    made = firm.post(f"{at}/people", asked, headers={"Idempotency-Key": "wei"})
    assert made.status_code == 201 and made.json()["person_name"] == "Wei Chen"
    assert firm.post(f"{at}/people", asked, headers={"Idempotency-Key": "wei"}).json() == made.json()
    assert firm.post(f"{at}/people", asked).status_code == 409
    assert [row["person_name"] for row in aurora.client().get(f"{at}/people").json()["people"]] == ["Wei Chen"]
    release = f"{API}/assignments/{made.json()['id']}/release"
    assert aurora.client().post(release, {"reason": "x"}).status_code == 404
    assert firm.post(release, {"reason": "ill"}).json()["released_at"]
    booked = firm.get(f"{API}/bookings?cancelled=true").json()["results"]
    assert [(row["site"], row["cancel_reason"]) for row in booked] == [(None, "ill")]


def test_person_whose_booking_is_cancelled_by_hand_is_off_the_task(aurora, borealis):
    task, people = held(aurora, borealis)
    row = assigned(task, borealis, people.wei)
    with borealis.acting():
        cancel_booking(booking=Booking.objects.get(pk=row.booking_id), reason="by hand")
        assert Booking.objects.get(pk=row.booking_id).cancel_reason == "by hand"
        assert Assignment.objects.get(pk=row.pk).release_reason == "by hand"
    with aurora.acting():
        assert not crew.people_on(task).exists()
        assert FeedEvent.objects.filter(kind="assignment.released").count() == 1


def test_nobody_is_sent_beyond_the_lease_or_the_contracts_end(aurora, borealis):
    task, people = held(aurora, borealis)
    contract = contracts.written(aurora, borealis)
    for held_task, after_h in ((task, 44), (contract.task, 24 * 9 + 44)):
        with pytest.raises(Invalid) as refused:
            assigned(held_task, borealis, people.wei, hours(8, after_h=after_h))
        assert refused.value.errors[0].pointer == "/to_at"
    with borealis.acting():
        assert not Booking.objects.exists()

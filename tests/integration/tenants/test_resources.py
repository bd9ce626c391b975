"""Bookings, relocations and the register of people on a real database."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, ProgrammingError, connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from tenants.access import get_equipment
from tenants.actions import register_site
from tenants.context import as_platform
from tenants.data import Conflict, Forbidden, Invalid, NotFound
from tenants.models import Booking, Certificate, Equipment, FeedEvent, Person, Relocation
from tenants.resources import access, actions, bookings, queries, relocations
from tests.integration.tenants.resource_scenes import TODAY, TOMORROW, crew, in_days, window
from tests.integration.tenants.test_grants import opened_to
from tests.together import at_once

WORK = {"purpose": "blast 14"}


def book(owner, person, site="north", when=None, **more):
    return bookings.book_person(person=person, site=owner.sites[site], window=when or window(), **WORK, **more)


def test_second_booking_is_refused_in_the_words_of_the_first(aurora):
    jane = crew(aurora).jane
    with aurora.acting():
        first = book(aurora, jane)
    with aurora.acting(), pytest.raises(Conflict) as refusal:
        book(aurora, jane, site="north-mill", when=window(hours=1, after_h=7))
    assert "'blast 14' at Aurora North" in str(refusal.value) and str(first.pk) in str(refusal.value)


def test_of_bookings_at_the_same_moment_one_is_made_and_the_others_are_told_which(aurora):
    jane = crew(aurora).jane

    def attempt() -> str:
        try:
            with aurora.acting():
                return str(book(aurora, jane).pk)
        except Conflict as refusal:
            return str(refusal)

    answers = at_once(*[attempt] * 6)
    with aurora.acting():
        made = str(Booking.objects.get().pk)
    assert answers.count(made) == 1 and all(made in answer for answer in answers)


def test_booking_may_begin_the_moment_another_ends_and_a_cancelled_one_is_not_in_the_way(aurora):
    jane = crew(aurora).jane
    with aurora.acting():
        first = book(aurora, jane)
        book(aurora, jane, when=window(after_h=8))
        bookings.cancel_booking(booking=first, reason="blast put off")
        book(aurora, jane)
    with aurora.acting(), pytest.raises(Conflict, match="cancelled already"):
        bookings.cancel_booking(booking=first, reason="again")


def test_database_refuses_an_overlap_that_no_action_checked(aurora):
    jane = crew(aurora).jane
    with aurora.acting():
        first = book(aurora, jane)
    with pytest.raises(IntegrityError, match="booking_of_person_once"), aurora.acting():
        during = DateTimeTZRange(first.during.lower + timedelta(hours=1), first.during.upper + timedelta(hours=1))
        Booking.objects.create(tenant_id=aurora.id, person=jane, site=aurora.sites["north"], during=during)


@pytest.mark.parametrize("change", ["during = tstzrange(now(), now() + '9 d')", "person_id = NULL"])
def test_booking_s_window_and_person_never_change(aurora, change):
    jane = crew(aurora).jane
    with aurora.acting():
        book(aurora, jane)
    with pytest.raises(IntegrityError, match="cancel it and book again"), aurora.acting():
        connection.cursor().execute(f"UPDATE tenants_booking SET {change}")


def test_work_s_certificates_must_be_valid_on_every_day_of_the_window(aurora):
    people = crew(aurora, expires_on=in_days(3))
    with aurora.acting():
        actions.require_skill(
            site=aurora.sites["north"], skill=people.blasting, level=3, n_people=2, certificates=["shotfirer"]
        )
        booked = book(aurora, people.jane, skill=people.blasting)
        assert booked.certificates == ["shotfirer"]
    with aurora.acting(), pytest.raises(Conflict, match=rf"shotfirer \(expires on {in_days(3)}\)"):
        book(aurora, people.jane, when=window(hours=24 * 5, after_h=24), skill=people.blasting)
    with aurora.acting(), pytest.raises(Conflict, match=r"gas-test \(none is held\)"):
        book(aurora, people.jane, when=window(after_h=24), certificates=["gas-test"])
    with aurora.acting():
        actions.add_certificate(
            person=people.jane, kind="shotfirer", number="SF-8", issuer="x", issued_on=in_days(4), expires_on=None
        )
        book(aurora, people.jane, when=window(hours=24 * 5, after_h=24), skill=people.blasting)


def test_person_without_the_level_or_past_their_last_day_is_not_booked(aurora):
    people = crew(aurora)
    with aurora.acting(), pytest.raises(Conflict, match="P-2 was never assessed in blasting; the site wants level 1"):
        book(aurora, people.omar, skill=people.blasting)
    with aurora.acting():
        actions.change_person(person=people.omar, left_on=TODAY)
    with aurora.acting(), pytest.raises(Conflict, match=f"leaves on {TODAY}"):
        book(aurora, people.omar)


@pytest.mark.parametrize(
    ("hours", "after_h", "words"),
    [(0, 0, "ends before"), (1, -40, "over already"), (24 * 367, 0, "too long"), (1, 24 * 365 * 300, "too far")],
)
def test_window_that_can_not_be_booked_is_refused(aurora, hours, after_h, words):
    jane = crew(aurora).jane
    with aurora.acting(), pytest.raises(Invalid, match=words):
        book(aurora, jane, when=window(hours, after_h))


def test_machine_out_of_service_is_not_booked_and_a_booked_one_stays_in_service(aurora):
    truck = aurora.equipment["TRUCK-07"]
    hire = {"equipment": truck, "site": aurora.sites["north"], "window": window(), "purpose": "haul"}
    with aurora.acting():
        bookings.set_status(equipment=truck, status="out_of_service")
    with aurora.acting(), pytest.raises(Conflict, match="out of service"):
        bookings.book_equipment(**hire)
    with aurora.acting():
        bookings.set_status(equipment=truck, status="in_service")
        bookings.book_equipment(**hire)
    with aurora.acting(), pytest.raises(Conflict, match="is booked: for 'haul'"):
        bookings.set_status(equipment=truck, status="retired")


def test_who_may_only_look_neither_books_nor_registers(aurora):
    jane = crew(aurora).jane
    with aurora.acting("auditor"):
        assert queries.persons().count() == 2
        with pytest.raises(Forbidden):
            book(aurora, jane)
    with aurora.acting("planner"):
        book(aurora, jane)
        with pytest.raises(Forbidden):
            actions.register_skill(code="x", name="x")
    with aurora.acting("viewer"), pytest.raises(Forbidden):
        access.get_person(jane.pk)


def test_partner_with_every_permission_on_a_site_sees_none_of_its_people_and_stock(aurora, borealis):
    people = crew(aurora)
    with aurora.acting():
        book(aurora, people.jane)
    opened_to(borealis, aurora, permissions=("view_alarms", "manage", "view_production"))
    with borealis.acting():
        for model in (Person, Certificate, Booking, type(people.anfo), Relocation):
            assert model.objects.count() == 0
        assert queries.stock_levels().count() == 0 and queries.matrix(today=TODAY) == []
        with pytest.raises(NotFound):
            access.get_person(people.jane.pk)


def test_feed_names_nobody(aurora):
    people = crew(aurora)
    with aurora.acting():
        book(aurora, people.jane)
    with aurora.acting():
        rows = list(FeedEvent.objects.values_list("kind", "body", "permission"))
    assert {kind for kind, _, _ in rows} == {"stock.moved", "booking.made"}
    assert {permission for _, _, permission in rows} == {"view_resources"}
    assert "Jane" not in str(rows) and "P-1" not in str(rows)


# Relocations ---------------------------------------------------------------------------------------------------------


def test_person_gets_another_home_site_and_the_way_there_is_kept(aurora):
    people = crew(aurora)
    with aurora.acting():
        relocations.move_person(person=people.jane, to_site=aurora.sites["north-mill"], reason="promoted")
        relocations.move_person(person=people.jane, to_site=None)
        steps = [(row.from_site_id, row.to_site_id) for row in queries.relocations().order_by("pk")]
    north, mill = aurora.sites["north"].pk, aurora.sites["north-mill"].pk
    assert steps == [(north, mill), (mill, None)]
    with pytest.raises(IntegrityError, match="A relocation never changes"), as_platform("tests", "try"):
        Relocation.objects.filter(tenant=aurora.id).update(reason="better")
    with aurora.acting(), pytest.raises(Invalid, match="there already"):
        relocations.move_person(person=people.jane, to_site=None)


def test_machine_booked_elsewhere_now_is_not_moved(aurora):
    truck = aurora.equipment["TRUCK-07"]
    with aurora.acting():
        south = register_site(code="south", name="South", kind="mine")
        now = bookings.Window(TOMORROW - timedelta(days=2), TOMORROW + timedelta(days=1))
        bookings.book_equipment(equipment=truck, site=aurora.sites["north"], window=now, purpose="haul")
    with aurora.acting(), pytest.raises(Conflict, match="'haul' at Aurora North"):
        relocations.move_equipment(equipment=truck, to_site=south)


def test_machine_that_moved_is_out_of_sight_of_who_was_given_its_old_site(aurora, borealis, delta):
    """A grant on the machine itself goes with it."""
    pump = aurora.equipment["PUMP-07"]
    opened_to(borealis, aurora)
    with borealis.acting():
        assert get_equipment(pump.pk, needs="view_alarms").pk == pump.pk
    with aurora.acting():
        south = register_site(code="south", name="South", kind="mine")
        relocations.move_equipment(equipment=pump, to_site=south, reason="pump broke at South")
        assert Equipment.objects.get(pk=pump.pk).site_id == south.pk
    with borealis.acting():
        with pytest.raises(NotFound):
            get_equipment(pump.pk, needs="view_alarms")
        assert not Equipment.objects.filter(pk=pump.pk).exists()


# Erasing -------------------------------------------------------------------------------------------------------------


def test_erased_person_leaves_a_code_and_past_bookings_and_nothing_personal(aurora):
    people = crew(aurora)
    with aurora.acting():
        booked = book(aurora, people.jane)
    with aurora.acting(), pytest.raises(Conflict, match="1 bookings to come"):
        actions.erase_person(person=people.jane)
    with aurora.acting():
        bookings.cancel_booking(booking=booked, reason="leaves")
        actions.erase_person(person=access.get_person(people.jane.pk))
        row = Person.objects.get(pk=people.jane.pk)
        assert (row.code, row.name, row.email, row.user_id, row.left_on) == ("P-1", "", "", None, TODAY)
        assert not Certificate.objects.exists() and not row.skills.exists()
        assert Booking.objects.get(pk=booked.pk).person_id == row.pk
    with aurora.acting(), pytest.raises(Conflict, match="was erased"):
        actions.change_person(person=access.get_person(people.jane.pk), name="Jane")


def test_person_is_linked_to_a_member_and_to_nobody_else_s_user(aurora, borealis):
    people = crew(aurora)
    with aurora.acting():
        assert actions.change_person(person=people.jane, user_id=aurora.user.pk).user_id == aurora.user.pk
    with aurora.acting(), pytest.raises(Invalid, match="no such user"):
        actions.change_person(person=people.omar, user_id=borealis.user.pk)


def test_outsider_s_row_can_not_be_written_into_the_register(aurora, cassia):
    crew(aurora)
    with pytest.raises(ProgrammingError, match="row-level security"), cassia.acting():
        Person.objects.create(tenant_id=aurora.id, code="spy", name="Spy")

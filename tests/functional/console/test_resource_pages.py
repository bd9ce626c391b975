"""People and stock on the console, without a browser."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tenants.actions import register_equipment
from tenants.models import Booking, StockMove
from tenants.organisation.actions import change_site
from tenants.resources import actions, bookings, queries, stock
from tenants.roles import ROLES
from tests.functional.console.plan_scenes import reads_of
from tests.functional.console.scenes import HOSTILE, sign_in
from tests.functional.console.test_console import text
from tests.functional.console.test_plan_pages import page_of
from tests.integration.optimization.scenes import colleague
from tests.integration.tenants.resource_scenes import TOMORROW, crew, in_days, window

MOST_READS = 40


def week_of(at):
    year, week, _ = at.date().isocalendar()
    return f"/resources?week={year}-W{week:02}"


def asked(people, owner, **changed):
    """A booking of Jane as the form sends it."""
    said = {
        "form": "book",
        "about": f"person:{people.jane.pk}",
        "site": str(owner.sites["north"].pk),
        "begins_at": TOMORROW.strftime("%Y-%m-%dT%H:%M"),
        "ends_at": (TOMORROW + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M"),
        "purpose": "blast 14",
    }
    return said | changed


def test_page_shows_who_is_missing_whose_papers_run_out_what_is_there_and_who_is_booked(aurora):
    people = crew(aurora, expires_on=in_days(20))
    with aurora.acting():
        actions.require_skill(site=aurora.sites["north"], skill=people.blasting, level=3, n_people=3)
        bookings.book_person(person=people.jane, site=aurora.sites["north"], window=window(), purpose="blast 14")
    shown = text(page_of(sign_in(aurora), week_of(TOMORROW)).encode())
    assert "2 people are missing" in shown and "1 of 3" in shown and "2 missing" in shown
    assert "P-1 Jane Doe" in shown and "shotfirer" in shown and "30 days or less" in shown
    assert "Explosive" in shown and "100" in shown and "Aurora North: blast 14" in shown


def test_page_of_nothing_says_so(aurora):
    shown = text(page_of(sign_in(aurora), "/resources").encode())
    assert all(words in shown for words in ("No skill is asked for", "Nothing is booked", "Nothing was received"))


def test_booking_by_the_form_is_shown_and_a_second_one_refused_beside_it(aurora):
    people, client = crew(aurora), sign_in(aurora)
    assert client.post("/resources", asked(people, aurora)).status_code == 302
    again = client.post("/resources", asked(people, aurora, purpose="blast 15"))
    shown = text(again.content)
    assert again.status_code == 422 and "is booked already" in shown and "blast 14" in shown
    with aurora.acting():
        booking = queries.bookings().get()
        assert (booking.person_id, booking.during.lower) == (people.jane.pk, TOMORROW)
    assert client.post(f"/resources/bookings/{booking.pk}/cancel", {"reason": ""}).status_code == 422
    assert client.post(f"/resources/bookings/{booking.pk}/cancel", {"reason": "rain"}).status_code == 302
    assert "Nothing is booked" in text(page_of(client, week_of(TOMORROW)).encode())


def test_form_that_names_what_is_not_offered_is_shown_again(aurora):
    people, client = crew(aurora), sign_in(aurora)
    for wrong in ({"about": "person:x"}, {"about": "site:x"}, {"site": ""}, {"begins_at": "soon"}, {"ends_at": "0001"}):
        assert client.post("/resources", asked(people, aurora, **wrong)).status_code == 422
    with aurora.acting():
        assert not Booking.objects.exists()


def test_foreign_people_are_neither_offered_nor_taken(aurora, cassia):
    people = crew(aurora)
    client = sign_in(cassia)
    assert "Jane" not in page_of(client, "/resources")
    assert client.post("/resources", asked(people, aurora)).status_code == 422
    with aurora.acting():
        assert not Booking.objects.exists()


def test_stock_is_moved_by_the_form_and_too_much_refused(aurora):
    people, client = crew(aurora), sign_in(aurora)
    north, mill = (str(aurora.sites[code].pk) for code in ("north", "north-mill"))
    move = {"form": "stock", "kind": "issue", "material": str(people.anfo.pk), "site": north, "quantity": "30.5"}
    assert client.post("/resources", move).status_code == 302
    assert client.post("/resources", move | {"kind": "transfer", "to_site": mill, "quantity": "9"}).status_code == 302
    short = client.post("/resources", move | {"quantity": "70"})
    assert short.status_code == 422 and "There are 60.5 kg of ANFO" in text(short.content)
    assert client.post("/resources", move | {"kind": "transfer"}).status_code == 422
    assert "needs a reason" in text(client.post("/resources", move | {"kind": "adjustment"}).content)
    with aurora.acting():
        assert StockMove.objects.count() == 4 and queries.stock_faults() == []


def test_table_is_taken_and_a_bad_one_told_by_row_and_column(aurora):
    crew(aurora)
    client = sign_in(aurora)

    def hand_in(body):
        file = SimpleUploadedFile("people.csv", body, "text/csv")
        return client.post("/resources", {"form": "table", "table": "persons", "file": file})

    assert hand_in(b"code,name\nP-8,Ann\n").status_code == 302
    bad = hand_in(b"code,name,left_on\nP-9,Bo,\nP-8,Ann,soon\n")
    assert bad.status_code == 422 and "rows 3 left_on: write the day as 2026-12-31" in text(bad.content)
    assert "not UTF-8" in text(hand_in(b"\xff\xfe").content)
    with aurora.acting():
        assert sorted(queries.persons().values_list("code", flat=True)) == ["P-1", "P-2", "P-8"]


@pytest.mark.parametrize("role", ["manager", "operator", "auditor", "viewer"])
def test_role_sees_the_forms_it_may_send(aurora, role):
    people, rights = crew(aurora), ROLES[role]
    client = sign_in(colleague(aurora, role))
    answer = client.get("/resources")
    assert answer.status_code == (200 if "view_resources" in rights else 403)
    page = answer.content.decode()
    assert ('value="book"' in page) == ("use_resources" in rights)
    assert ('value="table"' in page) == ("manage_resources" in rights)
    expected = 302 if "use_resources" in rights else 403
    assert client.post("/resources", asked(people, aurora)).status_code == expected


def test_stock_is_shown_in_the_units_of_its_site(aurora):
    with aurora.acting():
        change_site(site=aurora.sites["north-mill"], units="imperial")
        material = stock.register_material(code="lime", name="Lime", unit="t")
        for site in aurora.sites.values():
            stock.receive(site=site, material=material, quantity=Decimal("907.185"))
    page = text(sign_in(aurora).get("/resources").content)
    assert "907.185 tonnes" in page and "1,000 short tons" in page and "short tons 907.185 tonnes" in page


def test_names_are_shown_as_they_are_written_and_never_run(aurora):
    with aurora.acting():
        person = actions.register_person(code="P-1", name=HOSTILE, home_site=aurora.sites["north"])
        skill = actions.register_skill(code="x", name=HOSTILE)
        actions.require_skill(site=aurora.sites["north"], skill=skill, level=1, n_people=1)
        material = stock.register_material(code="M", name=HOSTILE, unit="kg")
        stock.receive(site=aurora.sites["north"], material=material, quantity=Decimal(1))
        bookings.book_person(person=person, site=aurora.sites["north"], window=window(), purpose=HOSTILE)
    assert HOSTILE not in page_of(sign_in(aurora), week_of(TOMORROW))


def test_page_costs_as_many_reads_for_many_rows_as_for_few(aurora):
    people = crew(aurora)
    client = sign_in(aurora)
    few = len(reads_of(client, week_of(TOMORROW)))
    with aurora.acting():
        for n in range(10):
            person = actions.register_person(code=f"X-{n}", name="x", home_site=aurora.sites["north"])
            actions.assess_person(person=person, skill=people.blasting, level=2, assessed_on=in_days(0))
            bookings.book_person(person=person, site=aurora.sites["north"], window=window(), purpose="x")
            register_equipment(site=aurora.sites["north"], code=f"E-{n}", name="x", kind="pump")
    assert len(reads_of(client, week_of(TOMORROW))) <= few <= MOST_READS


def test_week_that_is_none_is_not_found(aurora):
    client = sign_in(aurora)
    for week in ("2026-W54", "2026-W00", "next", "2025-W53", ""):
        assert client.get(f"/resources?week={week}").status_code == 404
    assert client.get("/resources?week=2026-W53").status_code == 200

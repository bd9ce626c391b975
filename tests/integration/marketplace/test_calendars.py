"""A member's calendar: what stands in it, for whoever has its address and nobody else."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError
from django.test import Client
from icalendar import Calendar

from marketplace.calendars import api as calendars
from marketplace.calendars.ics import Appointment, calendar_of
from marketplace.models import CalendarAddress
from tenants.api import hash_secret
from tenants.context import as_platform
from tenants.data import NotFound
from tenants.models import Membership
from tests.integration.marketplace.firms import assigned, hours, wanted, welders
from tests.integration.marketplace.scenes import claimed

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)


def address_of(firm) -> str:
    with firm.acting():
        return calendars.make_address()


def fetched(secret: str):
    return Client().get(f"/calendar/{secret}.ics")


def busy(aurora, borealis):
    """Borealis' user is one of its welders and works on a task of Aurora's."""
    task, people = wanted(aurora), welders(borealis)
    claimed(task, borealis)
    with borealis.acting():
        people.wei.user_id = borealis.user.pk
        people.wei.save()
    assigned(task, borealis, people.wei)
    return task, people


def test_calendar_reads_back_as_rfc_5545_says():
    rows = [
        Appointment("a@x", "Fix; pump, 7\nnow \\ ☃ " + "long " * 40, AT, AT + timedelta(hours=8), "Aurora, North"),
        Appointment("b@x", "Due", AT),
    ]
    raw = calendar_of("Borealis", rows, AT)
    lines = raw.split(b"\r\n")
    assert lines[0] == b"BEGIN:VCALENDAR" and lines[-2:] == [b"END:VCALENDAR", b""] and b"\n" not in b"".join(lines)
    assert max(map(len, lines)) <= 75
    read = Calendar.from_ical(raw)
    assert (read["version"], read["prodid"]) == ("2.0", "-//cloudmining//service tasks//EN") and not read.errors
    first, second = read.walk("VEVENT")
    assert (first["uid"], first["summary"]) == ("a@x", rows[0].summary)
    assert (first.decoded("dtstart"), first.decoded("dtend")) == (AT, AT + timedelta(hours=8))
    assert first.decoded("dtstamp") == AT and "dtend" not in second and not first.errors


def test_calendar_holds_own_assignments_and_deadlines_of_the_organisation(aurora, borealis, cassia):
    task, _ = busy(aurora, borealis)
    answer = fetched(address_of(borealis))
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    events = {str(each["summary"]): each for each in Calendar.from_ical(answer.content).walk("VEVENT")}
    assert events.keys() == {"Fix pump 7", "Due: Fix pump 7"}
    assert events["Fix pump 7"].decoded("dtstart") == hours().begins_at
    assert str(task.pk) in events["Due: Fix pump 7"]["uid"]
    owners = Calendar.from_ical(fetched(address_of(aurora)).content)
    assert [str(each["summary"]) for each in owners.walk("VEVENT")] == ["Due: Fix pump 7"]
    assert not Calendar.from_ical(fetched(address_of(cassia)).content).walk("VEVENT")


def test_colleague_does_not_find_ones_assignments_in_theirs(aurora, borealis):
    _, people = busy(aurora, borealis)
    with borealis.acting():
        people.wei.user_id = None
        people.wei.save()
        assert [row.summary for row in calendars.appointments()] == ["Due: Fix pump 7"]


def test_address_opens_until_it_is_replaced_or_revoked(borealis):
    first = address_of(borealis)
    second = address_of(borealis)
    assert (fetched(first).status_code, fetched(second).status_code) == (404, 200)
    with borealis.acting():
        assert calendars.own_address().secret_hash == hash_secret(second)
        assert calendars.revoke_address() and not calendars.revoke_address()
    assert fetched(second).status_code == 404
    assert fetched("cmc_unknown").status_code == fetched("x" * 300).status_code == 404


def test_address_opens_nothing_once_its_member_has_left(borealis):
    secret = address_of(borealis)
    with as_platform("tests", "a member leaves"):
        Membership.objects.filter(user=borealis.user).delete()
    assert fetched(secret).status_code == 404
    with pytest.raises(NotFound):
        calendars.reader_of_calendar(secret)


def test_only_the_hash_of_an_address_is_kept_and_each_member_has_one(borealis, cassia):
    secret = address_of(borealis)
    with borealis.acting():
        kept = CalendarAddress.objects.get(user=borealis.user)
        assert kept.secret_hash == hash_secret(secret) and "/" not in secret
    with cassia.acting():
        assert not CalendarAddress.objects.filter(pk=kept.pk).exists()
    with pytest.raises(IntegrityError, match="calendar_address_once"), borealis.acting():
        CalendarAddress.objects.create(tenant_id=borealis.id, user=borealis.user, secret_hash="other")

"""A member's calendar: what stands in it, for whoever has its address and nobody else."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError
from django.test import Client
from icalendar import Calendar

from marketplace.bids import api as bidding
from marketplace.bids import awarding
from marketplace.bids.access import get_bid_to_judge
from marketplace.calendars import api as calendars
from marketplace.calendars.ics import Appointment, calendar_of
from marketplace.models import CalendarAddress
from tenants.api import hash_secret
from tenants.context import as_platform
from tenants.data import NotFound
from tenants.models import Membership, Person, Tenant
from tests.integration.marketplace.bid_scenes import awarded, evaluating, placed, quotation
from tests.integration.marketplace.contract_scenes import THIRDS, written
from tests.integration.marketplace.firms import TODAY, Paper, assigned, hours, offer, wanted, welders
from tests.integration.marketplace.scenes import claimed, published, submitted

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
        Appointment("c@x", "Last day", datetime(2026, 11, 22, tzinfo=ZoneInfo("Asia/Shanghai")), is_day=True),
    ]
    raw = calendar_of("Borealis", rows, AT)
    lines = raw.split(b"\r\n")
    assert lines[0] == b"BEGIN:VCALENDAR" and lines[-2:] == [b"END:VCALENDAR", b""] and b"\n" not in b"".join(lines)
    assert max(map(len, lines)) <= 75
    read = Calendar.from_ical(raw)
    assert (read["version"], read["prodid"]) == ("2.0", "-//cloudmining//service tasks//EN") and not read.errors
    first, second, third = read.walk("VEVENT")
    assert (first["uid"], first["summary"]) == ("a@x", rows[0].summary)
    assert (first.decoded("dtstart"), first.decoded("dtend")) == (AT, AT + timedelta(hours=8))
    assert first.decoded("dtstamp") == AT and "dtend" not in second and not first.errors
    assert third.decoded("dtstart") == date(2026, 11, 22)


def test_calendar_holds_own_assignments_and_deadlines_of_the_organisation(aurora, borealis, cassia):
    task, _ = busy(aurora, borealis)
    answer = fetched(address_of(borealis))
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    events = {str(each["summary"]): each for each in Calendar.from_ical(answer.content).walk("VEVENT")}
    assert events.keys() == {"Fix pump 7", "Due: Fix pump 7", "Last day of certificate: hot-work"}
    assert events["Fix pump 7"].decoded("dtstart") == hours().begins_at
    assert str(task.pk) in events["Due: Fix pump 7"]["uid"]
    owners = Calendar.from_ical(fetched(address_of(aurora)).content)
    assert [str(each["summary"]) for each in owners.walk("VEVENT")] == ["Due: Fix pump 7"]
    assert not Calendar.from_ical(fetched(address_of(cassia)).content).walk("VEVENT")


def found(party, roles=("owner",)):
    """Summary → when, of what the party's calendar says."""
    with party.acting(*roles):
        return {row.summary: row.begins_at for row in calendars.appointments()}


def test_calendar_holds_the_end_of_bidding_then_of_the_standstill_for_owner_and_bidders(aurora, borealis, cassia):
    task = quotation(aurora, standstill_h=48)
    with aurora.acting():
        task.refresh_from_db()
    won, _ = placed(borealis, task).bid, placed(cassia, task).bid
    for party in (aurora, borealis, cassia):
        assert found(party) == {"Bids end: Overhaul pump 7": task.bids_until}
    quotation(aurora, title="Of no interest")
    assert found(borealis).keys() == {"Bids end: Overhaul pump 7"}
    evaluating(aurora, task)
    assert found(borealis) == {}
    awarded(aurora, won)
    with borealis.acting():
        won.refresh_from_db()
    for party, words in ((borealis, "Standstill ends"), (cassia, "Complaints end")):
        assert found(party) == {f"{words}: Overhaul pump 7": won.decided_at + timedelta(hours=48)}
    assert found(aurora)["Standstill ends: Overhaul pump 7"] == won.decided_at + timedelta(hours=48)


def test_calendar_of_a_disqualified_firm_holds_until_when_it_may_complain(aurora, borealis, cassia):
    task = quotation(aurora, standstill_h=48)
    won, out = placed(borealis, task).bid, placed(cassia, task).bid
    evaluating(aurora, task)
    with aurora.acting():
        awarding.disqualify_bid(bid=get_bid_to_judge(out.pk), reason="no papers")
    assert found(cassia) == {}
    awarded(aurora, won)
    with borealis.acting():
        won.refresh_from_db()
    assert found(cassia) == {"Complaints end: Overhaul pump 7": won.decided_at + timedelta(hours=48)}


def test_calendar_holds_until_when_handed_in_work_is_to_be_answered_for_both(aurora, borealis):
    task = published(aurora)
    claim = claimed(task, borealis)
    submitted(task, borealis)
    with aurora.acting():
        claim.refresh_from_db()
    expected = {"Accepted unless answered: Fix pump 7": claim.answer_until}
    assert found(aurora) == found(borealis) == expected


def test_withdrawn_bid_leaves_the_calendar(aurora, borealis):
    bid = placed(borealis, quotation(aurora)).bid
    with borealis.acting():
        bidding.withdraw_bid(bid=bidding.get_own_bid(bid.pk))
    assert found(borealis) == {}


def test_calendar_holds_due_milestones_of_both_parties(aurora, borealis, cassia):
    contract = written(aurora, borealis)
    due = {f"Due: {each['title']}, Fix pump 7": contract.written_at + timedelta(days=each["due_d"]) for each in THIRDS}
    assert found(aurora) == found(borealis) == due and found(cassia) == {}


def test_calendar_holds_last_days_of_certificates_those_of_people_for_who_may_see_them(aurora, borealis):
    people = welders(borealis)
    soon = Paper("iso9001", TODAY - timedelta(days=9), TODAY + timedelta(days=9))
    offer(borealis, certificates=(soon, Paper("old", TODAY - timedelta(days=9), TODAY - timedelta(days=1))))
    with borealis.acting():
        rows = sorted((row.begins_at, row.summary, row.description) for row in calendars.appointments())
    words = "Last day of certificate: "
    assert [(summary, of) for _, summary, of in rows] == [
        (f"{words}hot-work", "Xena Ray"), (f"{words}iso9001", ""), (f"{words}hot-work", "Wei Chen")
    ]  # fmt: skip
    assert rows[1][0].date() == soon.expires_on
    assert found(borealis, ["viewer"]).keys() == {f"{words}iso9001"}
    with borealis.acting():
        people.wei.user_id = borealis.user.pk
        people.wei.save()
    assert f"{words}hot-work" in found(borealis, ["viewer"])
    assert found(aurora) == {}


def test_papers_of_one_kind_are_entries_of_their_own(borealis):
    papers = [
        Paper("iso9001", TODAY, TODAY + timedelta(days=n), issuer) for n, issuer in ((9, "A"), (9, "B"), (30, "A"))
    ]
    offer(borealis, certificates=tuple(papers))
    with borealis.acting():
        assert len({row.uid for row in calendars.appointments()}) == len(papers)


def test_last_day_of_a_paper_is_one_of_the_organisations_own_zone(borealis):
    now = datetime.now(UTC)
    zone = "Pacific/Honolulu" if now.hour < 10 else "Pacific/Kiritimati"  # where the day is another one now
    with as_platform("tests", "another zone"):
        Tenant.objects.filter(pk=borealis.id).update(time_zone=zone)
    today = now.astimezone(ZoneInfo(zone)).date()
    assert today != now.date()
    last = {"today": today, "over": today - timedelta(days=1)}
    offer(borealis, certificates=tuple(Paper(kind, today - timedelta(days=9), day) for kind, day in last.items()))
    assert found(borealis).keys() == {"Last day of certificate: today"}


def test_colleague_does_not_find_ones_assignments_in_theirs(aurora, borealis):
    _, people = busy(aurora, borealis)
    with borealis.acting():
        people.wei.user_id = None
        people.wei.save()
        summaries = {row.summary for row in calendars.appointments()}
    assert summaries == {"Due: Fix pump 7", "Last day of certificate: hot-work"}


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


def test_crews_calendar_names_everybody_for_who_may_see_the_people_and_nobody_of_another_firm(aurora, borealis, cassia):
    busy(aurora, borealis)
    with borealis.acting():
        Person.objects.filter(tenant=borealis.id).update(user=None)
    summary = "Wei Chen: Fix pump 7"
    with borealis.acting("dispatcher"):
        rows = {row.summary: row.begins_at for row in calendars.appointments(of_crew=True)}
    assert rows[summary] == hours().begins_at and "Due: Fix pump 7" in rows
    for party, role in ((borealis, "viewer"), (aurora, "owner"), (cassia, "owner")):
        with party.acting(role):
            assert not [row for row in calendars.appointments(of_crew=True) if "Wei" in row.summary]
    secret = address_of(borealis)
    assert summary.encode() in Client().get(f"/calendar/{secret}.ics?crew=1").content
    assert summary.encode() not in fetched(secret).content

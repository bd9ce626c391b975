"""Remote sessions: booked by the firm, confirmed by the buyer, counted by the clock, settled with the contract."""

from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Barrier

import pytest

from marketplace.calendars.api import appointments
from marketplace.contracts import actions, disputes, queries, settlement
from marketplace.contracts.access import get_contract
from marketplace.contracts.statement import as_csv, statement_of
from marketplace.crew import api as crew
from marketplace.models import Assignment, Contract, JournalLine, Milestone
from marketplace.profiles.api import RateLine
from marketplace.sessions import api as sessions
from marketplace.tasks import sweep_sessions
from tenants.data import Conflict, Forbidden, Invalid, NotFound
from tenants.ledger.queries import entries_where
from tenants.metering.api import usage_events
from tenants.models import FeedEvent, new_id
from tests import personas
from tests.integration.marketplace import contract_scenes as contracts
from tests.integration.marketplace.bid_scenes import superuser
from tests.integration.marketplace.firms import NOW, assigned, hours, offer, welders
from tests.integration.marketplace.session_scenes import (
    RATE,
    as_if,
    booked,
    ended,
    log,
    proposed,
    running,
    seen,
    taken,
    terms,
)
from tests.together import at_once, tried


def kinds(party):
    with party.acting():
        rows = FeedEvent.objects.filter(kind__startswith="session.").order_by("seq")
        return [row.kind.partition(".")[2] for row in rows]


def test_session_is_proposed_confirmed_held_and_accepted_before_the_eyes_of_both(aurora, borealis, cassia):
    contract, people = contracts.written(aurora, borealis), welders(borealis)
    session = proposed(contract, borealis, people.wei)
    with aurora.acting():
        assert sessions.names_of_experts([session]) == {session.assignment_id: "Wei Chen"}
    taken(aurora, "confirm_session", session)
    taken(borealis, "start_session", session)
    taken(borealis, "log_note", session, words="second harmonic", looked_at="vibration, 10 to 12 h")
    taken(borealis, "stop_session", session, result="replace the bearing")
    done = taken(aurora, "accept_minutes", session)
    with pytest.raises(Conflict, match="accepted can't take 'accept'"):
        taken(aurora, "accept_minutes", session)
    assert (done.state, log(borealis, session)) == ("accepted", [("note", 0), ("time", 1), ("acceptance", 0)])
    told = ["proposed", "booked", "started", "noted", "stopped", "accepted"]
    assert kinds(aurora) == kinds(borealis) == told and kinds(cassia) == []
    for party in (aurora, borealis):
        with party.acting():
            entries = entries_where(subject=session.pk).order_by("seq")
            assert [entry.kind for entry in entries] == [f"session.{kind}" for kind in told]
            assert not any("Wei" in entry.payload for entry in entries)
    with cassia.acting(), pytest.raises(NotFound):
        sessions.get_session(session.pk)
    with cassia.acting(), pytest.raises(NotFound):
        sessions.get_note(session.pk)


def test_each_step_is_the_right_partys_and_of_the_right_role(aurora, borealis):
    contract, people = contracts.written(aurora, borealis), welders(borealis)
    with aurora.acting(), pytest.raises(Forbidden, match="firm's step"):
        sessions.book_session(contract=get_contract(contract.pk), person=people.wei, terms=terms())
    session = proposed(contract, borealis, people.wei)
    with pytest.raises(Forbidden, match="buyer's step"):
        taken(borealis, "confirm_session", session)
    with aurora.acting("expert"), pytest.raises(Forbidden, match="post_tasks"):
        sessions.confirm_session(session=sessions.get_session(session.pk))
    taken(aurora, "confirm_session", session)
    with pytest.raises(Forbidden, match="firm's step"):
        taken(aurora, "start_session", session)
    with borealis.acting("operator"), pytest.raises(Forbidden, match="claim_tasks"):
        sessions.start_session(session=sessions.get_session(session.pk))
    with borealis.acting("expert"):
        sessions.start_session(session=sessions.get_session(session.pk))
    for step, given in (("stop_session", {}), ("log_note", {"words": "x"})):
        with pytest.raises(Forbidden, match="firm's step"):
            taken(aurora, step, session, **given)
    taken(borealis, "stop_session", session)
    for step, given in (("accept_minutes", {}), ("object_to_minutes", {"reason": "x"})):
        with pytest.raises(Forbidden, match="buyer's step"):
            taken(borealis, step, session, **given)


def test_expert_is_booked_for_one_thing_at_a_time(aurora, borealis):
    contract, people = contracts.written(aurora, borealis), welders(borealis)
    other = contracts.written(aurora, borealis)
    proposed(contract, borealis, people.wei)
    for elsewhere in (contract, other):
        with pytest.raises(Conflict, match=r"session 1 'Read the spectrum of pump 7'|booked already for 'Fix pump 7'"):
            proposed(elsewhere, borealis, people.wei)


def needs(owner, contract, **wanted):
    """As if the task had been posted with it: the wall takes it while a task is a draft."""
    row = {"id": new_id(), "tenant_id": owner.id, "task_id": contract.task_id, "people_n": 1, **wanted}
    names, places = ", ".join(row), ", ".join(["%s"] * len(row))
    superuser(f"INSERT INTO marketplace_taskneed ({names}) VALUES ({places})", *row.values())


def test_expert_without_the_paper_that_is_asked_for_is_refused(aurora, borealis):
    contract, people = contracts.written(aurora, borealis), welders(borealis)
    needs(aurora, contract, skill="welding", level=3, certificate="hot-work")
    with borealis.acting():
        found = get_contract(contract.pk)
        need = crew.get_need(found.task, found.task.needs.get().pk)
        with pytest.raises(Invalid, match="for which need"):
            sessions.book_session(contract=found, person=people.wei, terms=terms())
        with pytest.raises(Conflict, match="W-2 has level 2 in welding; the task wants level 3"):
            sessions.book_session(contract=found, person=people.xena, terms=terms(), need=need)
        session = sessions.book_session(contract=found, person=people.wei, terms=terms(), need=need)
    with aurora.acting():
        assert [paper["kind"] for paper in Assignment.objects.get(pk=session.assignment_id).papers] == ["hot-work"]


def test_who_works_on_the_task_already_is_booked_within_that_time(aurora, borealis):
    contract, people = contracts.written(aurora, borealis), welders(borealis)
    row = assigned(contract.task, borealis, people.wei, hours(8))
    morning = {"from_at": NOW + timedelta(hours=3), "to_at": NOW + timedelta(hours=4)}
    session = proposed(contract, borealis, people.wei, **morning)
    assert (session.assignment_id, session.assigned_for_it) == (row.pk, False)
    with pytest.raises(Conflict, match="W-1 has session 1"):
        proposed(contract, borealis, people.wei, **morning)
    with borealis.acting(), pytest.raises(Conflict, match="They have session 1"):
        crew.release_person(assignment=crew.get_own_assignment(row.pk), reason="ill")
    taken(borealis, "cancel_session", session, reason="ill")
    with borealis.acting():
        assert Assignment.objects.get(pk=row.pk).released_at is None
        crew.release_person(assignment=crew.get_own_assignment(row.pk), reason="ill")


@pytest.mark.parametrize("who", ["aurora", "borealis"])
def test_either_party_cancels_before_the_start_and_the_expert_is_free_again(aurora, borealis, who):
    contract, people = contracts.written(aurora, borealis), welders(borealis)
    session = booked(aurora, borealis, contract, people.wei)
    party = {"aurora": aurora, "borealis": borealis}[who]
    with pytest.raises(Invalid, match="reason"):
        taken(party, "cancel_session", session, reason=" ")
    gone = taken(party, "cancel_session", session, reason="no longer needed")
    assert (gone.state, gone.reason) == ("cancelled", "no longer needed")
    running(aurora, borealis, contract, people.wei)
    with pytest.raises(Conflict, match="running can't take 'cancel'"):
        taken(party, "cancel_session", seen(aurora, proposed_of(aurora, contract)), reason="too late")


def test_who_books_a_session_cancels_it_and_nobody_below(aurora, borealis):
    contract, people = contracts.written(aurora, borealis), welders(borealis)
    session = booked(aurora, borealis, contract, people.wei)
    for party, role in ((borealis, "expert"), (aurora, "dispatcher"), (aurora, "viewer")):
        with pytest.raises(Forbidden), party.acting(role):
            sessions.cancel_session(session=sessions.get_session(session.pk), reason="ill")
    with borealis.acting("dispatcher"):
        sessions.cancel_session(session=sessions.get_session(session.pk), reason="ill")
    assert seen(aurora, session).state == "cancelled"


def proposed_of(party, contract):
    with party.acting():
        return sessions.sessions_of(contract).last()


def test_rate_is_fixed_at_the_booking_and_comes_from_the_rate_card(aurora, borealis):
    contract, people = contracts.written(aurora, borealis), welders(borealis)
    with pytest.raises(Invalid) as refused:
        proposed(contract, borealis, people.wei, rate_minor=None)
    assert refused.value.errors[0].pointer == "/rate_minor"
    offer(borealis, visibility="hidden", rates=(RateLine("equipment_maintenance", "hour", 18_000, "USD"),))
    session = proposed(contract, borealis, people.wei, rate_minor=None)
    assert (session.rate_minor, session.currency) == (300, "USD")
    offer(borealis, visibility="hidden", rates=(RateLine("equipment_maintenance", "minute", 999, "USD"),))
    assert seen(aurora, session).rate_minor == 300


def test_session_begins_in_its_time_and_not_before_it_is_confirmed(aurora, borealis):
    contract, people = contracts.written(aurora, borealis), welders(borealis)
    now = datetime.now(UTC)
    later = booked(
        aurora, borealis, contract, people.wei, from_at=now + timedelta(minutes=16), to_at=NOW + timedelta(hours=3)
    )
    with pytest.raises(Conflict, match="at most 15 minutes before"):
        taken(borealis, "start_session", later)
    as_if(later, from_at=now + timedelta(minutes=14))
    taken(borealis, "start_session", later)
    other = proposed(contracts.written(aurora, borealis), borealis, people.xena)
    with pytest.raises(Conflict, match="proposed can't take 'start'"):
        taken(borealis, "start_session", other)
    as_if(taken(aurora, "confirm_session", other), from_at=now - timedelta(hours=2), to_at=now)
    with pytest.raises(Conflict, match="begins in its planned time"):
        taken(borealis, "start_session", other)
    with pytest.raises(Invalid, match="over already"):
        proposed(contract, borealis, people.xena, from_at=now - timedelta(hours=1), to_at=now)


def test_expert_runs_one_session_at_a_time_even_if_two_start_at_once(aurora, borealis):
    people, made = welders(borealis), []
    for n in range(2):
        contract = contracts.written(aurora, borealis)
        begins_at = datetime.now(UTC) + timedelta(minutes=1 + 5 * n)
        made.append(
            booked(aurora, borealis, contract, people.wei, from_at=begins_at, to_at=begins_at + timedelta(minutes=5))
        )
    gate = Barrier(2)

    def start(session):
        read = partial(sessions.get_session, session.pk)
        return tried(borealis, gate, read, lambda found: sessions.start_session(session=found))

    answers = at_once(*[partial(start, session) for session in made])
    assert sorted(answer[:7] for answer in answers) == ["W-1 is ", "done"], answers


def test_minutes_are_those_of_the_clock_each_begun_one_and_never_above_the_ceiling(aurora, borealis):
    session = ended(aurora, borealis, minutes=41.5)
    assert (session.measured_min, log(aurora, session)) == (42, [("time", 42)])
    assert session.answer_until - session.ended_at == timedelta(days=7)
    long_one = ended(aurora, personas.borealis(), minutes=300)
    assert (long_one.measured_min, long_one.ended_at - long_one.started_at) == (60, timedelta(minutes=60))


def test_log_is_reversed_never_changed_and_closed_once_the_minutes_are_accepted(aurora, borealis):
    session = ended(aurora, borealis)
    taken(borealis, "log_note", session, words="wrong pump", looked_at="pump 8")
    with borealis.acting():
        note = sessions.log_of(session).get(kind="note")
        sessions.reverse_note(note=sessions.get_note(note.pk), reason="it was pump 7")
    with borealis.acting(), pytest.raises(Conflict, match="reversed already"):
        sessions.reverse_note(note=sessions.get_note(note.pk), reason="again")
    assert log(aurora, session) == [("time", 42), ("note", 0), ("reversal", 0)]
    with borealis.acting(), pytest.raises(NotFound):
        sessions.get_note(sessions.log_of(session).get(kind="time").pk)
    taken(aurora, "accept_minutes", session)
    with pytest.raises(Conflict, match="log is closed"):
        taken(borealis, "log_note", session, words="one more thing")
    with borealis.acting(), pytest.raises(Conflict, match="log is closed"):
        sessions.reverse_note(note=sessions.get_note(note.pk), reason="again")


def test_minutes_that_are_objected_to_are_corrected_by_a_reversing_entry_with_a_reason(aurora, borealis):
    session = ended(aurora, borealis)
    taken(aurora, "object_to_minutes", session, reason="we waited for ten minutes")
    for minutes, match in ((43, "0 to 42"), (42, "other than the 42"), (-1, "0 to 42")):
        with pytest.raises(Invalid) as refused:
            taken(borealis, "correct_minutes", session, minutes=minutes, reason="x")
        assert match in refused.value.errors[0].message
    again = taken(borealis, "correct_minutes", session, minutes=32, reason="ten minutes of waiting")
    assert (again.state, again.measured_min) == ("ended", 42)
    assert log(aurora, session) == [("time", 42), ("objection", 0), ("reversal", -42), ("time", 32)]
    taken(aurora, "accept_minutes", session)
    with aurora.acting():
        milestone = Milestone.objects.get(contract=session.contract, share_bp=0)
        assert milestone.amount_minor == 32 * RATE


def settled(owner, firm, session):
    """Invoiced and paid, as any part of a contract."""
    with owner.acting():
        row = Milestone.objects.get(contract=session.contract, share_bp=0)
    contracts.billed(firm, session.contract, "S-1", (row.number, row.amount_minor, 0))
    return contracts.paid(owner, session.contract, row.number)


def test_accepted_minutes_are_owed_beside_the_price_and_paid_like_the_rest(aurora, borealis):
    session = ended(aurora, borealis)
    done = taken(aurora, "accept_minutes", session)
    with aurora.acting():
        milestone = Milestone.objects.get(pk=done.milestone_id)
        assert (milestone.state, milestone.amount_minor, milestone.number) == ("receipted", 42 * RATE, 4)
        assert milestone.receipts.get().note == "42 min at 2.50 USD"
        assert queries.balances_of(session.contract) == {"work_in_progress": 10_500, "accrued": -10_500}
        (use,) = usage_events().filter(meter="session_minutes")
        assert (use.quantity, use.subject_id, use.counterpart_id) == (42, str(session.pk), borealis.id)
    assert settled(aurora, borealis, session) == 10_500
    with aurora.acting():
        sums = [line.amount_minor for line in JournalLine.objects.filter(contract=session.contract)]
        assert sum(sums) == 0 and queries.balances_of(session.contract)["cash"] == -10_500
    with borealis.acting():
        assert not usage_events().filter(meter="session_minutes").exists()


def test_statement_line_leads_to_the_session_its_log_and_the_use(aurora, borealis):
    session = ended(aurora, borealis)
    taken(aurora, "accept_minutes", session)
    for party in (aurora, borealis):
        with party.acting():
            statement = statement_of(get_contract(session.contract_id))
            of_session, uses = statement.lines[-1].session, [use.pk for use in statement.uses]
            assert statement.lines[0].session is None and statement.totals["accrued_minor"] == 42 * RATE
            assert (of_session.session, of_session.minutes, of_session.rate_minor) == (session.pk, 42, RATE)
            assert of_session.log == [entry.pk for entry in sessions.log_of(session)]
            assert of_session.uses == (uses if party is aurora else []) and (uses or party is borealis)
            assert len(of_session.ledger_entries) == 6 - 1
            assert b",42,250," in as_csv(statement)


def test_contract_closes_once_its_sessions_are_paid_too(aurora, borealis):
    session = ended(aurora, borealis, milestones=[])
    contracts.accepted(aurora, borealis, session.contract)
    contracts.settled(aurora, borealis, session.contract, 1)
    assert contracts.contract_seen(aurora, session.contract).state == "fulfilled"
    taken(aurora, "accept_minutes", session)
    assert contracts.contract_seen(aurora, session.contract).state == "fulfilled"
    settled(aurora, borealis, session)
    assert contracts.contract_seen(aurora, session.contract).state == "closed"


def test_session_without_minutes_owes_nothing_and_holds_up_no_contract(aurora, borealis):
    session = ended(aurora, borealis, milestones=[])
    contracts.accepted(aurora, borealis, session.contract)
    contracts.settled(aurora, borealis, session.contract, 1)
    taken(borealis, "correct_minutes", session, minutes=0, reason="as a courtesy")
    done = taken(aurora, "accept_minutes", session)
    assert (done.state, done.milestone_id) == ("accepted", None)
    assert contracts.contract_seen(aurora, session.contract).state == "closed"
    with aurora.acting():
        assert not usage_events().filter(meter="session_minutes").exists()


def test_sweep_stops_at_the_ceiling_and_says_so(aurora, borealis):
    contract, people = contracts.written(aurora, borealis), welders(borealis)
    session = running(aurora, borealis, contract, people.wei)
    sweep_sessions()
    assert seen(aurora, session).state == "running"
    as_if(session, started_at=datetime.now(UTC) - timedelta(hours=3))
    sweep_sessions()
    over = seen(borealis, session)
    assert (over.state, over.measured_min, over.ended_at - over.started_at) == ("ended", 60, timedelta(hours=1))
    with aurora.acting():
        assert sessions.log_of(session).get().words == "Nobody stopped it: it ended at its ceiling."
    assert kinds(aurora)[-1] == "exhausted"


def test_sweep_cancels_what_nobody_started_and_frees_the_expert(aurora, borealis):
    contract, people = contracts.written(aurora, borealis), welders(borealis)
    session = booked(aurora, borealis, contract, people.wei)
    sweep_sessions()
    assert seen(aurora, session).state == "booked"
    as_if(session, from_at=NOW - timedelta(hours=3), to_at=NOW - timedelta(hours=2))
    sweep_sessions()
    assert seen(aurora, session).reason == "Nobody started it in its time."
    proposed(contract, borealis, people.wei)


def test_silence_accepts_once_however_often_it_is_swept(aurora, borealis):
    session = ended(aurora, borealis)
    sweep_sessions()
    assert seen(aurora, session).state == "ended"
    as_if(session, answer_until=datetime.now(UTC))
    for _ in range(2):
        sweep_sessions()
    assert seen(aurora, session).state == "accepted"
    with aurora.acting():
        assert sessions.log_of(session).get(kind="acceptance").words == "Nobody objected within 7 days."
        assert Milestone.objects.get(contract=session.contract, share_bp=0).amount_minor == 42 * RATE
        assert usage_events().get(meter="session_minutes").quantity == 42


@pytest.mark.parametrize("end", ["fulfilled", "terminated"])
def test_end_of_the_contract_stops_what_runs_and_cancels_what_is_booked(aurora, borealis, end):
    contract, people = contracts.written(aurora, borealis, milestones=[]), welders(borealis)
    now = running(aurora, borealis, contract, people.wei)
    to_come = booked(aurora, borealis, contract, people.xena)
    if end == "fulfilled":
        contracts.accepted(aurora, borealis, contract)
    else:
        contracts.terminated_by(aurora, contract)
    assert (seen(aurora, now).state, seen(aurora, to_come).state) == ("ended", "cancelled")
    with pytest.raises(Conflict, match=end):
        proposed(contract, borealis, people.xena)
    assert taken(aurora, "accept_minutes", now).state == "accepted"


def test_dispute_stops_what_runs_and_the_time_for_an_objection_stands_still(aurora, borealis):
    contract, people = contracts.written(aurora, borealis), welders(borealis)
    session = running(aurora, borealis, contract, people.wei)
    contracts.disputed_by(borealis, contract)
    stopped = seen(aurora, session)
    assert stopped.state == "ended"
    with pytest.raises(Conflict, match="disputed"):
        taken(aurora, "accept_minutes", session)
    with pytest.raises(Conflict, match="disputed"):
        taken(borealis, "log_note", session, words="x")
    as_if(session, answer_until=datetime.now(UTC))
    sweep_sessions()
    assert seen(aurora, session).state == "ended"
    with borealis.acting():
        disputes.withdraw_dispute(contract=get_contract(contract.pk))
        over = queries.disputes_of(contract)[0]
    assert timedelta() < seen(aurora, session).answer_until - datetime.now(UTC) + timedelta(seconds=30)
    assert over.resolved_at is not None


def test_step_on_what_has_changed_meanwhile_is_refused_and_its_contract_stays_as_it_was_read(aurora, borealis):
    session = ended(aurora, borealis)
    with aurora.acting():
        stale, contract = sessions.get_session(session.pk), get_contract(session.contract_id)
    taken(borealis, "log_note", session, words="a word")
    with aurora.acting(), pytest.raises(Conflict, match="changed since it was read"):
        sessions.accept_minutes(session=stale)
    with borealis.acting():
        first = Milestone.objects.filter(contract=contract).first()
        first.contract = contract
        actions.submit_milestone(milestone=first)


def test_calendars_of_both_show_a_session_until_it_is_over(aurora, borealis, cassia):
    contract, people = contracts.written(aurora, borealis), welders(borealis)
    with borealis.acting():
        people.wei.user_id = borealis.user.pk
        people.wei.save()
    session = proposed(contract, borealis, people.wei)

    def shown(party):
        with party.acting():
            return [row.summary for row in appointments() if "session" in row.uid or "assignment" in row.uid]

    words = "Remote session: Read the spectrum of pump 7"
    assert shown(aurora) == shown(borealis) == [f"{words} (proposed)"] and shown(cassia) == []
    taken(aurora, "confirm_session", session)
    assert shown(aurora) == shown(borealis) == [words]
    taken(aurora, "cancel_session", session, reason="no need")
    assert shown(aurora) == shown(borealis) == []


def test_sessions_of_others_are_in_nobodys_list(aurora, borealis, cassia):
    session = ended(aurora, borealis)
    for party, expected in ((aurora, [session.pk]), (borealis, [session.pk]), (cassia, [])):
        with party.acting():
            assert [row.pk for row in sessions.sessions_taken_part_in()] == expected
    with cassia.acting():
        assert not Contract.objects.filter(pk=session.contract_id).exists()


def test_buyer_may_not_pay_before_the_invoice_says_what_the_log_says(aurora, borealis):
    """The three-way match holds for sessions, too: agreed, received and invoiced are minutes times rate."""
    session = ended(aurora, borealis)
    done = taken(aurora, "accept_minutes", session)
    with borealis.acting():
        line = settlement.Billed(done.milestone_id, 42 * RATE + 1)
        invoice = settlement.send_invoice(contract=get_contract(session.contract_id), number="S-9", lines=[line])
        assert invoice.state == "mismatched" and "10500" in invoice.lines.get().findings[0]

"""The database itself refuses what sessions and their logs do not allow, whoever writes."""

import pytest
from django.db import IntegrityError

from marketplace.models import Milestone, RemoteSession, SessionEntry
from marketplace.sessions.lifecycle import SESSIONS, SessionState
from tenants.models import new_id
from tests import personas
from tests.integration.marketplace import contract_scenes as contracts
from tests.integration.marketplace.bid_scenes import superuser
from tests.integration.marketplace.firms import welders
from tests.integration.marketplace.guards import sql, takes_only
from tests.integration.marketplace.session_scenes import booked, ended, proposed, taken

PAIRS = {(source, target) for (source, _), target in SESSIONS.items()}
TABLE = "marketplace_remotesession"


@pytest.fixture(scope="module")
def parties():
    return personas.aurora(), personas.borealis()


def test_database_takes_exactly_the_pairs_of_the_table(aurora, borealis):
    owner, firm = aurora, borealis
    session = proposed(contracts.written(owner, firm), firm, welders(firm).wei)
    takes_only(owner, session, SessionState, PAIRS)


@pytest.mark.parametrize(
    ("contract", "source", "target"),
    [
        ("disputed", "proposed", "booked"),
        ("fulfilled", "booked", "running"),
        ("terminated", "booked", "running"),
        ("disputed", "ended", "accepted"),
        ("disputed", "ended", "objected"),
        ("closed", "booked", "cancelled"),
    ],
)
def test_contract_that_stands_still_or_is_over_holds_its_sessions(aurora, borealis, contract, source, target):
    session = proposed(contracts.written(aurora, borealis), borealis, welders(borealis).wei)
    superuser("UPDATE marketplace_contract SET state = %s WHERE id = %s", contract, session.contract_id)
    superuser(f"UPDATE {TABLE} SET state = %s WHERE id = %s", source, session.pk)
    with pytest.raises(IntegrityError, match=f"in a contract that is {contract}"), aurora.acting():
        sql(f"UPDATE {TABLE} SET state = %s WHERE id = %s", target, session.pk)


@pytest.fixture(scope="module")
def held(parties):
    """A session of 42 minutes that ended, which nobody here may change."""
    return ended(*parties)


def test_session_begins_proposed_and_a_settled_part_received(parties, held):
    owner, _ = parties
    for state in list(SessionState)[1:]:
        held.pk, held.state, held._state.adding = new_id(), state.value, True
        with pytest.raises(IntegrityError, match="begins proposed"), owner.acting():
            held.save(force_insert=True)
    with owner.acting():
        first = Milestone.objects.filter(contract=held.contract_id).first()
    for share_bp, state in ((0, "planned"), (0, "paid"), (1, "receipted")):
        first.pk, first.number, first._state.adding = new_id(), 99, True
        first.share_bp, first.state = share_bp, state
        with pytest.raises(IntegrityError, match="a milestone begins"), owner.acting():
            first.save(force_insert=True)


OTHER = "01a20000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *[("rate_minor", "1"), ("currency", "EUR"), ("ceiling_min", "61"), ("subject", "other"), ("number", "9")],
        *[("to_at", "2040-01-01T00:00:00Z"), ("expert_id", OTHER), ("assignment_id", OTHER)],
        *[("measured_min", "43"), ("ended_at", "2040-01-01T00:00:00Z"), ("started_at", "2020-01-01T00:00:00Z")],
        ("version", "0"),
    ],
)
def test_what_was_agreed_and_measured_never_changes(parties, held, column, value):
    owner, _ = parties
    with pytest.raises(IntegrityError, match=r"never changes|only rises"), owner.acting():
        sql(f"UPDATE {TABLE} SET {column} = %s WHERE measured_min IS NOT NULL", value)


def entry(owner, **said):
    """Written in the owner's name past the code."""
    with owner.acting():
        session = RemoteSession.objects.get(measured_min=42)
        own = {"tenant_id": owner.id, "firm_id": session.firm_id, "contract_id": session.contract_id}
        return SessionEntry.objects.create(**own, session=session, by_id=session.firm_id, **said)


def test_log_is_only_added_to_and_sums_to_no_more_than_the_clock_said(parties, held):
    owner, firm = parties
    with owner.acting():
        time = SessionEntry.objects.get(kind="time", session__measured_min=42)
    for said in (
        {"kind": "time", "minutes": 1},
        {"kind": "reversal", "minutes": -1, "reverses": time, "words": "a part"},
        {"kind": "reversal", "minutes": 0, "reverses": time, "words": "none"},
    ):
        with pytest.raises(IntegrityError, match=r"what the clock said|takes back a whole entry"):
            entry(owner, **said)
    for said, constraint in (
        ({"kind": "note", "minutes": 1}, "minutes_bounded|what the clock said"),
        ({"kind": "note", "words": "x", "reverses": time}, "says_why"),
        ({"kind": "reversal", "minutes": -42, "reverses": time, "words": ""}, "says_why"),
        ({"kind": "gossip"}, "kind_known"),
    ):
        with pytest.raises(IntegrityError, match=constraint):
            entry(owner, **said)
    with pytest.raises(IntegrityError, match="never changed; reverse"), owner.acting():
        sql("UPDATE marketplace_sessionentry SET words = 'other'")
    for party in (owner, firm):
        with party.acting():
            assert sql("DELETE FROM marketplace_sessionentry") == sql(f"DELETE FROM {TABLE}") == 0
    with firm.acting():
        assert sql("SELECT FROM marketplace_sessionentry") > 0
        assert sql("UPDATE marketplace_sessionentry SET id = id") == sql(f"UPDATE {TABLE} SET id = id") == 0


def test_entry_is_reversed_once_and_minutes_that_are_accepted_are_owed(aurora, borealis):
    session = ended(aurora, borealis)
    with pytest.raises(IntegrityError, match="are owed"), aurora.acting():
        sql(f"UPDATE {TABLE} SET state = 'accepted' WHERE id = %s", session.pk)
    with aurora.acting():
        time = SessionEntry.objects.get(session=session)
    said = {"kind": "reversal", "minutes": -42, "reverses": time, "words": "wrong"}
    entry(aurora, **said)
    entry(aurora, kind="time", minutes=42)
    with pytest.raises(IntegrityError, match="reversed_once"):
        entry(aurora, **said)
    taken(aurora, "accept_minutes", session)
    with pytest.raises(IntegrityError, match="is closed"):
        entry(aurora, kind="note", words="too late")
    with pytest.raises(IntegrityError, match="settled of a session never changes"), aurora.acting():
        sql(f"UPDATE {TABLE} SET milestone_id = NULL WHERE id = %s", session.pk)


def test_two_sessions_of_one_expert_never_run_nor_share_an_assignments_time(aurora, borealis):
    people = welders(borealis)
    first = booked(aurora, borealis, contracts.written(aurora, borealis), people.wei)
    second = booked(aurora, borealis, contracts.written(aurora, borealis), people.xena)
    superuser(f"UPDATE {TABLE} SET expert_id = %s WHERE id = %s", people.wei.pk, second.pk)
    with aurora.acting():
        sql(f"UPDATE {TABLE} SET state = 'running' WHERE id = %s", first.pk)
    with pytest.raises(IntegrityError, match="one_running_of_expert"), aurora.acting():
        sql(f"UPDATE {TABLE} SET state = 'running' WHERE id = %s", second.pk)
    first.pk, first._state.adding, first.number, first.state = new_id(), True, 2, "proposed"
    with pytest.raises(IntegrityError, match="session_of_assignment_once"), aurora.acting():
        first.save(force_insert=True)

"""The database itself refuses what the lifecycle of bids does not allow, whoever writes."""

import pytest
from django.db import IntegrityError, ProgrammingError

from marketplace.bids.lifecycle import BID_TRANSITIONS, BidState
from marketplace.models import Bid, BidVersion, Complaint, Opener
from tests.integration.marketplace.bid_scenes import (
    awarded,
    deadline_over,
    evaluating,
    placed,
    quotation,
    seen,
    superuser,
    tender,
)
from tests.integration.marketplace.guards import sql, takes_only

MOVE = "UPDATE marketplace_bid SET state = %s WHERE id = %s"


def test_database_takes_exactly_the_pairs_of_the_table(aurora, borealis):
    bid = placed(borealis, quotation(aurora)).bid
    pairs = {(start, end) for (start, _), end in BID_TRANSITIONS.items()}
    takes_only(aurora, bid, BidState, pairs)


def bid_values(task, firm):
    return {"tenant_id": firm.id, "owner_id": task.tenant_id, "task_id": task.pk, "firm_name": "x"}


def test_bid_begins_as_a_draft(aurora, borealis):
    task = quotation(aurora)
    for state in set(BidState) - {BidState.DRAFT}:
        with pytest.raises(IntegrityError, match="begins as a draft"), aurora.acting():
            Bid.objects.create(**bid_values(task, borealis), state=state.value)


def test_firm_can_neither_write_a_bid_for_itself_nor_change_or_delete_one(aurora, borealis, cassia):
    """A bid lets its firm read the task, so only the owner's name may write one."""
    task = quotation(aurora)
    bid = placed(borealis, task).bid
    with pytest.raises(ProgrammingError, match="row-level security"), cassia.acting():
        Bid.objects.create(**bid_values(task, cassia))
    with borealis.acting():
        assert sql("UPDATE marketplace_bid SET state = 'opened' WHERE id = %s", bid.pk) == 0
        assert sql("UPDATE marketplace_bidversion SET fault = 'x' WHERE bid_id = %s", bid.pk) == 0
    for party in (aurora, borealis):
        with party.acting():
            assert sql("DELETE FROM marketplace_bidversion WHERE bid_id = %s", bid.pk) == 0
            assert sql("DELETE FROM marketplace_bid WHERE id = %s", bid.pk) == 0


def test_second_live_bid_and_second_winner_are_refused_by_the_indexes(aurora, borealis, cassia):
    task = quotation(aurora)
    bid, other = placed(borealis, task).bid, placed(cassia, task).bid
    with pytest.raises(IntegrityError, match="bid_one_live"), aurora.acting():
        Bid.objects.create(**bid_values(task, borealis))
    evaluating(aurora, task)
    awarded(aurora, bid)
    superuser(MOVE, "opened", other.pk)
    with pytest.raises(IntegrityError, match="bid_one_won"), aurora.acting():
        sql(MOVE, "won", other.pk)


def test_bid_on_an_own_task_is_refused_by_the_database(aurora):
    task = quotation(aurora)
    with pytest.raises(IntegrityError, match="bid_between_two"), aurora.acting():
        Bid.objects.create(**bid_values(task, aurora))


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("bid", "firm_name = 'another'"),
        ("bid", "task_id = gen_random_uuid()"),
        ("bid", "version = 0"),
        ("bid", "number = 0"),
        ("bidversion", "commitment = repeat('a', 64)"),
        ("bidversion", "sealed = '{}'"),
        ("bidversion", "submitted_at = now() - interval '1 day'"),
        ("bidversion", "text = 'another'"),
    ],
)
def test_what_was_offered_never_changes(aurora, borealis, table, change):
    bid = placed(borealis, quotation(aurora)).bid
    key = "id" if table == "bid" else "bid_id"
    with pytest.raises(IntegrityError, match=r"never changes|only rise"), aurora.acting():
        sql(f"UPDATE marketplace_{table} SET {change} WHERE {key} = %s", bid.pk)


def version_of(bid, **said):
    about = {"tenant_id": bid.tenant_id, "owner_id": bid.owner_id, "bid_id": bid.pk, "number": 9}
    return BidVersion.objects.create(**about, commitment="a" * 64, **said)


def test_version_after_the_deadline_is_refused_whoever_writes_and_whatever_time_it_says(aurora, borealis):
    task = tender(aurora)
    bid = placed(borealis, task).bid
    deadline_over(task)
    with pytest.raises(IntegrityError, match="bidding is over"), aurora.acting():
        version_of(bid, sealed={}, submitted_at="2020-01-01T00:00Z")


def test_version_is_stamped_by_the_database(aurora, borealis):
    bid = placed(borealis, tender(aurora)).bid
    with aurora.acting():
        version_of(bid, sealed={}, submitted_at="2020-01-01T00:00Z")
    assert seen(aurora, bid).newest.submitted_at.year > 2025


def test_tender_takes_no_plain_bid_and_a_quotation_no_sealed_one(aurora, borealis):
    for make, said in ((tender, {"text": "plain"}), (tender, {"text": "x", "sealed": {}}), (quotation, {"sealed": {}})):
        bid = placed(borealis, make(aurora)).bid
        with pytest.raises(IntegrityError, match="bids of a tender are sealed"), aurora.acting():
            version_of(bid, **said)


def test_openers_of_a_published_tender_never_change(aurora):
    task = tender(aurora)
    for statement in (
        "UPDATE marketplace_opener SET public_key = repeat('a', 64) WHERE task_id = %s",
        "DELETE FROM marketplace_opener WHERE task_id = %s",
    ):
        with pytest.raises(IntegrityError, match="settled before"), aurora.acting():
            sql(statement, task.pk)
    with pytest.raises(IntegrityError, match="settled before"), aurora.acting():
        Opener.objects.create(tenant_id=aurora.id, task=task, user=aurora.user, public_key="a", salt="b")


def test_criteria_of_a_published_task_never_change(aurora):
    task = quotation(aurora)
    with pytest.raises(IntegrityError, match="terms of a published"), aurora.acting():
        sql("UPDATE marketplace_servicetask SET criteria = '[]' WHERE id = %s", task.pk)


def test_complaint_begins_open_is_decided_once_and_never_rewritten(aurora, borealis):
    task = quotation(aurora)
    bid = placed(borealis, task).bid
    values = {"tenant_id": borealis.id, "owner_id": aurora.id, "task": task, "bid": bid, "text": "unfair"}
    with pytest.raises(IntegrityError, match="begins open"), aurora.acting():
        Complaint.objects.create(**values, state="upheld", decided_at="2030-01-01T00:00Z")
    with aurora.acting():
        complaint = Complaint.objects.create(**values)
    with pytest.raises(IntegrityError, match="complaint_one_open"), aurora.acting():
        Complaint.objects.create(**values)
    with pytest.raises(IntegrityError, match="never changes"), aurora.acting():
        sql("UPDATE marketplace_complaint SET text = 'fine' WHERE id = %s", complaint.pk)
    with aurora.acting():
        sql("UPDATE marketplace_complaint SET state = 'rejected', decided_at = now() WHERE id = %s", complaint.pk)
    with pytest.raises(IntegrityError, match="decided complaint"), aurora.acting():
        sql("UPDATE marketplace_complaint SET state = 'upheld' WHERE id = %s", complaint.pk)

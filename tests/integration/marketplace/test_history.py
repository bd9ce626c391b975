"""What the ledger keeps of a task: its terms as published, every step of it, and that an alteration is seen."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from marketplace import access as tasks
from marketplace import actions as task_actions
from marketplace.bids import awarding, sweeping
from marketplace.bids.queries import openers, place_of
from marketplace.bids.sealing import digest_of_keys, new_opener, private_key, seal, unseal, unseal_share
from marketplace.desk import actions as desk
from tenants.data import Conflict
from tenants.ledger.api import entries_where
from tests.integration.marketplace.bid_scenes import (
    bodies,
    deadline_over,
    evaluating,
    never_entered,
    opened,
    placed,
    quotation,
    rewritten,
    seen,
    superuser,
    tender,
)

PDF = b"%PDF-1.7 pump 7"
OPERATORS_WORDS = "a passphrase of the operator"


def entered(party, task):
    """Kind → payload of the newest entry about the task in the party's ledger."""
    with party.acting():
        return {row.kind: json.loads(row.payload) for row in entries_where(subject=task.pk).order_by("seq")}


def swap_key(task, key):
    return superuser("UPDATE marketplace_opener SET public_key = %s WHERE task_id = %s", key.hex(), task.pk)


def add_opener(task, key):
    columns = "tenant_id, task_id, user_name, salt, registered_at"
    return superuser(
        f"INSERT INTO marketplace_opener (id, user_id, public_key, {columns}) "
        f"SELECT gen_random_uuid(), gen_random_uuid(), %s, {columns} FROM marketplace_opener WHERE task_id = %s",
        key.hex(),
        task.pk,
    )


def need_fewer(task, key):
    return superuser("UPDATE marketplace_servicetask SET openers_needed = 2 WHERE id = %s", task.pk)


@pytest.mark.parametrize("alter", [swap_key, add_opener, need_fewer])
def test_nothing_is_sealed_for_openers_that_were_not_published(aurora, borealis, alter):
    task = tender(aurora)
    assert alter(task, new_opener(OPERATORS_WORDS)[0]) == 1
    with pytest.raises(Conflict, match="openers of this tender are not those"):
        placed(borealis, task)


def test_operator_who_reads_a_bid_and_puts_everything_back_is_found_at_the_opening(aurora, borealis, cassia):
    """With the whole database, the owner's ledger too: sealed for the operator first, then anew for the openers."""
    task = tender(aurora)
    with aurora.acting():
        opener = openers(task.pk).get()
    key, salt = new_opener(OPERATORS_WORDS)
    true, false = (digest_of_keys({str(opener.pk): each}, 1) for each in (opener.public_key, key.hex()))
    swap_key(task, key)
    rewritten(task, true, false)
    bid = placed(borealis, task).bid
    text = read_by(private_key(OPERATORS_WORDS, salt), bid, opener)
    assert '"price_minor":47119083' in text
    swap_key(task, bytes.fromhex(opener.public_key))
    rewritten(task, false, true)
    honest = placed(cassia, task).bid
    anew = seal(text, place_of(bid), {str(opener.pk): bytes.fromhex(opener.public_key)}, 1)
    superuser("UPDATE marketplace_bidversion SET sealed = %s WHERE bid_id = %s", json.dumps(anew), bid.pk)
    deadline_over(task)
    opened(aurora, task)
    assert seen(aurora, bid).newest.fault == "it was sealed for other openers than those that were published"
    assert seen(aurora, honest).newest.fault == ""


def read_by(key, bid, opener):
    ((sealed,),) = superuser("SELECT sealed FROM marketplace_bidversion WHERE bid_id = %s", bid.pk, dump=True)
    share = unseal_share(sealed, place_of(bid), str(opener.pk), key)
    return unseal(sealed, place_of(bid), [share], 1)


def test_bid_that_was_sealed_anew_with_its_own_words_is_found(aurora, borealis):
    task = tender(aurora)
    receipt = placed(borealis, task)
    with aurora.acting():
        keys = {str(each.pk): bytes.fromhex(each.public_key) for each in openers(task.pk)}
    anew = seal(receipt.text, place_of(receipt.bid), keys, 1)
    superuser("UPDATE marketplace_bidversion SET sealed = %s WHERE bid_id = %s", json.dumps(anew), receipt.bid.pk)
    deadline_over(task)
    opened(aurora, task)
    assert "sealed anew" in seen(aurora, receipt.bid).newest.fault


def test_no_bid_is_taken_after_the_published_deadline_was_moved_in_the_database(aurora, borealis):
    task = quotation(aurora)
    superuser("UPDATE marketplace_servicetask SET bids_until = %s WHERE id = %s", later(), task.pk)
    with pytest.raises(Conflict, match="bids_until differ from the owner's ledger"):
        placed(borealis, task)


@pytest.mark.parametrize("begin", [quotation, tender])
def test_task_whose_publication_was_never_entered_says_what_its_owner_has_to_do(aurora, borealis, begin):
    task = begin(aurora)
    never_entered(task)
    with pytest.raises(Conflict, match="Its owner has to cancel it and publish it anew"):
        placed(borealis, task)
    with aurora.acting():
        task_actions.cancel_task(task=tasks.get_own_task(task.pk))


def later():
    return datetime.now(UTC) + timedelta(days=9)


def test_deadline_that_was_brought_forward_is_told_to_owner_and_bidders(aurora, borealis, cassia):
    task = tender(aurora)
    placed(borealis, task)
    superuser("UPDATE marketplace_servicetask SET bids_until = now() WHERE id = %s", task.pk)
    sweeping.close_overdue()
    for party in (aurora, borealis):
        assert [body["terms"] for body in bodies(party, "task.altered")] == [["bids_until"]]
        assert entered(party, task)["task.altered"]["terms"] == ["bids_until"]
    assert bodies(cassia, "task.altered") == []


def test_what_was_published_is_entered_and_an_untouched_task_is_never_called_altered(aurora, borealis):
    task = tender(aurora, description="lift it by crane", milestones=[{"title": "all", "share_bp": 10_000, "due_d": 3}])
    said = entered(aurora, task)["task.published"]
    assert (said["bids_until"], said["mode"]) == (f"{task.bids_until:%Y-%m-%dT%H:%M:%S.%fZ}", "tender")
    placed(borealis, task)
    deadline_over(task)
    opened(aurora, task)
    assert bodies(aurora, "task.altered") == [] and entered(borealis, task)["bid.closed"]["bidders"] == 1


def test_files_questions_and_answers_are_entered_by_their_digest_and_told_to_bidders(aurora, borealis, cassia):
    task = quotation(aurora, visibility="invited")
    invite(aurora, task, borealis)
    placed(borealis, task)
    uninvite(aurora, task)
    with aurora.acting():
        desk.attach(task=tasks.get_own_task(task.pk), name="pump.pdf", content=PDF)
    with borealis.acting():
        question = desk.ask(task=tasks.get_task(task.pk), text="Which bearing?")
    with aurora.acting():
        desk.answer(question=question, text="6312.")
    said = entered(aurora, task)
    assert {"task.attached", "task.asked", "task.answered"} <= said.keys()
    assert said["task.attached"]["size_bytes"] == len(PDF) and len(said["task.answered"]["sha256"]) == 64
    for kind in ("task.attached", "task.answered"):
        assert len(bodies(borealis, kind)) == 1 and bodies(cassia, kind) == []


def test_bidder_does_not_learn_from_an_answer_who_else_has_bid(aurora, borealis, cassia):
    task = tender(aurora)
    placed(borealis, task)
    placed(cassia, task)
    with borealis.acting():
        question = desk.ask(task=tasks.get_task(task.pk), text="Which bearing?")
    with aurora.acting():
        desk.answer(question=question, text="6312.")
    for firm in (borealis, cassia):
        assert "task.answered" in entered(firm, task)
        with firm.acting():
            parties = {party for entry in entries_where(subject=task.pk) for party in entry.with_tenants}
        assert parties == {aurora.id}


def invite(owner, task, firm):
    from marketplace.models import TaskInvitation

    with owner.acting():
        TaskInvitation.objects.create(tenant_id=owner.id, task=task, firm=firm.tenant)


def uninvite(owner, task):
    superuser("DELETE FROM marketplace_taskinvitation WHERE task_id = %s", task.pk)


def test_evaluation_failure_and_cancelling_are_entered(aurora, borealis):
    failed, cancelled = quotation(aurora), quotation(aurora)
    placed(borealis, failed)
    evaluating(aurora, failed)
    with aurora.acting():
        awarding.fail_task(task=tasks.get_own_task(failed.pk), reason="too dear")
        task_actions.cancel_task(task=tasks.get_own_task(cancelled.pk))
    for party in (aurora, borealis):
        assert {"evaluation.started", "task.unsuccessful"} <= entered(party, failed).keys()
    assert entered(aurora, cancelled)["task.cancelled"]["status"] == "cancelled"


@pytest.mark.parametrize("end", ["fail", "cancel"])
def test_nobody_who_bid_learns_from_its_ledger_who_else_did(aurora, borealis, cassia, end):
    task = quotation(aurora)
    for firm in (borealis, cassia):
        placed(firm, task)
    evaluating(aurora, task)
    with aurora.acting():
        if end == "fail":
            awarding.fail_task(task=tasks.get_own_task(task.pk), reason="too dear")
        else:
            task_actions.cancel_task(task=tasks.get_own_task(task.pk))
    for firm in (borealis, cassia):
        with firm.acting():
            entries = list(entries_where(subject=task.pk))
        assert {"bid.closed", "evaluation.started"} < {entry.kind for entry in entries}
        assert {party for entry in entries for party in entry.with_tenants} == {aurora.id}

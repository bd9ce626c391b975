"""What a beaten firm says of an award within the standstill: what waits for the answer, and what it changes."""

import json

import pytest

from marketplace.bids import access, complaining, queries, sweeping
from tenants.data import Conflict, NotFound
from tenants.ledger.api import entries_where
from tenants.models import FeedEvent
from tests.integration.marketplace.bid_scenes import (
    awarded,
    bodies,
    cancelled,
    complained,
    conclude,
    contest,
    decided,
    disqualified,
    evaluating,
    failed,
    placed,
    quotation,
    seen,
    standstill_over,
    superuser,
)
from tests.integration.marketplace.scenes import state_of
from tests.personas import organisation


def test_upheld_complaint_annuls_the_award_and_all_its_bids_are_judged_again(aurora, borealis, cassia):
    task, cheap, quick = contest(aurora, borealis, cassia)
    awarded(aurora, quick)
    complaint = complained(borealis, cheap)
    with aurora.acting():
        assert not queries.awards_due().filter(pk=quick.pk).exists()
    decided(aurora, complaint, True)
    assert state_of(task, aurora) == "evaluating"
    assert [seen(aurora, bid).state for bid in (cheap, quick)] == ["opened", "opened"]
    assert (bodies(borealis, "bid.complaint_decided")[0]["decision"], len(bodies(cassia, "bid.annulled"))) == (
        "upheld",
        1,
    )
    assert bodies(cassia, "bid.complaint_decided") == bodies(cassia, "bid.complained") == []
    assert bodies(cassia, "bid.uncontested") == []
    awarded(aurora, cheap)
    assert seen(borealis, cheap).state == "won"


def test_rejected_complaint_lets_the_award_stand(aurora, borealis, cassia):
    task, cheap, quick = contest(aurora, borealis, cassia)
    awarded(aurora, quick)
    complaint = complained(borealis, cheap)
    standstill_over(quick)
    with aurora.acting():
        assert not queries.awards_due().filter(pk=quick.pk).exists()
    decided(aurora, complaint, False)
    (contested,), (over,) = bodies(cassia, "bid.contested"), bodies(cassia, "bid.uncontested")
    assert contested == over and "Borealis" not in json.dumps(contested) and contested["task"] == str(task.pk)
    assert "Cassia" not in json.dumps([*bodies(borealis, "bid.contested"), *bodies(borealis, "bid.uncontested")])
    with pytest.raises(Conflict, match="has been decided"):
        decided(aurora, complaint, True)
    assert (state_of(task, aurora), seen(aurora, quick).state) == ("awarded", "won")
    with aurora.acting():
        assert queries.awards_due().filter(pk=quick.pk).exists()


@pytest.mark.parametrize("is_upheld", [True, False])
def test_nothing_on_the_winners_feed_or_in_its_ledger_names_who_complained(aurora, borealis, cassia, is_upheld):
    task, cheap, quick = contest(aurora, borealis, cassia)
    awarded(aurora, quick)
    decided(aurora, complained(borealis, cheap), is_upheld)
    assert bodies(cassia, "bid.contested")
    with cassia.acting():
        events = list(FeedEvent.objects.filter(kind__startswith="bid.", body__task=str(task.pk)))
        entries = entries_where(subject=task.pk).filter(kind__startswith="bid.")
        assert not {str(borealis.id), "Borealis"} & {
            *(str(event.author_id) for event in events),
            *(str(party) for entry in entries for party in (entry.by_id, *entry.with_tenants)),
        }
        assert "Borealis" not in json.dumps([event.body for event in events])


def test_complaint_comes_from_a_beaten_firm_within_the_standstill(aurora, borealis, cassia):
    _, cheap, quick = contest(aurora, borealis, cassia)
    with pytest.raises(Conflict, match="Only a bid that lost"):
        complained(borealis, cheap)
    awarded(aurora, quick)
    with pytest.raises(Conflict, match="Only a bid that lost"):
        complained(cassia, quick)
    with pytest.raises(NotFound):
        complained(cassia, cheap)
    standstill_over(quick)
    with pytest.raises(Conflict, match="end of the standstill"):
        complained(borealis, cheap)


def test_winner_and_owner_do_not_decide_each_others_part(aurora, borealis, cassia):
    _, cheap, quick = contest(aurora, borealis, cassia)
    awarded(aurora, quick)
    complaint = complained(borealis, cheap)
    for firm in (borealis, cassia):
        with pytest.raises(NotFound):
            decided(firm, complaint, True)
    with pytest.raises(NotFound), borealis.acting():
        access.get_bid_to_judge(cheap.pk)


def test_no_contract_is_written_while_a_complaint_is_open(aurora, borealis, cassia):
    task, cheap, quick = contest(aurora, borealis, cassia)
    awarded(aurora, quick)
    complaint = complained(borealis, cheap)
    standstill_over(quick)
    sweeping.conclude_due()
    with pytest.raises(Conflict, match="waits for its decision"):
        conclude(aurora, task)
    decided(aurora, complaint, False)
    conclude(aurora, task)
    assert state_of(task, aurora) == "contracted"


def test_disqualified_firm_may_complain_about_the_award(aurora, borealis, cassia):
    _, cheap, quick = contest(aurora, borealis, cassia)
    disqualified(aurora, cheap)
    awarded(aurora, quick)
    assert complained(borealis, cheap).state == "open"


def test_upheld_complaint_of_a_disqualified_firm_lets_its_bid_stand_again(aurora, borealis, cassia):
    _, cheap, quick = contest(aurora, borealis, cassia)
    disqualified(aurora, cheap)
    awarded(aurora, quick)
    decided(aurora, complained(borealis, cheap), True)
    assert [(seen(aurora, bid).state, seen(aurora, bid).reason) for bid in (cheap, quick)] == [("opened", "")] * 2
    assert len(bodies(borealis, "bid.reinstated")) == 1
    awarded(aurora, cheap)


def contested_twice(aurora, *beaten):
    """An award to somebody else, and the complaints of both who were beaten, the second by a disqualification."""
    task = quotation(aurora, standstill_h=24)
    winner = organisation("Winner", "service_firm")
    best, *bids = (placed(firm, task).bid for firm in (winner, *beaten))
    evaluating(aurora, task)
    disqualified(aurora, bids[1])
    awarded(aurora, best)
    return task, winner, bids, [complained(firm, bid) for firm, bid in zip(beaten, bids, strict=True)]


def test_other_complaints_about_an_annulled_award_are_upheld_with_it(aurora, borealis, cassia):
    task, _, bids, complaints = contested_twice(aurora, borealis, cassia)
    with aurora.acting():
        late = access.get_complaint_to_decide(complaints[1].pk)
    decided(aurora, complaints[0], True)
    for firm in (borealis, cassia):
        (told,) = bodies(firm, "bid.complaint_decided")
        assert (told["decision"], told["reason"], told["status"]) == ("upheld", "we looked again", "opened")
    assert [seen(aurora, bid).state for bid in bids] == ["opened", "opened"]
    with pytest.raises(Conflict, match="has been decided"), aurora.acting():
        complaining.decide_complaint(complaint=late, is_upheld=True, reason="we looked again")
    awarded(aurora, bids[1])
    assert (state_of(task, aurora), seen(aurora, bids[1]).state) == ("awarded", "won")


def test_winner_hears_of_no_complaint_any_more_only_when_the_last_one_is_rejected(aurora, borealis, cassia):
    _, winner, _, complaints = contested_twice(aurora, borealis, cassia)
    for complaint, told in zip(complaints, (0, 1), strict=True):
        decided(aurora, complaint, False)
        assert len(bodies(winner, "bid.uncontested")) == told


def left_over(aurora, borealis, cassia):
    """A complaint that stayed open when its award was annulled."""
    task, _, _, complaints = contested_twice(aurora, borealis, cassia)
    decided(aurora, complaints[0], True)
    superuser("UPDATE marketplace_complaint SET state = 'open', decided_at = NULL WHERE id = %s", complaints[1].pk)
    return task, complaints[1]


def test_task_is_not_failed_while_a_complaint_waits_for_its_decision(aurora, borealis, cassia):
    task, complaint = left_over(aurora, borealis, cassia)
    with pytest.raises(Conflict, match="waits for its decision"):
        failed(aurora, task)
    decided(aurora, complaint, False)
    failed(aurora, task)


def test_nobody_hears_that_an_award_stands_where_there_is_none(aurora, borealis, cassia):
    _, complaint = left_over(aurora, borealis, cassia)
    decided(aurora, complaint, False)
    assert bodies(aurora, "bid.uncontested") == []


def test_task_is_not_cancelled_while_a_complaint_waits_for_its_decision(aurora, borealis, cassia):
    task, cheap, quick = contest(aurora, borealis, cassia)
    awarded(aurora, quick)
    complaint = complained(borealis, cheap)
    with pytest.raises(Conflict, match="waits for its decision"):
        cancelled(aurora, task)
    assert state_of(task, aurora) == "awarded"
    decided(aurora, complaint, True)
    cancelled(aurora, task)
    assert state_of(task, aurora) == "cancelled"

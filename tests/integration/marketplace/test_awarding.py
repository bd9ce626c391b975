"""From bids that may be read to an award that stands: comparison, reasons, standstill, contract."""

import json
from datetime import timedelta

import pytest

from marketplace import access as tasks
from marketplace.bids import access, awarding, queries, sweeping
from marketplace.bids.data import criteria_from
from marketplace.models import Bid, Contract, Milestone, ServiceTask
from tenants.access import granted
from tenants.data import Conflict, Forbidden, Invalid
from tenants.ledger.api import entries_where
from tests.integration.marketplace.bid_scenes import (
    CRITERIA,
    awarded,
    bodies,
    cancelled,
    conclude,
    contest,
    deadline_over,
    disqualified,
    draft,
    evaluating,
    failed,
    placed,
    quotation,
    scored,
    seen,
    standstill_over,
)
from tests.integration.marketplace.scenes import state_of


def test_comparison_ranks_by_weighted_points(aurora, borealis, cassia):
    task, cheap, quick = contest(aurora, borealis, cassia)
    with aurora.acting():
        rows = queries.comparison(tasks.get_own_task(task.pk))
    assert [(row.bid.pk, row.scored.rank, str(row.scored.total)) for row in rows] == [
        (quick.pk, 1, "86.00"),  # 60 × 80 + 20 × 100 + 20 × 90
        (cheap.pk, 2, "78.00"),  # 60 × 100 + 20 × 50 + 20 × 40
    ]


def test_bid_without_all_points_has_no_rank(aurora, borealis, cassia):
    task = quotation(aurora)
    placed(borealis, task)
    evaluating(aurora, task)
    with aurora.acting():
        (row,) = queries.comparison(tasks.get_own_task(task.pk))
    assert (row.scored.total, row.scored.rank, row.scored.points["Experience"]) == (None, None, None)


def test_award_tells_each_firm_its_own_part_and_opens_nothing_to_the_loser(aurora, borealis, cassia):
    task, cheap, quick = contest(aurora, borealis, cassia)
    awarded(aurora, quick)
    assert state_of(task, aurora) == "awarded"
    (won,), (lost,) = bodies(cassia, "bid.won"), bodies(borealis, "bid.lost")
    assert bodies(borealis, "bid.won") == bodies(cassia, "bid.lost") == []
    assert (won["outcome"]["rank"], lost["outcome"]["total"], lost["reason"]) == (1, "78.00", "best by the criteria")
    assert str(quick.pk) not in str(lost) and "Cassia" not in str(lost)
    points = {each["name"]: (each["points"], each["reason"]) for each in seen(borealis, cheap).outcome["points"]}
    assert points["Experience"] == ("40", "two references")
    with borealis.acting():
        assert granted("sites", "view_telemetry") == granted("equipment", "view_telemetry") == set()


def test_standstill_lasts_as_long_as_the_terms_say(aurora, borealis, cassia):
    task, _, quick = contest(aurora, borealis, cassia, standstill_h=36)
    awarded(aurora, quick)
    with aurora.acting():
        won = Bid.objects.get(pk=quick.pk)
        assert queries.standstill_until(tasks.get_own_task(task.pk)) - won.decided_at == timedelta(hours=36)
        assert not queries.awards_due().filter(pk=quick.pk).exists()
    standstill_over(quick)
    with aurora.acting():
        assert queries.awards_due().filter(pk=quick.pk).exists()


def test_award_becomes_a_contract_after_the_standstill_and_opens_data_to_the_winner_alone(aurora, borealis, cassia):
    milestones = [{"title": "Parts", "share_bp": 4000, "due_d": 9}, {"title": "Work", "share_bp": 6000, "due_d": 30}]
    task = quotation(aurora, opens=["view_telemetry"], standstill_h=24, milestones=milestones)
    bid = placed(cassia, task, price_minor=1000, due_d=(5, 8)).bid
    placed(borealis, task)
    evaluating(aurora, task)
    awarded(aurora, bid)
    with pytest.raises(Conflict, match="standstill lasts until"):
        conclude(aurora, task)
    sweeping.conclude_due()
    assert state_of(task, aurora) == "awarded"
    standstill_over(bid)
    sweeping.conclude_due()
    sweeping.conclude_due()
    with aurora.acting():
        contract = Contract.objects.get(task=task)
        parts = Milestone.objects.filter(contract=contract).order_by("number")
        days = [(each.due_at - contract.written_at).days for each in parts]
    assert (state_of(task, aurora), contract.firm_id, contract.price_minor, days) == (
        *("contracted", cassia.id, 1000),
        [5, 8],
    )
    for firm, seen_sites in ((cassia, {aurora.sites["north"].pk}), (borealis, set())):
        with firm.acting():
            assert granted("sites", "view_telemetry") == seen_sites


TWO = [{"title": "Parts", "share_bp": 4000, "due_d": 9}, {"title": "Work", "share_bp": 6000, "due_d": 30}]


@pytest.mark.parametrize(
    ("milestones", "delivery_d", "days"), [([], 1, [1]), ([], 60, [60]), (TWO, 60, [9, 60]), (TWO, 5, [5, 5])]
)
def test_firm_owes_by_the_days_with_which_it_won(aurora, borealis, milestones, delivery_d, days):
    task = quotation(aurora, access_h=72, milestones=milestones)
    bid = placed(borealis, task, delivery_d=delivery_d).bid
    evaluating(aurora, task)
    scored(aurora, bid, 50)
    awarded(aurora, bid)
    conclude(aurora, task)
    with aurora.acting():
        contract = Contract.objects.get(task=task)
        due = list(Milestone.objects.filter(contract=contract).order_by("number").values_list("due_at", flat=True))
    assert due == [contract.written_at + timedelta(days=each) for each in days]


def test_disqualified_bid_is_not_compared_says_why_and_may_be_reinstated(aurora, borealis, cassia):
    task, cheap, quick = contest(aurora, borealis, cassia)
    disqualified(aurora, cheap)
    with aurora.acting():
        assert [row.bid.pk for row in queries.comparison(tasks.get_own_task(task.pk))] == [quick.pk]
    assert bodies(borealis, "bid.disqualified")[0]["reason"] == "no certificate for cranes"
    with pytest.raises(Conflict, match="can't win"):
        awarded(aurora, cheap)
    with aurora.acting():
        awarding.reinstate_bid(bid=access.get_bid_to_judge(cheap.pk))
        awarding.shortlist_bid(bid=access.get_bid_to_judge(cheap.pk))
    awarded(aurora, cheap)
    assert [seen(aurora, bid).state for bid in (cheap, quick)] == ["won", "lost"]


@pytest.mark.parametrize("is_awarded", [True, False])
def test_bid_is_not_reinstated_once_its_task_was_decided_meanwhile(aurora, borealis, cassia, is_awarded):
    task, cheap, quick = contest(aurora, borealis, cassia)
    disqualified(aurora, cheap)
    with aurora.acting():
        late = access.get_bid_to_judge(cheap.pk)
    awarded(aurora, quick) if is_awarded else failed(aurora, task)
    with pytest.raises(Conflict, match="while their task is evaluating"), aurora.acting():
        awarding.reinstate_bid(bid=late)
    assert seen(aurora, cheap).state == "disqualified"


def test_every_bidder_is_told_that_the_task_was_cancelled(aurora, borealis, cassia):
    task, _, quick = contest(aurora, borealis, cassia)
    awarded(aurora, quick)
    cancelled(aurora, task)
    for firm in (borealis, cassia):
        assert [body["task"] for body in bodies(firm, "task.cancelled")] == [str(task.pk)]
        with firm.acting():
            assert entries_where(kind="task.cancelled", subject=task.pk).exists()


def test_task_without_an_acceptable_bid_ends_and_tells_every_bidder(aurora, borealis, cassia):
    task, cheap, quick = contest(aurora, borealis, cassia)
    failed(aurora, task)
    assert state_of(task, aurora) == "unsuccessful"
    for firm, bid in ((borealis, cheap), (cassia, quick)):
        assert (seen(firm, bid).state, bodies(firm, "bid.lost")[0]["reason"]) == ("lost", "all far above the budget")
        assert len(bodies(firm, "task.unsuccessful")) == 1


@pytest.mark.parametrize(
    ("criterion", "points", "reason", "pointer"),
    [
        ("Price", 10, "because", "/scores/0/criterion"),
        ("Experience", 101, "because", "/scores/0/points"),
        ("Experience", 10, " ", "/scores/0/reason"),
    ],
)
def test_score_is_by_an_own_criterion_bounded_and_with_a_reason(
    criterion, points, reason, pointer, aurora, borealis, cassia
):
    _, cheap, _ = contest(aurora, borealis, cassia)
    with pytest.raises(Invalid) as refused, aurora.acting():
        score = awarding.Score(criterion, points, reason)
        awarding.score_bid(bid=access.get_bid_to_judge(cheap.pk), scores=[score])
    assert [error.pointer for error in refused.value.errors] == [pointer]


CHINESE = "设备检修经验不足，"


def long_contest(aurora, borealis, cassia):
    """Two bids and twelve criteria that take reasons."""
    named = [{"name": f"经验{n}" * 20, "kind": "own", "weight": 8 + (n < 4)} for n in range(12)]
    task = quotation(aurora, criteria=named, title="检修" * 100)
    bids = [placed(firm, task).bid for firm in (borealis, cassia)]
    evaluating(aurora, task)
    return bids, [each["name"] for each in named]


def scored_in_chinese(owner, bid, names, chars):
    """Each with a reason of so many characters."""
    scores = [awarding.Score(name, 50, (CHINESE * chars)[:chars]) for name in names]
    with owner.acting():
        awarding.score_bid(bid=access.get_bid_to_judge(bid.pk), scores=scores)


def test_award_with_the_longest_reasons_fits_the_ledger(aurora, borealis, cassia):
    bids, names = long_contest(aurora, borealis, cassia)
    for bid in bids:
        scored_in_chinese(aurora, bid, names, 270)
    awarded(aurora, bids[0], f"“{chr(1) * 1998}”")  # no character takes more bytes than one that is escaped
    assert bodies(cassia, "bid.lost")[0]["outcome"]["points"][0]["reason"] == (CHINESE * 30)[:270]


def test_reasons_that_would_not_fit_the_ledger_are_refused_when_they_are_given(aurora, borealis, cassia):
    (bid, _), names = long_contest(aurora, borealis, cassia)
    scored_in_chinese(aurora, bid, names[:1], 1600)
    with pytest.raises(Invalid, match="too long together") as refused:
        scored_in_chinese(aurora, bid, names[1:3], 1600)
    assert [error.pointer for error in refused.value.errors] == ["/scores"]
    scored_in_chinese(aurora, bid, names[:1], 1500)
    scored_in_chinese(aurora, bid, names[1:2], 1600)


def test_scores_are_in_the_owners_ledger_alone(aurora, borealis, cassia):
    task, cheap, _ = contest(aurora, borealis, cassia)
    with aurora.acting():
        entries = entries_where(kind="bid.scored", subject=task.pk)
        said = [json.loads(entry.payload) for entry in entries]
    assert [(each["bid"], each["scores"][0]["points"]) for each in said][-1] == (str(cheap.pk), 40)
    assert said[-1]["scores"] == [{"criterion": "Experience", "points": 40, "reason": "two references"}]
    with borealis.acting():
        assert not entries_where(kind="bid.scored").exists()


def test_score_of_a_bid_that_changed_meanwhile_is_refused(aurora, borealis, cassia):
    _, cheap, quick = contest(aurora, borealis, cassia)
    with aurora.acting():
        first, second = (access.get_bid_to_judge(cheap.pk) for _ in range(2))
    score = [awarding.Score("Experience", 10, "one reference")]
    with aurora.acting():
        awarding.score_bid(bid=first, scores=score)
    with pytest.raises(Conflict, match="has changed"), aurora.acting():
        awarding.score_bid(bid=second, scores=score)
    awarded(aurora, quick)
    with pytest.raises(Conflict, match="while their task is evaluating"), aurora.acting():
        awarding.score_bid(bid=first, scores=score)


def test_bids_are_judged_only_while_their_task_is_evaluating(aurora, borealis):
    receipt = placed(borealis, quotation(aurora))
    for judged in (
        lambda bid: awarding.shortlist_bid(bid=bid),
        lambda bid: awarding.score_bid(bid=bid, scores=[]),
        lambda bid: awarding.award_bid(bid=bid, reason="because"),
    ):
        with pytest.raises(Conflict, match="while their task is evaluating"), aurora.acting():
            judged(access.get_bid_to_judge(receipt.bid.pk))


def test_criteria_are_settled_at_publishing(aurora):
    task = draft(aurora, "quotation")
    with aurora.acting():
        awarding.set_criteria(task=(own := tasks.get_own_task(task.pk)), criteria=criteria_from([]))
        assert [each.name for each in queries.criteria_of(own)] == ["Price"]
    published = quotation(aurora)
    with pytest.raises(Conflict, match="not published yet"), aurora.acting():
        awarding.set_criteria(task=tasks.get_own_task(published.pk), criteria=CRITERIA)


def test_viewer_neither_bids_nor_judges(aurora, borealis):
    receipt = placed(borealis, quotation(aurora))
    with pytest.raises(Forbidden), aurora.acting("viewer"):
        access.get_bid_to_judge(receipt.bid.pk)
    with pytest.raises(Forbidden), borealis.acting("viewer"):
        access.get_own_bid(receipt.bid.pk)


def test_two_awards_at_once_end_in_one(aurora, borealis, cassia):
    task, cheap, quick = contest(aurora, borealis, cassia)
    with aurora.acting():
        late = access.get_bid_to_judge(cheap.pk)
    awarded(aurora, quick)
    with pytest.raises(Conflict, match="awarded now"), aurora.acting():
        awarding.award_bid(bid=late, reason="best by the criteria")
    with aurora.acting():
        assert ServiceTask.objects.get(pk=task.pk).bids.filter(state="won").count() == 1


def test_bid_can_not_win_after_its_firm_no_longer_holds_to_it(aurora, borealis, cassia):
    task = quotation(aurora)
    short, held = placed(borealis, task, validity_d=1).bid, placed(cassia, task, validity_d=60).bid
    deadline_over(task, days=2)
    evaluating(aurora, task)
    for bid in (short, held):
        scored(aurora, bid, 50)
    with pytest.raises(Conflict, match="held to this bid until"):
        awarded(aurora, short)
    awarded(aurora, held)
    assert seen(aurora, held).state == "won"

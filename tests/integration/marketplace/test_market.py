"""What the market is told of a task that others have taken, and what a firm is told after a reset of its feed."""

import json
from hashlib import sha256

import pytest

from marketplace import access as tasks
from marketplace import actions, queries
from marketplace.bids import sweeping
from marketplace.desk import actions as desk
from marketplace.desk.access import get_own_question
from marketplace.market import tell_market
from marketplace.models import Profile
from marketplace.queries import told_tasks
from marketplace.tasks import sweep_market
from tenants.api import tenants
from tenants.context import as_platform
from tenants.models import Tenant
from tests.integration.marketplace.bid_scenes import (
    awarded,
    bodies,
    cancelled,
    evaluating,
    placed,
    quotation,
    rewritten,
    superuser,
)
from tests.integration.marketplace.bid_scenes import scored as judged
from tests.integration.marketplace.firms import offer
from tests.integration.marketplace.scenes import claimed, lease_over, published, release, state_of
from tests.personas import organisation


def heard(party, task):
    """Kinds of what the market is told, in order."""
    of_market = [(kind, body) for kind in ("task.published", "task.gone") for body in bodies(party, kind)]
    return [kind for kind, body in of_market if body["task"] == str(task.pk)]


def answered(owner, firm, task):
    """A question of the firm's about the task."""
    with firm.acting():
        question = desk.ask(task=tasks.get_task(task.pk), text="Which bearing?")
    with owner.acting():
        desk.answer(question=get_own_question(task.pk, question.pk), text="6312")


def test_firms_that_were_told_of_a_task_hear_that_it_is_gone_and_open_again(aurora, borealis, cassia):
    task = published(aurora)
    claimed(task, borealis)
    assert heard(cassia, task) == ["task.published"]
    sweep_market()
    tell_market()
    assert heard(cassia, task) == ["task.published", "task.gone"]
    (body,) = [each for each in bodies(cassia, "task.gone") if each["task"] == str(task.pk)]
    assert "claimant" not in body and "Borealis" not in json.dumps(body)
    release(task, borealis)
    tell_market()
    assert heard(cassia, task) == ["task.published", "task.published", "task.gone"]
    lease_over(claimed(task, borealis))
    actions.lapse_claims()
    tell_market()
    assert heard(cassia, task).count("task.published") == 2, "it was open again before anybody was told"


def test_of_too_many_firms_those_of_the_trade_are_told_first_then_the_newest(monkeypatch, aurora, cassia, borealis):
    with aurora.acting():
        of_the_trade = Profile.objects.filter(categories__contains=["equipment_maintenance"])
        n = tenants().filter(listed=True, pk__in=of_the_trade.values("tenant")).count()
    monkeypatch.setattr(queries, "AUDIENCE", n + 1)
    task = published(aurora)
    assert heard(borealis, task) and not heard(cassia, task)
    offer(cassia)
    task = published(aurora)
    assert heard(cassia, task) and not heard(borealis, task)


def test_firm_that_came_after_the_publication_hears_what_becomes_of_the_task(monkeypatch, aurora, borealis):
    task = published(aurora)
    newcomer = organisation("Newcomer", "service_firm")
    answered(aurora, newcomer, task)
    cancelled(aurora, task)
    tell_market()
    assert len(bodies(newcomer, "task.answered")) == 1 and heard(newcomer, task) == ["task.gone"]
    monkeypatch.setattr(queries, "AUDIENCE", 1)
    with aurora.acting():
        assert newcomer.id not in queries.audience_of(tasks.get_own_task(task.pk)), "first come those who were told"


def test_firm_that_is_not_listed_hears_the_answer_to_its_question_and_the_end(aurora, borealis, cassia):
    with as_platform("test", "firms that nobody is to find"):
        Tenant.objects.filter(pk__in=[borealis.id, cassia.id]).update(listed=False)
    task = published(aurora)
    answered(aurora, borealis, task)
    cancelled(aurora, task)
    tell_market()
    assert len(bodies(borealis, "task.answered")) == 1 and heard(borealis, task) == ["task.gone"]
    assert not bodies(cassia, "task.answered")


def test_firms_hear_of_a_task_that_was_cancelled(aurora, cassia):
    task = published(aurora)
    cancelled(aurora, task)
    tell_market()
    assert heard(cassia, task) == ["task.published", "task.gone"]


def test_reset_feed_tells_of_tasks_that_the_firm_has_bid_for(aurora, borealis, cassia):
    task = quotation(aurora)
    placed(borealis, task)
    evaluating(aurora, task)
    with borealis.acting():
        assert [each["status"] for each in told_tasks() if each["task"] == str(task.pk)] == ["evaluating"]
    with cassia.acting():
        assert str(task.pk) not in {each["task"] for each in told_tasks()}


def test_award_that_can_not_be_concluded_keeps_no_other_waiting(aurora, borealis):
    due = [won_by(borealis, aurora) for _ in range(3)]
    published_with(due[1], [{"name": "x"}])
    try:
        with pytest.raises(ExceptionGroup, match="biddings: 1 failed"):
            sweeping.conclude_due()
    finally:
        published_with(due[1], [])
    assert [state_of(task, aurora) for task in due] == ["contracted", "awarded", "contracted"]
    sweeping.conclude_due()
    assert state_of(due[1], aurora) == "contracted"


def published_with(task, milestones):
    """As if the task had been published with them, whatever they say."""
    document = json.dumps(milestones)
    superuser("UPDATE marketplace_servicetask SET milestones = %s WHERE id = %s", document, task.pk)
    rewritten(task, '"milestones":"[^"]*"', f'"milestones":"{sha256(document.encode()).hexdigest()}"')


def won_by(firm, owner):
    task = quotation(owner)
    bid = placed(firm, task).bid
    evaluating(owner, task)
    judged(owner, bid, 90)
    awarded(owner, bid)
    return task

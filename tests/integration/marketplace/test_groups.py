"""Firms of one group of companies don't work for each other: nobody's word but the platform's says which they are."""

import pytest
from django.db import IntegrityError

from marketplace import access as tasks
from marketplace import actions
from marketplace.groups import SISTERS
from marketplace.models import Bid, Claim, TaskInvitation
from marketplace.profiles import api as profiles
from tenants.api import as_platform
from tenants.data import Forbidden, Invalid
from tenants.ledger.api import entries_where
from tenants.models import Tenant
from tenants.organisation.groups import put_in_group
from tests import agreements
from tests.integration.marketplace import firms
from tests.integration.marketplace.bid_scenes import awarded, evaluating, placed, quotation, scored, tender
from tests.integration.marketplace.scenes import claimed, published, terms
from tests.integration.marketplace.test_desk import in_force

GROUP = "Polar Holding {}"


def grouped(*members, name=""):
    """A group of their own, unless it is named; each spells it as it likes."""
    with as_platform("tests", "put organisations into a group"):
        for n, each in enumerate(members):
            words = name or GROUP.format(members[0].id)
            put_in_group(tenant=Tenant.objects.get(pk=each.id), group_name=f" {words.upper() if n else words} ")


@pytest.fixture
def sisters(aurora, borealis):
    grouped(aurora, borealis)
    return aurora, borealis


def test_sister_can_not_claim_and_another_firm_can(sisters, cassia):
    aurora, borealis = sisters
    task = published(aurora)
    with pytest.raises(Forbidden, match="same group of companies"):
        claimed(task, borealis)
    grouped(cassia, name="Another")
    assert claimed(task, cassia).tenant_id == cassia.id


def test_sister_that_is_listed_nowhere_is_refused_all_the_same(sisters):
    with as_platform("tests", "list them no more"):
        Tenant.objects.filter(pk__in=[each.id for each in sisters]).update(listed=False)
    with pytest.raises(Forbidden, match="same group of companies"):
        claimed(published(sisters[0]), sisters[1])


@pytest.mark.parametrize("begin", [quotation, tender])
def test_sister_can_not_bid_and_nothing_of_its_bid_is_left(sisters, begin):
    aurora, borealis = sisters
    task = begin(aurora)
    with pytest.raises(Forbidden, match="ask the operators"):
        placed(borealis, task)
    with aurora.acting():
        assert not Bid.objects.filter(task=task).exists()


def test_firm_that_came_into_the_group_after_its_bid_sends_no_other_and_does_not_win(aurora, borealis, cassia):
    task = quotation(aurora)
    bid, other = placed(borealis, task).bid, placed(cassia, task).bid
    grouped(aurora, borealis)
    with pytest.raises(Forbidden, match="same group"):
        placed(borealis, task)
    evaluating(aurora, task)
    for each in (bid, other):
        scored(aurora, each, 50)
    with pytest.raises(Forbidden, match="same group"):
        awarded(aurora, bid)
    awarded(aurora, other)


def test_sister_is_not_invited(sisters, cassia):
    aurora, borealis = sisters
    firms_ = (cassia.id, borealis.id)
    with pytest.raises(Invalid) as refused, aurora.acting():
        actions.post_task(
            terms=terms(visibility="invited", invited=firms_), equipment_id=aurora.equipment["PUMP-07"].pk
        )
    ((pointer, words),) = [(error.pointer, error.message) for error in refused.value.errors]
    assert pointer == "/invited/1" and "your own group of companies" in words


def test_database_refuses_sisters_whoever_writes(sisters, borealis):
    aurora, _ = sisters
    task = quotation(aurora, visibility="public")
    row = {"tenant_id": aurora.id, "task": task, "firm": borealis.tenant}
    with pytest.raises(IntegrityError, match="one group") as refused, aurora.acting():
        TaskInvitation.objects.create(**row)
    assert refused.value.__cause__.diag.constraint_name == SISTERS
    with pytest.raises(IntegrityError, match="one group"), as_platform("tests", "a bid past the actions"):
        Bid.objects.create(tenant_id=borealis.id, owner_id=aurora.id, task=task, firm_name="Borealis")


def test_claim_of_a_time_before_both_came_into_the_group_goes_on(aurora, borealis):
    claim = claimed(published(aurora), borealis)
    grouped(aurora, borealis)
    with borealis.acting():
        actions.submit_work(claim=tasks.get_claim(claim.task_id, claim.token))
    with aurora.acting():
        actions.accept_work(task=tasks.get_own_task(claim.task_id))
        assert Claim.objects.get(pk=claim.pk).state == "completed"


def test_no_organisation_says_itself_which_group_it_is_of(sisters):
    aurora, borealis = sisters
    for group in ("", "Another"):
        with pytest.raises(IntegrityError, match="only the platform"), borealis.acting():
            Tenant.objects.filter(pk=borealis.id).update(group_name=group)
    with borealis.acting():
        assert Tenant.objects.filter(pk=aurora.id).update(group_name="") == 0


def test_group_is_spelled_as_it_was_first_and_entered_in_the_ledger(sisters):
    aurora, borealis = sisters
    with as_platform("tests", "look"):
        spelled = set(Tenant.objects.filter(pk__in=[aurora.id, borealis.id]).values_list("group_name", flat=True))
    assert spelled == {GROUP.format(aurora.id)}
    grouped(borealis, name="   ")
    with borealis.acting():
        kinds = [row.kind for row in entries_where(subject=borealis.id)]
    assert kinds == ["organisation.grouped"] * 2
    assert claimed(published(aurora), borealis).tenant_id == borealis.id


def test_profile_tells_the_group_and_sisters_are_not_recommended_to_each_other(sisters, cassia):
    aurora, borealis = sisters
    profile, task = firms.offer(borealis), firms.wanted(aurora)
    for reader, is_sister in ((aurora, True), (cassia, False), (borealis, False)):
        seen = reader.client().get(f"/api/v1/profiles/{profile.pk}").json()
        assert (seen["group_name"], seen["is_sister"]) == (GROUP.format(aurora.id), is_sister)
    with aurora.acting():
        assert borealis.id not in {each.profile.tenant_id for each in profiles.firms_for(tasks.get_own_task(task.pk))}
    for firm, is_there in ((borealis, False), (cassia, True)):
        with firm.acting():
            assert (task.pk in {each.task.pk for each in profiles.tasks_for_me()}) is is_there


def test_call_off_from_a_framework_with_a_sister_is_refused(aurora, borealis):
    limits = [agreements.wish(aurora.sites["north"], "view_telemetry", "view_alarms")]
    framework = in_force(aurora, borealis, kind="framework", clauses=limits)
    grouped(aurora, borealis)
    with pytest.raises(Forbidden, match="same group"), aurora.acting():
        actions.post_task(terms=terms(framework=framework.pk), equipment_id=aurora.equipment["PUMP-07"].pk)

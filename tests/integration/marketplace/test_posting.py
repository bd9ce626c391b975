"""What may be offered, who sees it, and who is told of it."""

import pytest

from edge_bridge.models import Alarm
from marketplace import access, actions, queries
from marketplace.models import Claim, ServiceTask
from tenants.access import get_site
from tenants.api import as_platform
from tenants.data import Conflict, Forbidden, Invalid, NotFound
from tenants.models import Tenant
from tenants.queries import feed_events
from tests.integration.marketplace.scenes import LIFE, accept, alarm_of, claimed, published, submitted, terms, told


def test_both_parties_are_told_in_order_and_others_only_of_the_offer(aurora, borealis, cassia):
    task = published(aurora)
    claimed(task, borealis)
    submitted(task, borealis)
    accept(task, aurora)
    assert told(aurora) == told(borealis) == [*LIFE, ("task.accepted", "closed")]
    assert told(cassia) == LIFE[:1]
    rights = [("rights.agreement_activated", "active"), ("rights.agreement_ended", "terminated")]
    assert told(borealis, "rights.") == told(aurora, "rights.") == rights
    assert told(cassia, "rights.") == []


def test_body_of_an_event_has_the_agreed_keys(aurora, borealis):
    task = published(aurora)
    claimed(task, borealis)
    with aurora.acting():
        offer, taken = feed_events(after=0).filter(kind__startswith="task.").values_list("body", flat=True)
    keys = {"task", "title", "status", "owner", "owner_name", "equipment_code", "category"}
    assert set(offer) == keys
    assert set(taken) == keys | {"claimant", "claimant_name"}
    assert (taken["owner_name"], taken["claimant_name"], taken["equipment_code"]) == ("Aurora", "Borealis", "PUMP-07")


def test_others_see_an_open_task_and_nothing_of_it_afterwards(aurora, borealis, cassia):
    with aurora.acting():
        task = actions.post_task(terms=terms(), equipment_id=aurora.equipment["PUMP-07"].pk)
    with cassia.acting(), pytest.raises(NotFound):
        access.get_task(task.pk)
    with aurora.acting():
        actions.publish_task(task=access.get_own_task(task.pk))
    with cassia.acting():
        seen = access.get_task(task.pk)
        assert seen.snapshot["equipment_code"] == "PUMP-07" and seen.claim is None
        with pytest.raises(NotFound):
            get_site(task.site_id, needs="view_alarms")
        with pytest.raises(NotFound):
            access.get_own_task(task.pk)
    claimed(task, borealis)
    with cassia.acting():
        with pytest.raises(NotFound):
            access.get_task(task.pk)
        with pytest.raises(NotFound):
            access.get_claim(task.pk, 1)
        assert not Claim.objects.exists() and not queries.tasks_in("claimed").exists()
    with borealis.acting():
        assert [row.claim.tenant_id for row in queries.tasks_in("claimed")] == [borealis.id]
    with aurora.acting():
        assert queries.tasks_in("own").get(pk=task.pk).claim.firm_name == "Borealis"


def test_unlisted_organisations_are_named_to_each_other_and_told_of_no_offers(aurora, borealis, cassia):
    with as_platform("tests", "unlist"):
        Tenant.objects.filter(pk__in=[aurora.id, borealis.id]).update(listed=False)
    task = published(aurora)
    claimed(task, borealis)
    with borealis.acting():
        assert access.get_task(task.pk).snapshot["owner_name"] == "Aurora"
    with aurora.acting():
        assert access.get_task(task.pk).claim.firm_name == "Borealis"
    assert told(borealis) == LIFE[1:2]
    assert told(cassia) == LIFE[:1]


def test_snapshot_stays_when_the_alarm_changes(aurora, borealis):
    alarm = alarm_of(aurora)
    task = published(aurora, alarm_id=alarm.pk)
    with aurora.acting():
        Alarm.objects.filter(pk=alarm.pk).update(severity="low", value=1.0, state="ACKED")
    with borealis.acting():
        evidence = access.get_task(task.pk).snapshot["evidence"]
    assert (evidence["alarm"]["severity"], evidence["alarm"]["value"]) == ("critical", 9.5)
    assert [reading[2] for reading in evidence["readings"]] == [9.5]


def test_foreign_places_can_not_be_posted_about(aurora, cassia):
    alarm = alarm_of(aurora)
    foreign = {
        "site_id": aurora.sites["north"].pk,
        "equipment_id": aurora.equipment["PUMP-07"].pk,
        "alarm_id": alarm.pk,
    }
    for name, value in foreign.items():
        with cassia.acting(), pytest.raises(NotFound):
            actions.post_task(terms=terms(), **{name: value})


def test_partner_can_not_offer_what_was_opened_to_them(aurora, borealis):
    claimed(published(aurora), borealis)
    with borealis.acting(), pytest.raises(NotFound):
        actions.post_task(terms=terms(), equipment_id=aurora.equipment["PUMP-07"].pk)


def test_nobody_offers_what_their_own_role_may_not_do(aurora):
    pump = aurora.equipment["PUMP-07"].pk
    with aurora.acting("planner"), pytest.raises(Invalid, match="send_commands"):
        actions.post_task(terms=terms(opens=("send_commands",)), equipment_id=pump)
    with aurora.acting():
        task = actions.post_task(terms=terms(opens=("manage",)), equipment_id=pump)
    with aurora.acting("operator"), pytest.raises(Invalid, match="manage"):
        actions.publish_task(task=access.get_own_task(task.pk))
    with aurora.acting("viewer"), pytest.raises(Forbidden):
        actions.post_task(terms=terms(), equipment_id=pump)


def test_task_needs_a_place_and_places_that_agree(aurora):
    with aurora.acting():
        with pytest.raises(Invalid, match="Say what"):
            actions.post_task(terms=terms())
        mill, pump = aurora.sites["north-mill"].pk, aurora.equipment["PUMP-07"].pk
        with pytest.raises(Invalid) as refused:
            actions.post_task(terms=terms(), site_id=mill, equipment_id=pump)
    assert refused.value.errors[0].pointer == "/site"


def test_cancelled_task_is_gone_for_the_others(aurora, borealis):
    task = published(aurora)
    with borealis.acting():
        read_before = access.get_task(task.pk)
    with aurora.acting():
        actions.cancel_task(task=access.get_own_task(task.pk))
    with pytest.raises(Conflict, match="is cancelled now"), borealis.acting():
        actions.claim_task(task=read_before)
    assert told(aurora)[-1] == ("task.cancelled", "cancelled")


def test_without_identity_the_market_reads_zero_rows(aurora):
    published(aurora)
    assert ServiceTask.objects.count() == 0

"""How a rule of acceptance stands while the work goes on: the same for both parties, told at each change."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models.functions import Now

from edge_bridge import protocol
from edge_bridge.protocol import Lane, Quality, Tag
from marketplace.models import ServiceTask, Watch
from marketplace.queries import live_claim
from marketplace.watch.actions import _watched, watch_due
from tenants.agreements.actions import end_agreement, resume_agreement, suspend_agreement
from tenants.context import as_platform
from tenants.ledger.api import entries_where
from tenants.models import FeedEvent
from tests.integration.edge.scenes import gateway
from tests.integration.marketplace import scenes
from tests.integration.marketplace.bid_scenes import placed, quotation, superuser
from tests.integration.marketplace.contract_scenes import disputed_by, written

RULE = {"tag": "vibration", "op": "below", "limit": 4.5, "for_h": 1}


def entered(party) -> list[dict]:
    with party.acting():
        return [json.loads(row.payload) for row in entries_where(kind="task.watched").order_by("seq")]


def told(party) -> list[dict]:
    with party.acting():
        return [event.body["standing"] for event in FeedEvent.objects.filter(kind="task.watched").order_by("seq")]


class Pump:
    """Vibration as it is sent now, minute by minute."""

    def __init__(self, owner) -> None:
        self.edge = gateway(owner)
        self.edge.say(Lane.P1, protocol.Birth(datetime.now(UTC), (Tag("PUMP-07", "vibration", "mm/s"),)))

    def shakes(self, *values: float, ago_min: int = 0) -> None:
        """The last of them `ago_min` minutes ago."""
        newest = datetime.now(UTC) - timedelta(minutes=ago_min)
        times = [newest - timedelta(seconds=10 * n) for n in reversed(range(len(values)))]
        rows = zip(values, times, strict=True)
        self.edge.say(
            Lane.P2, *[protocol.Reading("PUMP-07", "vibration", value, Quality.GOOD, at) for value, at in rows]
        )


def claimed_with_rule(owner, firm) -> ServiceTask:
    task = scenes.published(owner, terms=scenes.terms(acceptance=RULE), equipment_id=owner.equipment["PUMP-07"].pk)
    scenes.claimed(task, firm)
    return task


def test_both_parties_are_told_of_each_change_once_and_outsiders_of_none(aurora, borealis, cassia):
    pump, task = Pump(aurora), claimed_with_rule(aurora, borealis)
    pump.shakes(2.0, 9.0, ago_min=1)
    watch_due(), watch_due()
    pump.shakes(2.0, 2.0)
    watch_due(), watch_due()
    for party in (aurora, borealis):
        assert [(each["stand"], each["is_kept"]) for each in told(party)] == [("outside", False), ("within", False)]
    assert told(cassia) == []
    latest = told(borealis)[-1]
    assert latest["for_h"] == 1 and 0 < latest["covered_h"] < 0.1
    assert latest["words"].startswith("vibration below 4.5 mm/s for 1 h: in band since ")
    scenes.submitted(task, borealis)
    pump.shakes(9.0)
    watch_due()
    assert len(told(aurora)) == 2, "after the submission its evidence counts"


def test_rule_that_becomes_kept_is_entered_in_the_ledgers_of_both_and_no_other_change_is(aurora, borealis, cassia):
    pump = Pump(aurora)
    terms = scenes.terms(acceptance=RULE | {"for_h": 0.1})
    task = scenes.published(aurora, terms=terms, equipment_id=aurora.equipment["PUMP-07"].pk)
    scenes.claimed(task, borealis)
    watch_due()
    assert [each["stand"] for each in told(aurora)] == ["silent"] and entered(aurora) == []
    pump.shakes(*[2.0] * 36)
    watch_due(), watch_due()
    for party in (aurora, borealis):
        (entry,) = entered(party)
        assert entry["title"] == task.title and entry["stand"] == "within"
        assert entry["words"] == told(party)[-1]["words"] and entry["since_at"] == told(party)[-1]["since_at"]
    assert entered(cassia) == []


def test_contract_by_an_award_is_watched_until_a_dispute_closes_the_data(aurora, borealis):
    pump, contract = Pump(aurora), written(aurora, borealis, acceptance=RULE)
    pump.shakes(9.0)
    watch_due()
    address = f"/api/v1/service-tasks/{contract.task_id}/acceptance"
    assert [each["stand"] for each in told(borealis)] == ["outside"]
    assert borealis.client().get(address).data["stand"] == "outside"
    disputed_by(aurora, contract)
    pump.shakes(2.0)
    watch_due()
    assert len(told(borealis)) == 1 and borealis.client().get(address).status_code == 404
    assert aurora.client().get(address).data["stand"] == "within"


@pytest.mark.parametrize("begin", ["claim", "award"])
def test_firm_whose_agreement_the_owner_shut_reads_and_is_told_no_standing(aurora, borealis, begin):
    pump = Pump(aurora)
    if begin == "claim":
        task = claimed_with_rule(aurora, borealis)
        with aurora.acting():
            agreement = live_claim(task.pk).agreement
    else:
        contract = written(aurora, borealis, acceptance=RULE)
        task, agreement = contract.task, contract.agreement
    with aurora.acting():
        suspend_agreement(agreement=agreement)
    pump.shakes(9.0)
    watch_due()
    address = f"/api/v1/service-tasks/{task.pk}/acceptance"
    assert borealis.client().get(address).status_code == 404 and told(borealis) == []
    assert [each["stand"] for each in told(aurora)] == ["outside"] == [aurora.client().get(address).data["stand"]]
    with aurora.acting():
        resume_agreement(agreement=agreement)
    pump.shakes(2.0)
    watch_due()
    assert [each["stand"] for each in told(borealis)] == ["within"]
    with aurora.acting():
        end_agreement(agreement=agreement, reason="closed by us")
    pump.shakes(9.0)
    watch_due()
    assert len(told(borealis)) == 1 and len(told(aurora)) == 3
    assert borealis.client().get(address).status_code == 404


def test_standing_is_shown_to_the_owner_and_to_the_firm_at_work_alone(aurora, borealis, cassia):
    task = claimed_with_rule(aurora, borealis)
    address = f"/api/v1/service-tasks/{task.pk}/acceptance"
    for party in (aurora, borealis):
        got = party.client().get(address).data
        assert (got["stand"], got["since_at"], got["is_kept"]) == ("silent", None, False)
        assert got["words"] == "vibration below 4.5 for 1 h: no readings for 1 h"
    assert cassia.client().get(address).status_code == 404
    tender = quotation(aurora, acceptance=RULE, equipment=aurora.equipment["PUMP-07"])
    placed(borealis, tender)
    assert borealis.client().get(f"/api/v1/service-tasks/{tender.pk}/acceptance").status_code == 404
    assert aurora.client().get(f"/api/v1/service-tasks/{scenes.published(aurora).pk}/acceptance").status_code == 204


def test_task_without_a_rule_or_without_a_firm_is_not_watched(aurora, borealis):
    scenes.claimed(scenes.published(aurora), borealis)
    scenes.published(aurora, terms=scenes.terms(acceptance=RULE), equipment_id=aurora.equipment["PUMP-07"].pk)
    watch_due()
    assert told(aurora) == []


def test_rule_that_was_looked_at_longest_ago_comes_first(aurora, borealis):
    """So that more of them than one sweep takes are all looked at."""
    first, second = (claimed_with_rule(aurora, borealis) for _ in range(2))
    watch_due()
    third = claimed_with_rule(aurora, borealis)
    with as_platform("tests", "the order of a sweep"):
        Watch.objects.filter(task=first).update(checked_at=Now())
        found = list(_watched().filter(tenant=aurora.id))
    assert found == [third, second, first]


def test_rule_that_can_not_be_judged_keeps_no_other_waiting(aurora, borealis):
    first, second = (claimed_with_rule(aurora, borealis) for _ in range(2))
    broken = "UPDATE marketplace_servicetask SET acceptance = %s WHERE id = %s"
    superuser(broken, "{}", first.pk)
    try:
        with pytest.raises(ExceptionGroup, match="rules of acceptance: 1 failed"):
            watch_due()
    finally:
        superuser(broken, json.dumps(RULE), first.pk)
    third = claimed_with_rule(aurora, borealis)
    with as_platform("tests", "what was told, and what comes next"):
        said = Watch.objects.filter(task__in=[first, second]).exclude(told_at=None)
        assert list(said.values_list("task", flat=True)) == [second.pk]
        assert _watched().filter(tenant=aurora.id).first() == third, "what fails does not come first again"

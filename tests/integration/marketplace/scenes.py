"""What the tests of the marketplace begin with: an alarm of Aurora's pump, a published task, a claim."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from edge_bridge.models import Alarm, Device, Latest, Reading, Series
from marketplace import access, actions
from marketplace.bids.opening import register_opener
from marketplace.data import TaskTerms
from marketplace.models import Claim, ServiceTask
from tenants.access import get_equipment, granted
from tenants.agreements.actions import end_agreement
from tenants.context import as_platform
from tenants.data import NotFound
from tenants.ledger.api import entries_where
from tenants.models import Agreement, FeedEvent, new_id
from tests.personas import Organisation

MAINTENANCE = {"title": "Fix pump 7", "category": "equipment_maintenance", "fee_minor": 250_000, "access_h": 48}
SNAPSHOT = {
    "owner_name": "Aurora",
    "site_name": "Aurora North",
    "site_kind": "mine",
    "equipment_code": None,
    "equipment_name": None,
    "equipment_kind": None,
    "evidence": None,
}
PASSPHRASE = "seven shovels at dawn"
OPENS = ("view_telemetry", "view_alarms")
LIFE = [("task.published", "open"), ("task.claimed", "claimed"), ("task.submitted", "submitted")]


def terms(**changed: Any) -> TaskTerms:
    return TaskTerms(**{**MAINTENANCE, "opens": OPENS, **changed})


def alarm_of(owner: Organisation, code: str = "PUMP-07") -> Alarm:
    """A standing alarm with one reading behind it."""
    equipment, now = owner.equipment[code], datetime.now(UTC)
    with owner.acting():
        place = {"tenant_id": owner.id, "site_id": equipment.site_id}
        device = Device.objects.create(**place, name="gw", secret_hash=f"unused-{new_id()}")
        series = Series.objects.create(**place, equipment=equipment, tag="vibration", unit="mm/s")
        Reading.objects.create(tenant_id=owner.id, series=series, measured_at=now, value=9.5, quality=0)
        Latest.objects.create(tenant_id=owner.id, series=series, measured_at=now, value=9.5, quality=0)
        return Alarm.objects.create(
            **place,
            equipment=equipment,
            device=device,
            alarm_type="vibration_high",
            severity="critical",
            state="UNACK",
            tag="vibration",
            value=9.5,
            limit=4.5,
            rule="threshold",
            historical=False,
            raised_at=now,
            occurred_at=now,
            received_at=now,
        )


def published(owner: Organisation, **place: Any) -> ServiceTask:
    """A task of the owner, open to all; about the pump unless `place` says otherwise."""
    with owner.acting():
        task = actions.post_task(
            terms=place.pop("terms", terms()), **place or {"equipment_id": owner.equipment["PUMP-07"].pk}
        )
        if task.mode == "tender":
            register_opener(task=task, passphrase=PASSPHRASE)
        actions.publish_task(task=task)
    return task


def claimed(task: ServiceTask, firm: Organisation) -> Claim:
    with firm.acting():
        return actions.claim_task(task=access.get_task(task.pk, needs="claim_tasks"))


def submitted(task: ServiceTask, firm: Organisation, token: int = 1) -> None:
    with firm.acting():
        actions.submit_work(claim=access.get_claim(task.pk, token), note="bearing replaced")


def accept(task: ServiceTask, owner: Organisation) -> None:
    with owner.acting():
        actions.accept_work(task=access.get_own_task(task.pk))


def reject(task: ServiceTask, owner: Organisation, reason: str = "the seal leaks") -> None:
    with owner.acting():
        actions.reject_work(task=access.get_own_task(task.pk), reason=reason)


def release(task: ServiceTask, firm: Organisation, token: int = 1) -> None:
    with firm.acting():
        actions.release_claim(claim=access.get_claim(task.pk, token))


def extend(task: ServiceTask, owner: Organisation, hours: int = 24, roles: Iterable[str] = ("owner",)) -> None:
    with owner.acting(*roles):
        actions.extend_claim(task=access.get_own_task(task.pk), hours=hours)


def end_by_hand(agreement: Agreement) -> None:
    end_agreement(agreement=agreement, reason="enough")


def sees_pump(firm: Organisation, owner: Organisation) -> bool:
    """Whether the firm can get the pump and its telemetry now; both doors must agree."""
    pump = owner.equipment["PUMP-07"].pk
    with firm.acting():
        by_grant = pump in granted("equipment", "view_telemetry")
        try:
            by_access = get_equipment(pump, needs="view_telemetry").pk == pump
        except NotFound:
            by_access = False
    assert by_grant == by_access
    return by_grant


def lease_over(claim: Claim) -> None:
    """Let the lease have ended a second ago, as if its hours had passed."""
    with as_platform("tests", "end a lease"):
        Claim.objects.filter(pk=claim.pk).update(lease_until=datetime.now(UTC) - timedelta(seconds=1))


def answer_over(claim: Claim) -> None:
    """Let the time for an answer have ended a second ago, as if its days had passed."""
    with as_platform("tests", "end the time for an answer"):
        Claim.objects.filter(pk=claim.pk).update(answer_until=datetime.now(UTC) - timedelta(seconds=1))


def state_of(task: ServiceTask, owner: Organisation) -> str:
    with owner.acting():
        return ServiceTask.objects.get(pk=task.pk).state


def told(party: Organisation, kind: str = "task.") -> list[tuple[str, str]]:
    """Kind and status of the party's feed events, in order."""
    with party.acting():
        rows = FeedEvent.objects.filter(kind__startswith=kind).order_by("seq")
        return [(row.kind, row.body["status"]) for row in rows]


def entered(party: Organisation, kind: str) -> dict[str, Any]:
    """What the newest entry of a kind says in the party's ledger."""
    with party.acting():
        return json.loads(entries_where(kind=kind).first().payload)

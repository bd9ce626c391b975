"""What the tests of bids begin with: requests for quotations and tenders, their openers, bids, and passing time."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from django.db import connection

from marketplace import access as tasks
from marketplace import actions as task_actions
from marketplace.bids import access, actions, awarding, complaining, opening, queries
from marketplace.bids.data import BidContent, Criterion
from marketplace.models import Bid, Complaint, ServiceTask, TaskInvitation
from tenants.actions import admit_member
from tenants.context import as_platform
from tenants.ledger.text import canonical_json
from tenants.models import FeedEvent, User, new_id
from tests.database import with_database
from tests.integration.marketplace.scenes import PASSPHRASE, SNAPSHOT
from tests.personas import PASSWORD, Organisation, organisation

# Its price and its words stand nowhere else.
CONTENT = BidContent(price_minor=47_119_083, currency="USD", delivery_d=20, method="We lift the impeller by crane.")
CRITERIA = (Criterion("Price", "price", 60), Criterion("Delivery", "delivery", 20), Criterion("Experience", "own", 20))
# Bids of a contest, and the points for experience.
CONTENDERS = (({"price_minor": 800, "delivery_d": 20}, 40), ({"price_minor": 1000, "delivery_d": 10}, 90))


def draft(owner: Organisation, mode: str, **changed: Any) -> ServiceTask:
    values = {
        **{"title": "Overhaul pump 7", "category": "equipment_maintenance", "snapshot": SNAPSHOT, "access_h": 24},
        **{"fee_minor": 0, "currency": "USD", "mode": mode, "bids_until": datetime.now(UTC) + timedelta(hours=1)},
        **{"criteria": [{"name": each.name, "kind": each.kind, "weight": each.weight} for each in CRITERIA]},
    }
    with owner.acting():
        return ServiceTask.objects.create(
            tenant_id=owner.id, site=owner.sites["north"], created_by=owner.user, **values | changed
        )


def quotation(owner: Organisation, **changed: Any) -> ServiceTask:
    return published(owner, draft(owner, "quotation", **changed))


def tender(owner: Organisation, openers: list[Organisation] | None = None, **changed: Any) -> ServiceTask:
    """A published one; the owner's first user opens it, or all the `openers` (see `colleague`)."""
    task = draft(owner, "tender", **{"openers_needed": len(openers or [owner]), **changed})
    for each in openers or [owner]:
        registered(each, task)
    return published(owner, task)


def registered(opener: Organisation, task: ServiceTask) -> None:
    with opener.acting():
        opening.register_opener(task=access.get_tender(task.pk), passphrase=f"{PASSPHRASE} {opener.user.pk}")


def published(owner: Organisation, task: ServiceTask) -> ServiceTask:
    with owner.acting():
        task_actions.publish_task(task=(task := tasks.get_own_task(task.pk)))
    return task


def colleague(of: Organisation) -> Organisation:
    """Another manager of the organisation."""
    with as_platform("tests", "admit a colleague"):
        user = User.objects.create_user(f"{new_id()}@example.com", PASSWORD, name="Colleague")
        admit_member(tenant=of.tenant, user=user, roles=["manager"])
    return replace(of, user=user)


def placed(firm: Organisation, task: ServiceTask, **changed: Any) -> actions.Receipt:
    with firm.acting():
        seen = tasks.get_task(task.pk, needs="claim_tasks")
        return actions.place_bid(task=seen, content=replace(CONTENT, **changed))


def evaluating(owner: Organisation, task: ServiceTask) -> None:
    with owner.acting():
        awarding.start_evaluation(task=tasks.get_own_task(task.pk))


def opened(opener: Organisation, task: ServiceTask, passphrase: str = "") -> None:
    with opener.acting():
        tender = access.get_tender(task.pk)
        opening.give_passphrase(task=tender, passphrase=passphrase or f"{PASSPHRASE} {opener.user.pk}")


def scored(owner: Organisation, bid: Bid, points: int) -> None:
    with owner.acting():
        awarding.score_bid(
            bid=access.get_bid_to_judge(bid.pk), scores=[awarding.Score("Experience", points, "two references")]
        )


def awarded(owner: Organisation, bid: Bid, reason: str = "best by the criteria") -> None:
    with owner.acting():
        awarding.award_bid(bid=access.get_bid_to_judge(bid.pk), reason=reason)


def disqualified(owner: Organisation, bid: Bid) -> None:
    with owner.acting():
        awarding.disqualify_bid(bid=access.get_bid_to_judge(bid.pk), reason="no certificate for cranes")


def contest(owner: Organisation, *firms: Organisation, **changed: Any) -> tuple[Any, ...]:
    """A task and the bids of one or two firms, scored: the first is cheaper, the second quicker and better known."""
    task = quotation(owner, **{"opens": ["view_telemetry"], "standstill_h": 24, **changed})
    bids = [placed(firm, task, **content).bid for firm, (content, _) in zip(firms, CONTENDERS, strict=False)]
    evaluating(owner, task)
    for bid, (_, points) in zip(bids, CONTENDERS, strict=False):
        scored(owner, bid, points)
    return task, *bids


def complained(firm: Organisation, bid: Bid) -> Complaint:
    with firm.acting():
        return complaining.complain(bid=access.get_own_bid(bid.pk), text="our references were not read")


def decided(owner: Organisation, complaint: Complaint, is_upheld: bool) -> None:
    with owner.acting():
        found = access.get_complaint_to_decide(complaint.pk)
        complaining.decide_complaint(complaint=found, is_upheld=is_upheld, reason="we looked again")


def conclude(owner: Organisation, task: ServiceTask) -> None:
    with owner.acting():
        awarding.conclude_award(task=tasks.get_own_task(task.pk))


def failed(owner: Organisation, task: ServiceTask) -> None:
    with owner.acting():
        awarding.fail_task(task=tasks.get_own_task(task.pk), reason="all far above the budget")


def cancelled(owner: Organisation, task: ServiceTask) -> None:
    with owner.acting():
        task_actions.cancel_task(task=tasks.get_own_task(task.pk))


def seen(party: Organisation, bid: Bid) -> Bid:
    with party.acting():
        return queries.bids().get(pk=bid.pk)


def bodies(party: Organisation, kind: str) -> list[dict[str, Any]]:
    with party.acting():
        return list(FeedEvent.objects.filter(kind=kind).order_by("seq").values_list("body", flat=True))


def superuser(statement: str, *values: Any, dump: bool = False) -> Any:
    """By somebody who has the whole database in their hands: no wall, no trigger, no key."""
    url = with_database(os.environ["DATABASE_ADMIN_URL"], connection.settings_dict["NAME"])
    with psycopg.connect(url) as admin:
        admin.execute("SET session_replication_role = replica")
        cursor = admin.execute(statement, values)
        return cursor.fetchall() if dump else cursor.rowcount


def deadline_over(task: ServiceTask, days: int = 0) -> None:
    """Let the deadline have been a second ago, or some days, as if it had been published so and the time had passed."""
    past = datetime.now(UTC) - timedelta(days=days, seconds=1)
    assert superuser("UPDATE marketplace_servicetask SET bids_until = %s WHERE id = %s", past, task.pk) == 1
    rewritten(task, '"bids_until":"[^"]*"', f'"bids_until":{canonical_json(past)}')


def rewritten(task: ServiceTask, pattern: str, replacement: str) -> None:
    """Another word in the ledger's entry of a task's publication."""
    _in_ledger("payload = regexp_replace(payload, %s, %s)", task, pattern, replacement)


def never_entered(task: ServiceTask) -> None:
    """As tasks that were published before their publication was entered in the ledger."""
    _in_ledger("kind = 'task.posted'", task)


def _in_ledger(change: str, task: ServiceTask, *values: Any) -> None:
    """A trigger keeps the entry even from a superuser."""
    url = with_database(os.environ["DATABASE_ADMIN_URL"], connection.settings_dict["NAME"])
    with psycopg.connect(url) as admin:
        admin.execute("ALTER TABLE tenants_ledgerentry DISABLE TRIGGER ledger_entry_is_frozen")
        statement = f"UPDATE tenants_ledgerentry SET {change} WHERE kind = 'task.published' AND subject_id = %s"
        cursor = admin.execute(statement, [*values, task.pk])
        admin.execute("ALTER TABLE tenants_ledgerentry ENABLE ALWAYS TRIGGER ledger_entry_is_frozen")
        assert cursor.rowcount == 1


def standstill_over(bid: Bid) -> None:
    past = datetime.now(UTC) - timedelta(days=60)
    assert superuser("UPDATE marketplace_bid SET decided_at = %s WHERE id = %s", past, bid.pk) == 1


def places(owner: Organisation) -> dict[str, Any]:
    """Two bids on a task that the owner awarded, and the loser's complaint; only the two firms were invited."""
    firms = [organisation(name, "service_firm") for name in ("Winner", "Loser")]
    task = draft(owner, "quotation", visibility="invited", standstill_h=240, title="Balance the fan of the shaft")
    with owner.acting():
        for firm in firms:
            TaskInvitation.objects.create(tenant_id=owner.id, task=task, firm=firm.tenant)
    published(owner, task)
    won, lost = (placed(firm, task).bid for firm in firms)
    evaluating(owner, task)
    scored(owner, won, 90)
    awarded(owner, won)
    return {"bid_id": won.pk, "complaint_id": complained(firms[1], lost).pk}

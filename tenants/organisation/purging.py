"""Deleting what a closed organisation left, in batches: everything but what has to stay and what that refers to."""

import shutil
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.apps import apps
from django.contrib.auth.hashers import make_password
from django.db import connections
from django.db.models import ForeignKey, Model

from tenants.agreements.actions import end_agreement
from tenants.agreements.lifecycle import FINAL
from tenants.context import as_platform, opened
from tenants.files import folder_of
from tenants.models import Agreement, Closure, Membership, User
from tenants.organisation.closing import REASON
from tenants.organisation.contents import owned_models
from tenants.organisation.retention import KEPT, Kept

BATCH_ROWS: Final = 5000
REFERRED_TO: Final = "kept rows, or other organisations' rows, refer to them"


def purge_due(now: datetime) -> list[UUID]:
    """Purge every organisation whose grace period is over; go back to those of which some rows were kept for a time."""
    with as_platform("sweep", "find organisations to purge") as platform:
        due = Closure.objects.filter(withdrawn_at=None, purge_after__lt=now)
        found = [each for each in due if each.purged_at is None or _has_more(each, now)]
        platform.leaves_trace = bool(found)
    for closure in found:
        purge(closure, now)
    return [closure.tenant_id for closure in found]


def purge(closure: Closure, now: datetime) -> dict[str, Any]:
    """Delete in batches, each in a transaction of its own with its part of the receipt; returns the receipt."""
    with _platform(closure):
        _end_mandates(closure)
        _remember_members(closure)
    while _delete_batch(closure, now):
        pass
    with _platform(closure):
        receipt = _closed(closure, now)
    shutil.rmtree(folder_of(closure.tenant_id), ignore_errors=True)
    return receipt


def _platform(closure: Closure) -> Any:
    return as_platform("sweep", f"purge organisation {closure.tenant_id}")


def _has_more(closure: Closure, now: datetime) -> bool:
    """Whether rows that stay for a time have been kept that long since the last purge."""
    return any(
        kept.days is not None and closure.purged_at < closure.requested_at + timedelta(days=kept.days) <= now
        for kept in KEPT.values()
    )


def _stays(model: type[Model], closure: Closure, now: datetime) -> bool:
    kept: Kept | None = KEPT.get(model._meta.label)
    return kept is not None and (kept.days is None or now < closure.requested_at + timedelta(days=kept.days))


def _delete_batch(closure: Closure, now: datetime) -> int:
    """In one transaction: delete some rows that nothing refers to, of one table after the other; returns how many.

    A row may go once what refers to it is gone, so tables that few refer to come first.
    """
    left, deleted = BATCH_ROWS, {}
    leaving = [model for model in owned_models() if not _stays(model, closure, now)]
    with _platform(closure), connections[opened().alias].cursor() as cursor:
        for model in sorted(leaving, key=lambda model: len(_referring(model))):
            cursor.execute(_deletion(model), [closure.tenant_id, left])
            deleted[model._meta.label] = cursor.rowcount
            left -= cursor.rowcount
        _note(closure, deleted)
    return BATCH_ROWS - left


def _deletion(model: type[Model]) -> str:
    table = model._meta.db_table
    free = "".join(f" AND NOT EXISTS ({each})" for each in _referring(model))
    # `ctid` alone is not unique over the partitions of a table.
    return (
        f"DELETE FROM {table} WHERE (tableoid, ctid) IN"
        f" (SELECT t.tableoid, t.ctid FROM {table} t WHERE t.tenant_id = %s{free} LIMIT %s)"
    )


def _referring(model: type[Model]) -> list[str]:
    """SQL for each reference to row `t`, whoever's row it is in."""
    found = []
    for other in apps.get_models(include_auto_created=True):
        for field in other._meta.local_fields:
            if isinstance(field, ForeignKey) and field.remote_field.model is model:
                itself = " AND r.id <> t.id" if other is model else ""
                target = field.target_field.column
                found.append(f"SELECT FROM {other._meta.db_table} r WHERE r.{field.column} = t.{target}{itself}")
    return found


def _end_mandates(closure: Closure) -> None:
    """What no party could end ends with the data that it opened."""
    for agreement in Agreement.objects.filter(tenant=closure.tenant_id).exclude(status__in=FINAL):
        end_agreement(agreement=agreement, reason=REASON)


def _remember_members(closure: Closure) -> None:
    """Their memberships go first, and a purge that was cut short goes on where it was."""
    members = Membership.objects.filter(tenant=closure.tenant_id).values_list("user", flat=True)
    receipt = closure.receipt or {"deleted": {}}
    receipt["members"] = sorted({*receipt.get("members", []), *map(str, members)})
    Closure.objects.filter(pk=closure.pk).update(receipt=receipt)
    closure.receipt = receipt


def _note(closure: Closure, deleted: dict[str, int]) -> None:
    receipt = Closure.objects.select_for_update().get(pk=closure.pk).receipt
    for label, rows in deleted.items():
        if rows:
            receipt["deleted"][label] = receipt["deleted"].get(label, 0) + rows
    Closure.objects.filter(pk=closure.pk).update(receipt=receipt)


def _closed(closure: Closure, now: datetime) -> dict[str, Any]:
    """The rest of the receipt: what stayed, how many rows, and why; and of how many people nothing did."""
    receipt = Closure.objects.get(pk=closure.pk).receipt
    receipt["people_forgotten"] = receipt.get("people_forgotten", 0) + _forget_people(closure, receipt.pop("members"))
    receipt["kept"] = {}
    for model in owned_models():
        if rows := _count(model, closure.tenant_id):
            kept = KEPT.get(model._meta.label)
            receipt["kept"][model._meta.label] = {"rows": rows, "why": kept.reason if kept else REFERRED_TO}
    Closure.objects.filter(pk=closure.pk).update(receipt=receipt, purged_at=now)
    return receipt


def _count(model: type[Model], tenant_id: UUID) -> int:
    with connections[opened().alias].cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {model._meta.db_table} WHERE tenant_id = %s", [tenant_id])
        return int(cursor.fetchone()[0])


def _forget_people(closure: Closure, members: list[str]) -> int:
    """Whoever was a member here, and is of no other organisation, keeps no name, address or credential."""
    User.groups.through.objects.filter(group__name=str(closure.tenant_id)).delete()
    gone = User.objects.filter(pk__in=members, is_staff=False, is_superuser=False).exclude(
        pk__in=Membership.objects.values("user")
    )
    for user in gone:
        for model in apps.get_models(include_auto_created=True):
            _forget_rows_of(model, user)
        name = f"former-{user.pk}"
        User.objects.filter(pk=user.pk).update(
            email=f"{name}@gone.invalid", name="A former member", password=make_password(None), is_active=False
        )
    return len(gone)


def _forget_rows_of(model: type[Model], user: User) -> None:
    """Rows of the person alone, such as second factors and addresses for signing in; not those of organisations."""
    if model in owned_models() or model._meta.app_label == "admin":
        return
    for field in model._meta.local_fields:
        if isinstance(field, ForeignKey) and field.remote_field.model is User:
            model._default_manager.filter(**{field.name: user}).delete()

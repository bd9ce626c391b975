"""The agreement's row on its way: locked, asked of `lifecycle` where a step leads, and changed."""

from datetime import UTC, datetime
from typing import Any

from tenants.agreements.data import REASON_CHARS
from tenants.agreements.grants import remove_grants
from tenants.agreements.lifecycle import Side, State, Step, next_state, state_of, table_of
from tenants.context import opened
from tenants.data import Conflict, FieldError, Invalid, time_errors
from tenants.models import Agreement


def locked_for(agreement: Agreement, step: Step, version: int | None = None) -> State:
    """Lock the row, and say where the step leads; Conflict if it can't be taken, or not for that version."""
    refresh_locked(agreement)
    target = next_state(table_of(agreement.kind), state_now(agreement), step, side_of(agreement))
    if version is not None and version != agreement.version:
        raise Conflict(f"Version {agreement.version} is on the table, not {version}; read it again.")
    return target


def refresh_locked(agreement: Agreement) -> None:
    agreement.refresh_from_db(from_queryset=Agreement.objects.select_for_update(no_key=True))


def set_columns(agreement: Agreement, **changes: Any) -> None:
    Agreement.objects.filter(pk=agreement.pk).update(**changes)
    for name, value in changes.items():
        setattr(agreement, name, value)


def set_ended(agreement: Agreement, target: State, reason: str) -> None:
    """It is over, and what it opened is closed."""
    set_columns(agreement, status=target, ended_at=now(), end_reason=reason[:REASON_CHARS])
    remove_grants(agreement)


def refuse_unfit_end(ends_at: datetime | None) -> None:
    if ends_at is not None and ends_at <= now():
        raise Invalid("It would be over before it begins.", (FieldError("/ends_at", "give a time to come"),))
    if errors := tuple(time_errors("/ends_at", ends_at)):
        raise Invalid("It would end too far off.", errors)


def state_now(agreement: Agreement) -> State:
    return state_of(agreement.status, agreement.ends_at, now())


def side_of(agreement: Agreement) -> Side:
    """On which side the open transaction's actor is; the platform's operators are on none."""
    actor = opened().actor
    if actor is None:
        return Side.PLATFORM
    return Side.OWNER if actor.tenant_id == agreement.tenant_id else Side.PARTNER


def now() -> datetime:
    return datetime.now(UTC)

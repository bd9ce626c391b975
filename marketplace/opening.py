"""What a claim or contract opens to its firm, and how it is shut again."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from marketplace import queries
from marketplace.data import ACCESS_H
from marketplace.models import ServiceTask
from tenants.agreements.api import State, standing
from tenants.api import agree_by_offer, end_agreement, on_behalf_of
from tenants.data import Actor, Conflict, FieldError, Invalid

EXTENDED: Final = "extended under a new agreement"
SHUT: Final = (State.SUSPENDED, State.TERMINATED, State.SUPERSEDED)

Window = tuple[datetime, datetime]


def window_of(task: ServiceTask, since: datetime | None = None, last_due_d: int = 0) -> Window:
    """From now on for as long as the task offers, by the database's clock, or since a time that this has told; under a
    contract it offers that from the day on which the last milestone is due."""
    begins_at = since or queries.database_time()
    return begins_at, begins_at + timedelta(days=last_due_d, hours=task.access_h)


def extended(until: datetime, hours: int, now: datetime) -> Window:
    """From now to so many hours after `until`, or after now if that is past; Invalid if no task can offer as many."""
    if not 1 <= hours <= ACCESS_H:
        raise Invalid("The hours won't do.", (FieldError("/hours", f"give 1 to {ACCESS_H}"),))
    return now, max(until, now) + timedelta(hours=hours)


def refuse_opening_beyond(offerer: Actor, opens: tuple[str, ...]) -> None:
    """Nobody offers to others what their own role may not do."""
    beyond = sorted(permission for permission in opens if not offerer.can(permission))
    if beyond:
        raise Invalid(f"Your role can't open '{beyond[0]}' to others.", (FieldError("/opens", "not yours to open"),))


def open_data(task: ServiceTask, firm_id: UUID, firm_name: str, window: Window) -> Any:
    """The agreement of the offer, in force: on the equipment if the task names one, else on the site.

    The firm's name is given, since the owner need not know an organisation that is not listed.
    """
    clauses = []
    with on_behalf_of(task.tenant_id):
        framework = task.framework
        if task.opens and window[0] < window[1]:
            place = {"equipment": task.equipment} if task.equipment_id else {"site": task.site}
            clauses = [{**place, "permissions": task.opens, "during": window}]
        return agree_by_offer(
            owner_id=task.tenant_id,
            partner_id=firm_id,
            partner_name=firm_name,
            title=task.title,
            purpose=task.category,
            clauses=clauses,
            offered_by=task.created_by_id,
            framework=framework,
        )


def close_data(agreement: Any, reason: str) -> None:
    """End the agreement, unless a party has done so before."""
    if agreement.ended_at is None:
        end_agreement(agreement=agreement, reason=reason)


def is_open(agreement: Any) -> bool:
    """Whether it is in force now: no party has ended or suspended it, and it has not expired."""
    agreement.refresh_from_db()
    return standing(agreement) is State.ACTIVE


def shut_by_hand(agreement: Any) -> bool:
    """Whether a party has ended or suspended what a live claim or a contract in progress rests on: what the work itself
    ends, it ends with the claim or contract, or replaces in the same transaction. What is suspended with its framework
    opens again with it."""
    agreement.refresh_from_db()
    return agreement.status in SHUT and not agreement.suspended_with_framework


def refuse_reopening(agreement: Any, by: Actor) -> None:
    """What a party has shut by hand is opened again only by who may shut and open agreements."""
    if shut_by_hand(agreement) and not by.can("manage_agreements"):
        raise Conflict(
            "The agreement was ended or suspended by hand, and this would open its data again: that takes a role that "
            "may manage agreements."
        )

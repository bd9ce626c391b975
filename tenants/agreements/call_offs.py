"""What becomes of call-offs when their framework is suspended, resumed or ended: the same, in the same transaction.

Whoever changes both locks the framework first. Call-offs that have expired, or ended by themselves, stay as they are.
"""

from django.db.models import Q
from django.db.models.functions import Now

from tenants.agreements.lifecycle import State
from tenants.agreements.steps import refresh_locked, set_columns, set_ended, state_now
from tenants.data import Conflict
from tenants.models import Agreement


def suspend_call_offs(framework: Agreement) -> list[Agreement]:
    """Those in force; it is noted that they were not suspended by themselves."""
    found = _locked(framework, status=State.ACTIVE)
    for each in found:
        set_columns(each, status=State.SUSPENDED, suspended_with_framework=True)
    return found


def resume_call_offs(framework: Agreement) -> list[Agreement]:
    """Those that were suspended with it."""
    found = _locked(framework, status=State.SUSPENDED, suspended_with_framework=True)
    for each in found:
        set_columns(each, status=State.ACTIVE, suspended_with_framework=False)
    return found


def end_call_offs(framework: Agreement, target: State, reason: str) -> list[Agreement]:
    found = _locked(framework, status__in=(State.ACTIVE, State.SUSPENDED))
    for each in found:
        set_ended(each, target, f"with its framework: {reason}")
    return found


def refuse_without_framework(agreement: Agreement) -> None:
    """A call-off opens nothing while its framework is not in force."""
    framework = agreement.framework
    if framework is None:
        return
    refresh_locked(framework)
    state = state_now(framework)
    if state != State.ACTIVE:
        raise Conflict(f"Its framework is {state}; a call-off is open only within an active one.")


def _locked(framework: Agreement, **standing: object) -> list[Agreement]:
    found = Agreement.objects.filter(framework=framework, **standing)
    lasting = found.filter(Q(ends_at=None) | Q(ends_at__gt=Now()))
    return list(lasting.select_for_update(no_key=True).order_by("pk"))

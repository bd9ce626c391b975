"""Telling both parties that an agreement is about to expire, and that it has. What it opens ends by the clock alone."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import F, Q

from tenants.agreements.steps import set_columns
from tenants.agreements.telling import tell_end
from tenants.models import Agreement

AT_ONCE: Final = 500
Told = Agreement.ToldOfEnd


def tell_of_ends(now: datetime) -> int:
    """Tell of up to `AT_ONCE` ends, each once; returns of how many. In a platform transaction.

    An agreement that lasts no longer than the days of warning is not warned of.
    """
    standing = Agreement.objects.filter(status__in=(Agreement.Status.ACTIVE, Agreement.Status.SUSPENDED))
    warning = timedelta(days=settings.AGREEMENT_WARNING_DAYS)
    is_near = Q(told_of_end=Told.NOTHING, ends_at__lte=now + warning, activated_at__lt=F("ends_at") - warning)
    due = standing.exclude(told_of_end=Told.EXPIRED).filter(Q(ends_at__lte=now) | is_near)
    found = list(due.select_for_update(no_key=True, skip_locked=True).order_by("ends_at", "pk")[:AT_ONCE])
    for agreement in found:
        assert agreement.ends_at is not None
        told = Told.EXPIRED if agreement.ends_at <= now else Told.EXPIRING
        set_columns(agreement, told_of_end=told)
        tell_end(agreement, str(told))
    return len(found)

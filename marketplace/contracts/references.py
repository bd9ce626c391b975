"""What buyers said of firms, shown to third parties: a copy of each rating, made when it is revealed and not before."""

from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Now

from marketplace.models import Contract, Rating, Reference
from marketplace.sweeping import in_turn
from tenants.api import as_platform, on_behalf_of

SWEEP_LIMIT = 200


def show_reference(contract: Contract) -> None:
    """The buyer's rating of a contract that both have rated."""
    with on_behalf_of(contract.tenant_id):
        rating = Rating.objects.select_related("contract__task").get(contract=contract, tenant=contract.tenant_id)
    with on_behalf_of(contract.firm_id):
        _copy(rating)


def show_due() -> int:
    """Ratings that are revealed because the time for the other's is over; each in a transaction of its own. Returns how
    many."""
    with _sweeping() as sweep:
        due = list(_revealed().order_by("pk").values_list("pk", flat=True)[:SWEEP_LIMIT])
        sweep.leaves_trace = bool(due)
    return in_turn("ratings", due, _show)


def _revealed() -> QuerySet[Rating]:
    known = Reference.objects.filter(pk=OuterRef("pk"))
    return Rating.objects.filter(tenant=F("owner"), revealed_at__lte=Now()).exclude(Exists(known))


def _show(rating_id: UUID) -> bool:
    with _sweeping():
        rating = _revealed().select_related("contract__task").filter(pk=rating_id).first()
        if rating is not None:
            _copy(rating)
        return rating is not None


def _copy(rating: Rating) -> None:
    """Once, also where a sweep and the second rating meet."""
    Reference.objects.bulk_create([_reference_of(rating)], ignore_conflicts=True)


def _reference_of(rating: Rating) -> Reference:
    contract = rating.contract
    return Reference(
        id=rating.pk,
        tenant_id=rating.about_id,
        category=contract.task.category,
        stars=rating.stars,
        words=rating.words,
        buyer_name=contract.owner_name if rating.is_named else "",
        shown_at=rating.revealed_at,
    )


def _sweeping() -> Any:
    return as_platform("sweep", "show ratings whose time is come")

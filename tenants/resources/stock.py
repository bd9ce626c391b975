"""The stock ledger: every move is kept, the database adds them up, and nothing goes below zero."""

from decimal import Decimal

from tenants import access
from tenants.bus import announce
from tenants.data import Conflict, Event, FieldError, Invalid
from tenants.models import Material, Site, StockLevel, StockMove, new_id
from tenants.resources.actions import check_code
from tenants.resources.data import MOST, PLACES, UNITS

USE = "use_resources"


def register_material(*, code: str, name: str, unit: str) -> Material:
    manager = access.require("manage_resources")
    check_code(code, "/code")
    if unit not in UNITS:
        raise Invalid("The unit is not known.", (FieldError("/unit", f"use a UCUM code: {', '.join(UNITS)}"),))
    return Material.objects.create(tenant_id=manager.tenant_id, code=code, name=name, unit=unit)


def receive(*, site: Site, material: Material, quantity: Decimal, reference: str = "", reason: str = "") -> StockMove:
    access.require(USE)
    return _moved(site, material, StockMove.Kind.RECEIPT, _positive(quantity), reference=reference, reason=reason)


def issue(*, site: Site, material: Material, quantity: Decimal, reference: str = "", reason: str = "") -> StockMove:
    """Take out what is used. Conflict if there is not as much."""
    access.require(USE)
    _lock(material, [(site, -_positive(quantity))])
    return _moved(site, material, StockMove.Kind.ISSUE, -quantity, reference=reference, reason=reason)


def adjust(*, site: Site, material: Material, quantity: Decimal, reason: str, reference: str = "") -> StockMove:
    """Put right what a count found: `quantity` is added, or taken where it is negative. A reason is asked for."""
    access.require(USE)
    if not reason.strip():
        raise Invalid("An adjustment needs a reason.", (FieldError("/reason", "say what was found"),))
    if not quantity:
        raise Invalid("Nothing would change.", (FieldError("/quantity", "give what is to be added or taken"),))
    _lock(material, [(site, _bounded(quantity))])
    return _moved(site, material, StockMove.Kind.ADJUSTMENT, quantity, reference=reference, reason=reason)


def transfer(
    *, from_site: Site, to_site: Site, material: Material, quantity: Decimal, reference: str = "", reason: str = ""
) -> tuple[StockMove, StockMove]:
    """Take from one site what the other gets: two moves of one id, in one transaction."""
    access.require(USE)
    if from_site.pk == to_site.pk:
        raise Invalid("Both sites are the same.", (FieldError("/to_site", "name another site"),))
    _lock(material, [(from_site, -_positive(quantity)), (to_site, quantity)])
    said = {"reference": reference, "reason": reason, "transfer": new_id()}
    out = _moved(from_site, material, StockMove.Kind.TRANSFER_OUT, -quantity, **said)
    return out, _moved(to_site, material, StockMove.Kind.TRANSFER_IN, quantity, **said)


def _moved(site: Site, material: Material, kind: object, quantity: Decimal, **said: object) -> StockMove:
    who = access.actor()
    move = StockMove.objects.create(
        tenant_id=who.tenant_id,
        site=site,
        material=material,
        kind=kind,
        quantity=quantity,
        moved_by_id=who.user_id,
        **said,
    )
    move.refresh_from_db(fields=["balance", "moved_at"])
    body = {"move": str(move.pk), "kind": str(kind), "site": str(site.pk), "material": str(material.pk)}
    balance = {"quantity": str(quantity), "balance": str(move.balance), "unit": material.unit}
    announce(Event(kind="stock.moved", body=body | balance, permission="view_resources"))
    return move


def _lock(material: Material, changes: list[tuple[Site, Decimal]]) -> None:
    """Hold the levels, in one order for all, until the moves are written; Conflict if one would fall below zero."""
    places = {site.pk: site for site, _ in changes}
    rows = StockLevel.objects.filter(material=material, site__in=places)
    held = {row.site_id: row.quantity for row in rows.order_by("site").select_for_update(no_key=True)}
    for site, change in changes:
        there = held.get(site.pk, Decimal(0))
        if there + change < 0:
            raise Conflict(
                f"There are {there.normalize():f} {material.unit} of {material} at {site.name}, not {-change:f}.",
                (FieldError("/quantity", "take less, or receive some first"),),
            )


def _positive(quantity: Decimal) -> Decimal:
    if _bounded(quantity) <= 0:
        raise Invalid("The quantity must be above zero.", (FieldError("/quantity", "give a positive number"),))
    return quantity


def _bounded(quantity: Decimal) -> Decimal:
    """As the table keeps it."""
    if not quantity.is_finite() or abs(quantity) >= MOST or quantity != round(quantity, PLACES):
        message = f"give less than {MOST:f}, to {PLACES} decimal places"
        raise Invalid("The quantity can't be kept.", (FieldError("/quantity", message),))
    return quantity

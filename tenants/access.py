"""Permission is how you get the object: these fetch and authorise in one step, or raise.

`Forbidden` if the actor's own role lacks the capability (whatever the object), `NotFound` if the object is absent,
foreign, or not opened with that permission: the three answer alike.
"""

from typing import TypeVar
from uuid import UUID

from tenants.context import opened
from tenants.data import Actor, Forbidden, NotFound
from tenants.models import Agreement, ApiKey, Equipment, Site
from tenants.reads.live_grants import ANY_PERMISSION
from tenants.reads.notes import live_grants

Owned = TypeVar("Owned", Site, Equipment)


def actor() -> Actor:
    """Who acts in the open transaction."""
    current = opened().actor
    if current is None:
        raise RuntimeError("This transaction has no actor.")
    return current


def require(capability: str) -> Actor:
    """The actor, if their role (and the scopes of their key) include the capability."""
    current = actor()
    if not current.can(capability):
        raise Forbidden(f"Your role does not include '{capability}'. Ask an administrator of your organisation.")
    return current


def get_site(site_id: UUID, *, needs: str) -> Site:
    """An own site, or one opened to the actor's organisation with `needs`."""
    current = require(needs)
    site = Site.objects.filter(pk=site_id).first()
    if site is None or (site.tenant_id != current.tenant_id and site.pk not in granted("sites", needs)):
        raise NotFound
    return site


def get_equipment(equipment_id: UUID, *, needs: str) -> Equipment:
    """Own equipment, or equipment opened with `needs` itself or by its site."""
    current = require(needs)
    equipment = Equipment.objects.select_related("site").filter(pk=equipment_id).first()
    if equipment is None or not (
        equipment.tenant_id == current.tenant_id
        or equipment.pk in granted("equipment", needs)
        or equipment.site_id in granted("sites", needs)
    ):
        raise NotFound
    return equipment


def get_own_site(site_id: UUID, *, needs: str) -> Site:
    """A site of the actor's own organisation: only such a one can a row of theirs refer to."""
    return _own(get_site(site_id, needs=needs))


def get_own_equipment(equipment_id: UUID, *, needs: str) -> Equipment:
    return _own(get_equipment(equipment_id, needs=needs))


def _own(row: Owned) -> Owned:
    if row.tenant_id != actor().tenant_id:
        raise NotFound
    return row


def get_agreement(agreement_id: UUID, *, needs: str = "view_agreements") -> Agreement:
    """An agreement that the actor's organisation is a party to; to manage it, they must own it."""
    current = require(needs)
    agreement = Agreement.objects.filter(pk=agreement_id).first()
    if agreement is None or (needs == "manage_agreements" and agreement.tenant_id != current.tenant_id):
        raise NotFound
    return agreement


def get_api_key(key_id: UUID) -> ApiKey:
    require("manage_keys")
    key = ApiKey.objects.filter(pk=key_id).first()
    if key is None:
        raise NotFound
    return key


def granted(what: str, permission: str = ANY_PERMISSION) -> set[UUID]:
    """Ids of foreign objects opened to the actor's organisation with `permission`, in force now.

    `what`: `sites`, `equipment`, or `sites_of_equipment`, which are seen around the latter.
    """
    return live_grants().places(what, permission)

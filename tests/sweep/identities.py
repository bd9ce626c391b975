"""Everyone who asks, and what each may be shown of Aurora's."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Model
from rest_framework.test import APIClient

from tenants.agreements import actions as agreeing
from tenants.models import Agreement, AgreementVersion, Clause, Delegation, Equipment, Signature, Site
from tests import personas
from tests.personas import Organisation
from tests.sweep.belongings import secrets_in

# What a permission on a site opens there; whatever is not named stays closed.
PLACE = frozenset({"tenants.Site", "tenants.Equipment"})
ALARMS = PLACE | {"edge_bridge.Alarm", "edge_bridge.AlarmChange", "edge_bridge.Guard"}
TAGS = PLACE | {"edge_bridge.Series"}
READINGS = TAGS | {"edge_bridge.Latest", "edge_bridge.Reading", "edge_bridge.Rollup"}
BOTH = ["view_alarms", "view_telemetry"]
HOUR = timedelta(hours=1)


@dataclass
class Identity:
    """`opens`: the models whose rows at mine North they may see now; a party to an agreement may read that.

    `is_like_absent`: each object is asked for beside one that doesn't exist, and the answers must be equal.
    """

    name: str
    client: APIClient
    organisation: Organisation | None = None
    agreement: Agreement | None = None
    opens: frozenset[str] = frozenset()
    hidden: tuple[str, ...] = ()
    own: bool = False
    is_like_absent: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    def may_know(self, owner: Organisation, rows: dict[str, list[Model]]) -> set[str]:
        """Ids and words of the owner that an answer to them may hold."""
        known = {str(owner.id), owner.tenant.name}
        if self.agreement is not None:
            known |= set(secrets_in(_papers(self.agreement, rows)))
            known |= {str(clause.site_id) for clause in rows["tenants.Clause"] if _is_of(clause, self.agreement)}
        if self.organisation is not None:  # what was decided together is in the chains of both
            together = (e for e in rows["tenants.LedgerEntry"] if self.organisation.id in e.with_tenants)
            known |= set(secrets_in(together))
        opened = [row for label in self.opens for row in rows[label] if _lies_at(row, owner.sites["north"])]
        known |= set(secrets_in(opened)) - {_value(row, name) for row in opened for name in self.hidden}
        return known


def _papers(agreement: Agreement, rows: dict[str, list[Model]]) -> Iterable[Model]:
    for model in (Agreement, AgreementVersion, Clause, Signature):
        yield from (row for row in rows[model._meta.label] if _is_of(row, agreement))


def _is_of(row: Any, agreement: Agreement) -> bool:
    return agreement.pk in (row.pk, getattr(row, "agreement_id", None))


def _value(row: Model, name: str) -> str:
    return str(getattr(row, name, ""))


def _lies_at(row: Any, site: Site) -> bool:
    match row:
        case Site():
            return bool(row.pk == site.pk)
        case Equipment():
            return bool(row.site_id == site.pk)
    for owner in ("alarm", "series"):
        if hasattr(row, f"{owner}_id"):
            return True  # the only alarms and series of this Aurora are at North
    return bool(row.site_id == site.pk)


def strangers(owner: Organisation) -> list[Identity]:
    """No agreement, no identity, or a key that is not for it."""
    cassia = personas.cassia()
    scopeless = Identity("key without scope", owner.client(["view_registry"]), owner, own=True)
    outsider = Identity("outsider", cassia.client(), cassia, is_like_absent=True)
    return [outsider, Identity("anonymous", APIClient(), is_like_absent=True), scopeless]


def opened_ways(owner: Organisation) -> list[Identity]:
    """Partners to whom mine North is open in part."""
    return [
        _partner(owner, "granted", BOTH, opens=ALARMS | READINGS),
        _partner(owner, "granted for alarms only", ["view_alarms"], opens=ALARMS),
        _stating("maintenance", _partner(owner, "right purpose", BOTH, opens=ALARMS | READINGS, purpose="maintenance")),
        _partner(owner, "masked field", ["view_alarms"], opens=ALARMS, hidden=("tag",), field_mask=["tag"]),
        _partner(owner, "delayed by a day", BOTH, opens=TAGS, delay_s=86_400),
        _partner(owner, "under a floor", ["view_telemetry"], opens=TAGS, floor_n=1000),
    ]


def shut_ways(owner: Organisation) -> list[Identity]:
    """Partners whose agreement opens nothing now."""
    now = datetime.now(UTC)
    return [
        _partner(owner, "expired", BOTH, during=(now - 2 * HOUR, now - HOUR)),
        _partner(owner, "not begun", BOTH, during=(now + HOUR, None)),
        _ended(_partner(owner, "revoked", BOTH), owner),
        _suspended(_partner(owner, "suspended", BOTH), owner),
        _partner(owner, "no purpose", BOTH, purpose="maintenance"),
        _stating("planning", _partner(owner, "wrong purpose", BOTH, purpose="maintenance")),
        _withheld(_partner(owner, "delegated to others", BOTH), owner),
    ]


def _partner(
    owner: Organisation,
    name: str,
    permissions: list[str],
    *,
    opens: frozenset[str] = frozenset(),
    hidden: tuple[str, ...] = (),
    during: tuple[datetime, datetime | None] | None = None,
    **narrowed: Any,
) -> Identity:
    firm = personas.organisation(f"Borealis {name}", "service_firm")
    window = during or (datetime.now(UTC) - HOUR, None)
    clause = {"site": owner.sites["north"], "permissions": permissions, "during": window, **narrowed}
    title = f"({name}) paper"  # not to be found in the firm's own name
    with owner.acting():
        agreement = agreeing.agree_by_offer(
            owner_id=owner.id, partner_id=firm.id, title=title, purpose="test", clauses=[clause]
        )
    return Identity(name, firm.client(), firm, agreement, opens, hidden)


def _stating(purpose: str, partner: Identity) -> Identity:
    return replace(partner, headers={"HTTP_X_PURPOSE": purpose})


def _ended(partner: Identity, owner: Organisation) -> Identity:
    assert partner.agreement is not None
    with owner.acting():
        agreeing.end_agreement(agreement=partner.agreement, reason="done")
    return replace(partner, is_like_absent=True)


def _suspended(partner: Identity, owner: Organisation) -> Identity:
    assert partner.agreement is not None
    with owner.acting():
        agreeing.suspend_agreement(agreement=partner.agreement)
    return partner


def _withheld(partner: Identity, owner: Organisation) -> Identity:
    """The partner's administrator gave the agreement to a role that the key's holder has not."""
    assert partner.agreement is not None and partner.organisation is not None
    firm = partner.organisation
    with firm.acting():
        Delegation.objects.create(
            tenant_id=firm.id, owner_id=owner.id, agreement=partner.agreement, roles=["auditor"], members=[]
        )
    return partner

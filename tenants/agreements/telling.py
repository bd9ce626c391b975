"""What both parties are told of an agreement's steps, and what is entered in their ledgers."""

from uuid import UUID

from tenants.agreements.lifecycle import State
from tenants.bus import announce, announce_rights
from tenants.data import Event
from tenants.ledger.actions import enter
from tenants.models import Agreement


def _told(agreement: Agreement) -> tuple[dict[str, object], frozenset[UUID]]:
    """What is said of it and to whom: of a draft that was never offered the partner learns nothing."""
    body = {"agreement": str(agreement.pk), "title": agreement.title, "status": agreement.status}
    parties = {agreement.tenant_id, agreement.partner_id} if agreement.offered_at else {agreement.tenant_id}
    return {**body, "kind": agreement.kind, "version": agreement.version}, frozenset(parties)


def tell(kind: str, agreement: Agreement) -> None:
    body, parties = _told(agreement)
    announce(Event(kind=kind, body=body, permission="view_agreements", to=parties))


def tell_rights(what: str, agreement: Agreement, text_hash: str = "") -> None:
    """What opens or closes something is told, and entered in the ledgers of both parties."""
    body, parties = _told(agreement)
    announce_rights(f"rights.agreement_{what}", body, parties)
    enter_step(what, agreement, text_hash)


def tell_end(agreement: Agreement, what: str) -> None:
    """That its end is near or has come: nobody's decision, hence in no ledger."""
    body, parties = _told(agreement)
    status = what if what == State.EXPIRED else agreement.status
    announce_rights(f"rights.agreement_{what}", body | {"status": status, "ends_at": agreement.ends_at}, parties)


def enter_step(what: str, agreement: Agreement, text_hash: str = "") -> None:
    """With the hash of the text in question, looked up where the caller has it not."""
    body, parties = _told(agreement)
    text_hash = text_hash or agreement.versions.get(number=agreement.version).text_hash
    payload = {**body, "text_hash": text_hash, "statute": agreement.statute, "reason": agreement.end_reason}
    enter(kind=f"agreement.{what}", subject=agreement.pk, payload=payload, with_tenants=parties)

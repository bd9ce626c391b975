"""Rows about people, fetched and authorised in one step; absent and foreign ones answer alike."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from tenants import access
from tenants.data import NotFound
from tenants.models import Invitation, Membership, ServiceAccount
from tenants.people import queries
from tenants.queries import members


def get_invitation(invitation_id: UUID) -> Invitation:
    return _one(queries.invitations(), invitation_id)


def get_member(membership_id: UUID) -> Membership:
    return _one(members(), membership_id)


def get_service_account(account_id: UUID, *, needs: str = "manage_members") -> ServiceAccount:
    return _one(queries.service_accounts(), account_id, needs)


def _one(rows: QuerySet[Any], row_id: UUID, needs: str = "manage_members") -> Any:
    access.require(needs)
    row = rows.filter(pk=row_id).first()
    if row is None:
        raise NotFound
    return row

"""Names that are kept with what somebody does, since the other party may not be able to look them up."""

from typing import Final
from uuid import UUID

from django.db import connections

from tenants.access import actor
from tenants.context import on_behalf_of, opened
from tenants.data import Names

_NAMES: Final = """
SELECT coalesce((SELECT name FROM tenants_tenant WHERE id = %s), ''),
       coalesce((SELECT coalesce(nullif(name, ''), email) FROM tenants_user WHERE id = %s), '')
"""


def names_of(tenant_id: UUID, user_id: UUID | None) -> Names:
    """Of the organisation and its user, in one statement; '' for what the open identity may not see."""
    with connections[opened().alias].cursor() as cursor:
        cursor.execute(_NAMES, [tenant_id, user_id])
        return Names(*cursor.fetchone())


def own_names() -> Names:
    """Of who acts in the open transaction; looked up once."""
    current, me = opened(), actor()
    if current.names is None:
        with on_behalf_of(me.tenant_id):
            current.names = names_of(me.tenant_id, me.user_id)
    return current.names

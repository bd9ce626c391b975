"""From a secret calendar address to the member whose calendar it is."""

from marketplace.models import CalendarAddress
from tenants.api import actor_of_user, hash_secret, presenting
from tenants.data import Actor, NotFound, Unauthenticated


def reader_of_calendar(secret: str) -> Actor:
    """Outside of any transaction: the member, with their roles of now. NotFound if it is unknown, revoked or theirs no
    more."""
    hashed = hash_secret(secret)
    with presenting(credential=hashed):
        address = CalendarAddress.objects.filter(secret_hash=hashed, revoked_at=None).first()
    if address is None:
        raise NotFound
    try:
        return actor_of_user(address.user_id, address.tenant_id, "calendar")
    except Unauthenticated:
        raise NotFound from None

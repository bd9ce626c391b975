"""The reads of tenants, under the open identity."""

from uuid import UUID

from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet

from tenants import access
from tenants.models import ApiKey, Equipment, FeedEvent, FeedHead, Membership, Site, Tenant


def partner_group(tenant_id: UUID) -> Group:
    """The group through which grants reach an organisation's members."""
    return Group.objects.get(name=str(tenant_id))


def tenants() -> QuerySet[Tenant]:
    """The actor's own organisation and those listed."""
    return Tenant.objects.all()


def sisters() -> QuerySet[Tenant]:
    """Organisations of the actor's own group of companies, as far as they are listed."""
    me = access.actor().tenant_id
    own = Tenant.objects.filter(pk=me).exclude(group_name="").values("group_name")
    return Tenant.objects.filter(group_name__in=own).exclude(pk=me)


def sites() -> QuerySet[Site]:
    """Own sites and those opened to the organisation in any way."""
    opened = access.granted("sites") | access.granted("sites_of_equipment")
    return Site.objects.filter(_own() | Q(pk__in=opened)).select_related("tenant")


def equipment() -> QuerySet[Equipment]:
    opened = Q(site__in=access.granted("sites")) | Q(pk__in=access.granted("equipment"))
    return Equipment.objects.filter(_own() | opened).select_related("tenant", "site")


def _own() -> Q:
    return Q(tenant=access.actor().tenant_id)


def members() -> QuerySet[Membership]:
    return Membership.objects.filter(tenant=access.actor().tenant_id).select_related("user")


def api_keys() -> QuerySet[ApiKey]:
    return ApiKey.objects.filter(tenant=access.actor().tenant_id)


def feed_head() -> FeedHead:
    """The end of the actor's feed; an organisation that was told nothing yet has sequence 0."""
    return FeedHead.objects.get_or_create(tenant_id=access.actor().tenant_id)[0]


def feed_events(*, after: int) -> QuerySet[FeedEvent]:
    """Events after a cursor, oldest first; those whose grant is no longer in force are not there."""
    return FeedEvent.objects.filter(tenant=access.actor().tenant_id, seq__gt=after).order_by("seq")

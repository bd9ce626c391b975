"""Profiles, experts and needs, got and authorised in one step."""

from uuid import UUID

from marketplace.models import Expert, Profile
from tenants.api import require
from tenants.data import NotFound


def get_profile(profile_id: UUID, *, needs: str = "view_tasks") -> Profile:
    """The own one, or one that its firm shows to the actor's organisation."""
    require(needs)
    profile = Profile.objects.filter(pk=profile_id).first()
    if profile is None:
        raise NotFound
    return profile


def get_own_expert(expert_id: UUID, *, needs: str = "manage") -> Expert:
    owner = require(needs)
    expert = Expert.objects.filter(pk=expert_id).first()
    if expert is None or expert.tenant_id != owner.tenant_id:
        raise NotFound
    return expert

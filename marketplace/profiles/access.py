"""Profiles, experts and needs, got and authorised in one step."""

from uuid import UUID

from marketplace.models import Expert, Profile
from marketplace.profiles.queries import rated
from tenants.api import require
from tenants.data import NotFound


def get_profile(profile_id: UUID) -> Profile:
    """The own one, or one that its firm shows to the actor's organisation; with what buyers gave it."""
    require("view_tasks")
    found = rated(Profile.objects.filter(pk=profile_id))
    if not found:
        raise NotFound
    return found[0]


def get_own_expert(expert_id: UUID) -> Expert:
    owner = require("manage")
    expert = Expert.objects.filter(pk=expert_id).first()
    if expert is None or expert.tenant_id != owner.tenant_id:
        raise NotFound
    return expert

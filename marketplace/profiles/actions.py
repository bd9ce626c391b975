"""The writes of profiles, of the people shown in them, and of what a task wants of people."""

from datetime import UTC, datetime

from django.db.models import F
from django.db.models.functions import Now

from marketplace.lifecycle import State
from marketplace.models import Expert, Profile, ServiceTask, TaskNeed
from marketplace.profiles.data import NeedTerms, ProfileTerms, check_needs
from marketplace.profiles.queries import levels_of, own_experts, papers_of, rated
from tenants.api import compare_and_set, require, tenants
from tenants.data import Conflict
from tenants.models import Person

MOST_EXPERTS = 200


def save_profile(*, terms: ProfileTerms, seen: int | None = None) -> Profile:
    """Say of the own organisation what `terms` hold, instead of what was said before.

    Conflict if it is not any more the version `seen`, where one is named.
    """
    owner = require("manage")
    name = tenants().get(pk=owner.tenant_id).name
    said = {**terms.documents(), "firm_name": name}
    profile, is_new = Profile.objects.select_for_update().get_or_create(tenant_id=owner.tenant_id, defaults=said)
    if seen not in (None, profile.version):
        raise Conflict("The profile has changed since you read it; read it again and decide anew.")
    if not is_new:
        compare_and_set(profile, **said, updated_at=Now())
    profile.refresh_from_db()
    return rated([profile])[0]


def publish_expert(*, person: Person, shows_name: bool = False) -> Expert:
    """Show an own person's skills and certificates in the profile, as they are now; again to bring them up to date."""
    owner = require("manage")
    require("view_resources")
    if person.erased_at or (person.left_on and person.left_on < datetime.now(UTC).date()):
        raise Conflict(f"{person.code} does not work here any more.")
    if own_experts().count() >= MOST_EXPERTS and not Expert.objects.filter(person=person).exists():
        raise Conflict(f"The profile shows {MOST_EXPERTS} people already; withdraw one first.")
    said = {
        "shown_name": person.name if shows_name else "",
        "levels": levels_of(person),
        "papers": [paper.document() for paper in papers_of(person)],
        "published_at": Now(),
    }
    expert, _ = Expert.objects.update_or_create(tenant_id=owner.tenant_id, person=person, defaults=said)
    expert.refresh_from_db()
    return expert


def withdraw_expert(*, expert: Expert) -> None:
    require("manage")
    expert.delete()


def set_needs(*, task: ServiceTask, needs: tuple[NeedTerms, ...]) -> None:
    """What an own draft wants of people, instead of what it wanted before; frozen once the task is published."""
    require("post_tasks")
    check_needs(needs)
    still_so = ServiceTask.objects.filter(pk=task.pk, version=task.version, state=State.DRAFT)
    if not still_so.update(version=F("version") + 1, updated_at=Now()):
        raise Conflict("Only a draft takes other needs; the task was published, or has changed since it was read.")
    TaskNeed.objects.filter(task=task).delete()
    TaskNeed.objects.bulk_create(
        TaskNeed(
            tenant_id=task.tenant_id,
            task=task,
            skill=need.skill,
            level=need.level,
            certificate=need.certificate,
            people_n=need.people_n,
        )
        for need in needs
    )
    task.refresh_from_db()

"""Firms of the tests: what Borealis offers, whom it has, and what a task of Aurora's wants."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from marketplace.crew import api as crew
from marketplace.models import Assignment, ServiceTask
from marketplace.profiles import api as profiles
from marketplace.profiles.api import Machines, NeedTerms, Paper, ProfileTerms, RateLine
from tenants.actions import register_site
from tenants.models import Person
from tenants.resources import actions as register
from tenants.resources.api import Window
from tests import personas
from tests.integration.marketplace import scenes as market
from tests.personas import Organisation

TODAY = datetime.now(UTC).date()
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
WELDERS = NeedTerms(people_n=1, skill="welding", level=3, certificate="hot-work")


def terms(**changed: Any) -> ProfileTerms:
    said = {
        "about": "We mend pumps.",
        "visibility": "public",
        "categories": ("equipment_maintenance",),
        "regions": ("CN",),
        "rates": (RateLine("equipment_maintenance", "job", 200_000, "USD"),),
        "machines": (Machines("pump", 3),),
        "certificates": (Paper("iso9001", TODAY - timedelta(days=100)),),
    }
    return ProfileTerms(**{**said, **changed})


def offer(firm: Organisation, **changed: Any) -> Any:
    """The firm's profile."""
    with firm.acting():
        return profiles.save_profile(terms=terms(**changed))


@dataclass
class Welders:
    """Wei welds at level 4 and may work hot for a year; Xena welds at level 2, and her paper runs out tomorrow."""

    wei: Person
    xena: Person


def welders(firm: Organisation) -> Welders:
    with firm.acting():
        welding = register.register_skill(code="Welding", name="Welding")
        wei = register.register_person(code="W-1", name="Wei Chen", email="wei@example.com")
        xena = register.register_person(code="W-2", name="Xena Ray")
        for person, level, days in ((wei, 4, 365), (xena, 2, 1)):
            register.assess_person(person=person, skill=welding, level=level, assessed_on=TODAY)
            register.add_certificate(
                person=person,
                kind="hot-work",
                number=f"HW-{person.code}",
                issuer="Inspectorate",
                issued_on=TODAY - timedelta(days=30),
                expires_on=TODAY + timedelta(days=days),
            )
    return Welders(wei, xena)


def wanted(owner: Organisation, *needs: NeedTerms, **place: Any) -> ServiceTask:
    """A task of the owner's on the market, which wants a welder unless `needs` say otherwise."""
    with owner.acting():
        task = market.actions.post_task(
            terms=market.terms(), **place or {"equipment_id": owner.equipment["PUMP-07"].pk}
        )
        profiles.set_needs(task=task, needs=needs or (WELDERS,))
        market.actions.publish_task(task=task)
    return task


def hours(n: float = 8, after_h: float = 1) -> Window:
    begins_at = NOW + timedelta(hours=1 + after_h)
    return Window(begins_at, begins_at + timedelta(hours=n))


def assigned(task: ServiceTask, firm: Organisation, person: Person, window: Window | None = None) -> Assignment:
    """To the first need of the task, where it has one."""
    with firm.acting():
        found = market.access.get_task(task.pk)
        need = profiles.needs_of(found).first()
        return crew.assign_person(task=found, person=person, window=window or hours(), need=need)


def places(aurora: Organisation) -> dict[str, UUID]:
    """One object for every argument of a route about firms. Aurora's profile is hidden, and it has work of its own:
    for a neighbour whose tasks are of no other test."""
    neighbour = personas.organisation("Neighbour", "mining_group")
    with neighbour.acting():
        site = register_site(code="pit", name="Pit", kind="mine")
    task = wanted(neighbour, NeedTerms(skill="tending"), site_id=site.pk)
    with aurora.acting():
        profile = profiles.save_profile(terms=terms(visibility="hidden", about="We mend our own pumps."))
        tending = register.register_skill(code="tending", name="Tending of pumps")
        person = register.register_person(code="P-9", name="Nine of Aurora")
        register.assess_person(person=person, skill=tending, level=3, assessed_on=TODAY)
        expert = profiles.publish_expert(person=person, shows_name=True)
    market.claimed(task, aurora)
    row = assigned(task, aurora, person)
    return {"profile_id": profile.pk, "expert_id": expert.pk, "assignment_id": row.pk}

"""Effective right = grant ∩ purpose ∩ delegation ∩ role.

The policy, guardian, the explanation and the feed agree with a plain reading of what was agreed, for random grants.
"""

import time
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from guardian.core import ObjectPermissionChecker
from guardian.shortcuts import get_objects_for_user
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tenants import access
from tenants.agreements import actions as agreeing
from tenants.bus import announce
from tenants.context import acting_as
from tenants.data import Actor, Event, NotFound, reader_of
from tenants.feed.log import head_now, page_now, read_page
from tenants.models import Equipment, Site, User
from tenants.roles import capabilities_of
from tenants.sharing import actions, queries
from tests import personas
from tests.integration.tenants.sharing_scenes import actor_of, colleague, ending, now

PERMISSIONS = ("view_alarms", "acknowledge_alarms", "view_telemetry")
PLACES = ("north", "north-mill", "FAN-01", "PUMP-07")
ROLES = ("owner", "expert", "finance")
WINDOWS = {"past": (-7200, -3600), "open": (-3600, None), "now": (-3600, 3600), "to come": (3600, None)}
SOON_S = 0.15
BODY = {"alarm": "a", "tag": "T", "value": 1.0, "limit": 2.0}


@dataclass(frozen=True)
class Grant:
    """What is agreed, drawn by lot."""

    permissions: frozenset[str]
    on: str
    window: str
    ends: str
    status: str
    purpose: str
    mask: frozenset[str]
    is_delayed: bool
    roles: frozenset[str] | None
    names_expert: bool

    @property
    def stands(self) -> bool:
        return self.window in ("open", "now") and self.ends != "soon" and self.status == "active"

    def serves(self, role: str, purpose: str) -> bool:
        is_delegated = self.roles is None or role in self.roles or (self.names_expert and role == "expert")
        return self.stands and self.purpose in ("", purpose) and is_delegated


GRANTS = st.builds(
    Grant,
    permissions=st.frozensets(st.sampled_from(["view_alarms", "view_telemetry"]), min_size=1),
    on=st.sampled_from(PLACES),
    window=st.sampled_from([*WINDOWS, "open", "open"]),
    ends=st.sampled_from(["never", "never", "later", "soon"]),
    status=st.sampled_from(["active", "active", "suspended", "terminated"]),
    purpose=st.sampled_from(["", "", "repair"]),
    mask=st.frozensets(st.sampled_from(["tag", "value", "limit"])),
    is_delayed=st.booleans(),
    roles=st.none() | st.frozensets(st.sampled_from(ROLES)),
    names_expert=st.booleans(),
)


@dataclass
class World:
    aurora: personas.Organisation
    members: dict[str, personas.Organisation]

    def make(self, grant: Grant) -> object:
        """Agree on it, delegate it and bring it to its state."""
        start, end = WINDOWS[grant.window]
        site = self.aurora.sites.get(grant.on)
        clause = {
            **({"site": site} if site else {"equipment": self.aurora.equipment[grant.on]}),
            "permissions": sorted(grant.permissions),
            "during": (now() + timedelta(seconds=start), end and now() + timedelta(seconds=end)),
            "purpose": grant.purpose,
            "field_mask": sorted(grant.mask) if grant.permissions == {"view_alarms"} else [],
            "delay_s": 60 if grant.is_delayed else 0,
        }
        ends_at = {"never": None, "later": now() + timedelta(days=1), "soon": now() + timedelta(seconds=SOON_S)}
        agreement = ending(self.aurora, self.members["owner"], ends_at[grant.ends], clause)
        if grant.roles is not None:
            named = [self.members["expert"].user.pk] if grant.names_expert else []
            with self.members["owner"].acting():
                actions.delegate(agreement=agreement, roles=grant.roles, members=named)
        with self.aurora.acting():
            if grant.status == "suspended" and grant.ends != "soon":
                agreeing.suspend_agreement(agreement=agreement)
            elif grant.status == "terminated":
                agreeing.end_agreement(agreement=agreement, reason="test")
        return agreement

    def actors(self) -> list[tuple[str, Actor]]:
        return [
            (role, actor_of(member, role, purpose=purpose))
            for role, member in self.members.items()
            for purpose in ("", "repair")
        ]

    @property
    def places(self) -> dict[str, Site | Equipment]:
        return {name: (self.aurora.sites | self.aurora.equipment)[name] for name in PLACES}

    def granted(self, grants: list[Grant], role: str, purpose: str, permission: str) -> set[str]:
        return {grant.on for grant in grants if grant.serves(role, purpose) and permission in grant.permissions}

    def names(self, ids: set[UUID]) -> set[str]:
        known = {row.pk: name for name, row in self.places.items()}
        return {known[pk] for pk in ids}


@pytest.fixture(scope="module")
def world() -> World:
    borealis = personas.borealis()
    return World(personas.aurora(), {"owner": borealis, **{role: colleague(borealis, role) for role in ROLES[1:]}})


@given(grants=st.lists(GRANTS, min_size=1, max_size=4))
@settings(max_examples=8, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck))
def test_policy_guardian_explanation_and_feed_answer_as_agreed(world, grants):
    agreements = [world.make(grant) for grant in grants]
    try:
        if any(grant.ends == "soon" for grant in grants):
            time.sleep(SOON_S + 0.02)
        for role, actor in world.actors():
            check_access(world, grants, role, actor)
        check_feed(world, grants)
    finally:
        for agreement in agreements:
            finish(world, agreement)


def finish(world: World, agreement: object) -> None:
    with world.aurora.acting():
        agreement.refresh_from_db()
        if agreement.status in ("active", "suspended"):
            agreeing.end_agreement(agreement=agreement, reason="test over")


def check_access(world: World, grants: list[Grant], role: str, actor: Actor) -> None:
    with acting_as(actor):
        person = User.objects.get(pk=actor.user_id)
        explained, checker = explained_ways(actor), ObjectPermissionChecker(person)
        for permission in PERMISSIONS:
            wanted = world.granted(grants, role, actor.purpose, permission)
            by_policy = access.granted("sites", permission) | access.granted("equipment", permission)
            assert world.names(by_policy) == wanted
            assert world.names(by_guardian(person, permission)) == wanted
            may = permission in capabilities_of(actor.roles)
            assert world.names(explained.get(permission, set())) == (wanted if may else set())
            for name, row in world.places.items():
                assert checker.has_perm(permission, row) == (name in wanted)
                if may:
                    covers = name in wanted or (name in world.aurora.equipment and "north" in wanted)
                    assert is_got(row, permission) == covers


def by_guardian(person: User, permission: str) -> set[UUID]:
    return {
        row.pk
        for model in (Site, Equipment)
        for row in get_objects_for_user(person, permission, model, accept_global_perms=False)
    }


def is_got(row: Site | Equipment, permission: str) -> bool:
    get = access.get_site if isinstance(row, Site) else access.get_equipment
    try:
        return get(row.pk, needs=permission).pk == row.pk
    except NotFound:
        return False


def explained_ways(actor: Actor) -> dict[str, set[UUID]]:
    """By permission, the places that the explanation calls open to the actor."""
    found: dict[str, set[UUID]] = {}
    for way in queries.ways_of(queries.clauses(side="received", state="all"), asking=True):
        if way.in_force:
            found.setdefault(way.permission, set()).add(way.clause.site_id or way.clause.equipment_id)
    return found


def check_feed(world: World, grants: list[Grant]) -> None:
    """An alarm on the fan: the GET of each reader by policy, and what the tailer's page shows to each socket."""
    fan, north = world.aurora.equipment["FAN-01"], world.aurora.sites["north"]
    with acting_as(actor_of(world.members["owner"])):
        before = head_now()
    with world.aurora.acting():
        announce(Event("alarm.raised", dict(BODY), "view_alarms", site_id=north.pk, equipment_id=fan.pk))
    actors = world.actors()
    page = read_page(
        reader_of(world.members["owner"].id), before.seq, before.epoch, 100, [actor for _, actor in actors]
    )
    for role, actor in actors:
        told = told_of(grants, role, actor.purpose)
        rights = page.rights.get(actor)
        shown = [entry.opened_to(actor.purpose, rights.withheld) for entry in page.entries] if rights else []
        assert [entry.frame.body for entry in shown if entry and entry.frame.kind == "alarm.raised"] == told
        with acting_as(actor):
            own = [entry.opened_to(actor.purpose, frozenset()) for entry in page_now(before.seq, before.epoch).entries]
        assert [entry.frame.body for entry in own if entry and entry.frame.kind == "alarm.raised"] == told


def told_of(grants: list[Grant], role: str, purpose: str) -> list[dict]:
    """The body as this reader should get it, if at all."""
    masks = [
        grant.mask if grant.permissions == {"view_alarms"} else frozenset()
        for grant in grants
        if grant.serves(role, purpose)
        and "view_alarms" in grant.permissions
        and grant.on in ("north", "FAN-01")
        and not grant.is_delayed
    ]
    if not masks:
        return []
    hidden = frozenset.intersection(*masks)
    said = {key: value for key, value in BODY.items() if key not in hidden}
    return [said | {"masked": sorted(hidden)} if hidden else said]

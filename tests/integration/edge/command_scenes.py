"""What the tests of commands begin with: a fan that a gateway has named, a type of command, and a second person."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from edge_bridge.commands import actions, types
from edge_bridge.models import Command, CommandChange, CommandRoute, CommandType
from edge_bridge.protocol import Ack, Birth, CommandState, CommandStep, Lane, Tag
from tenants.actions import admit_member
from tenants.context import acting_as, as_platform
from tenants.data import Actor
from tenants.models import FeedEvent, LedgerEntry, User, new_id
from tests import personas
from tests.integration.edge.scenes import Gateway, gateway, reading
from tests.personas import Organisation

FAN = "FAN-01"
REASON = "dust is to settle before the blast"


def switch(owner: Organisation, **changed: object) -> CommandType:
    """A type: a fan is switched on or off, by two persons, and not while methane is open at the site."""
    terms = {"name": "switch", "equipment_kind": "fan", "tag": "running", "unit": "1", "read_back_tag": "running"}
    limits = {"min_value": 0.0, "max_value": 1.0, "tolerance": 0.1, "interlock_alarms": ["ch4.hi"], "settles_s": 30}
    with owner.acting():
        return types.make_command_type(**{**terms, **limits, "expires_s": 120, **changed})


def born(owner: Organisation) -> Gateway:
    """A gateway that has named the fan."""
    edge = gateway(owner)
    begin(edge)
    return edge


def begin(edge: Gateway) -> Ack:
    return edge.say(Lane.P1, birth())


def birth() -> Birth:
    return Birth(datetime.now(UTC), (Tag(FAN, "running", "1"),))


@contextmanager
def second_person(owner: Organisation, role: str = "manager") -> Iterator[None]:
    with as_platform("tests", "admit a second person"):
        user = User.objects.create_user(f"{new_id()}@example.com", personas.PASSWORD, name="Second person")
        admit_member(tenant=owner.tenant, user=user, roles=[role])
    with acting_as(Actor(owner.id, user.pk, frozenset({role}), "test:direct")):
        yield


def requested(asker: Organisation, kind: CommandType, owner: Organisation, value: float = 0.0, **more: int) -> Command:
    machine = owner.equipment[FAN]
    with asker.acting():
        return actions.request_command(equipment_id=machine.pk, type_id=kind.pk, value=value, reason=REASON, **more)


def approved(owner: Organisation, command: Command) -> Command:
    with second_person(owner):
        return actions.approve_command(command=command)


def ready(owner: Organisation, **changed: object) -> Command:
    return approved(owner, requested(owner, switch(owner, **changed), owner))


def fetched(edge: Gateway) -> list[UUID]:
    """What comes with the answer to a batch."""
    return [command.id for command in edge.say(Lane.P2, reading()).commands]


def word(edge: Gateway, command: Command, state: CommandState, value: float | None = None) -> None:
    edge.say(Lane.P0, CommandStep(command.pk, state, "", datetime.now(UTC), value))


def state_of(command: Command, party: Organisation) -> str:
    with party.acting():
        return str(Command.objects.get(pk=command.pk).state)


def life(command: Command, owner: Organisation) -> list[tuple[str, str]]:
    with owner.acting():
        rows = CommandChange.objects.filter(command=command.pk).order_by("pk")
        return [(row.event, row.to_state) for row in rows]


def told(party: Organisation) -> list[str]:
    with party.acting():
        kinds = FeedEvent.objects.filter(kind__startswith="command.").order_by("seq").values_list("kind", flat=True)
        return [kind.removeprefix("command.") for kind in kinds]


def entered(party: Organisation) -> list[str]:
    with party.acting():
        rows = LedgerEntry.objects.filter(tenant=party.id, kind__startswith="command.").order_by("seq")
        return [kind.removeprefix("command.") for kind in rows.values_list("kind", flat=True)]


def places(owner: Organisation) -> dict[str, UUID]:
    """In the owner's open transaction: a type, and a command that waits for a second person."""
    machine = owner.equipment[FAN]
    terms = {"unit": "1", "read_back_tag": "running", "min_value": 0.0, "max_value": 1.0, "interlock_alarms": []}
    kind = types.make_command_type(name="switch of Aurora", equipment_kind="fan", tag="running", **terms)
    CommandRoute.objects.create(
        tenant=owner.tenant,
        equipment=machine,
        site=machine.site,
        edge="gateway of Aurora",
        boot=new_id(),
        born_at=datetime.now(UTC),
    )
    command = actions.request_command(equipment_id=machine.pk, type_id=kind.pk, value=0.0, reason=REASON)
    return {"command_id": command.pk, "command_type_id": kind.pk}

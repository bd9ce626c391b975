"""Each kind of event says what its body is; what the facts of alarms and commands write is that."""

from datetime import UTC, datetime
from uuid import uuid4

import jsonschema_rs
import pytest

from edge_bridge.commands.data import CommandFacts
from edge_bridge.commands.life import State
from edge_bridge.data import AlarmFacts
from tenants.feed.bodies import BODIES, Task, body_of
from tenants.feed.kinds import KINDS
from tenants.feed.schemas import schema_of, schema_of_body
from tenants.sharing.feed_grant import without
from tests.events import misfit

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)
ALARM = AlarmFacts(
    uuid4(),
    uuid4(),
    "methane.hi",
    "critical",
    "UNACK",
    uuid4(),
    "GAS-1",
    uuid4(),
    "North",
    "ch4",
    1,
    1.0,
    "methane",
    NOW,
    NOW,
    False,
)
COMMAND = CommandFacts(
    uuid4(), uuid4(), "speed", State.SENT, uuid4(), "FAN-1", uuid4(), "North", "speed", "1/min", 900, "", "", None,
    NOW, NOW, None, uuid4(), None,
)  # fmt: skip


@pytest.mark.parametrize(("kind", "body"), [("alarm.raised", ALARM.body()), ("command.sent", COMMAND.body())])
def test_facts_write_what_is_said_of_them(kind, body):
    assert misfit(kind, body) == []
    assert misfit(kind, without(body, frozenset({"value", "tag"}))) == []
    assert misfit(kind, body | {"tenant": "x"})
    assert misfit(kind, {key: value for key, value in body.items() if key != "value"})
    assert misfit(kind, body | {"site": "north"})


def test_every_kind_has_a_body_and_every_body_a_kind():
    assert {body_of(kind).__name__ for kind in KINDS} == {body.__name__ for body in BODIES.values()}
    assert all(any(kind.startswith(beginning) for kind in KINDS) for beginning in BODIES)
    with pytest.raises(LookupError):
        body_of("weather.changed")


def test_body_leaves_out_only_what_need_not_be_there():
    fits = jsonschema_rs.validator_for(schema_of_body(Task)).is_valid
    task = dict.fromkeys(("task", "title", "status", "category", "owner", "owner_name"), "x") | {"equipment_code": None}
    assert fits(task) and fits(task | {"claimant": "x"}) and not fits(task | {"claimant": None})


def test_type_without_a_schema_is_named():
    with pytest.raises(TypeError, match="set"):
        schema_of(set[int])

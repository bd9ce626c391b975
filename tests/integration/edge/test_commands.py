"""Commands from the request to what is read back: who may, what forbids it, and that it is acted upon at most once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from edge_bridge.actions import record
from edge_bridge.alarms.actions import dismiss_set_aside
from edge_bridge.commands import actions, types
from edge_bridge.commands.access import get_command
from edge_bridge.commands.life import TRANSITIONS, State
from edge_bridge.commands.queries import types_open_for
from edge_bridge.commands.sweeps import sweep_of
from edge_bridge.models import Command, Quarantine
from edge_bridge.protocol import CommandState, CommandStep, Lane, Quality
from tenants.context import acting_as
from tenants.data import Actor, Conflict, Forbidden, Invalid, NotFound
from tenants.models import Equipment
from tenants.organisation import actions as organising
from tenants.people import actions as people
from tenants.resources import relocations
from tests.integration.edge import command_scenes as scene
from tests.integration.edge.command_scenes import FAN, REASON, ready, requested, state_of, switch, word
from tests.integration.edge.scenes import cleared, gateway, opened, raised, reading, set_aside

SAID = (CommandState.DELIVERED, CommandState.DONE)
DONE_LIFE = ["requested", "approved", "sent", "delivered", "done"]


def swept(owner, later_s: float) -> int:
    with owner.acting():
        return sweep_of(owner.id, datetime.now(UTC) + timedelta(seconds=later_s))


def lost(owner, edge, **changed) -> Command:
    """A command that was delivered and of which nothing more was heard."""
    command = ready(owner, **changed)
    scene.fetched(edge)
    word(edge, command, CommandState.DELIVERED)
    assert swept(owner, 200) == 1 and state_of(command, owner) == "unknown"
    return command


def test_command_goes_with_every_answer_until_its_first_word_and_is_told_at_each_step(aurora):
    edge = scene.born(aurora)
    command = ready(aurora)
    assert scene.fetched(edge) == scene.fetched(edge) == [command.pk]
    word(edge, command, CommandState.DELIVERED)
    assert scene.fetched(edge) == []
    word(edge, command, CommandState.DONE, 0.0)
    assert [event for event, _ in scene.life(command, aurora)] == DONE_LIFE
    assert scene.told(aurora) == scene.entered(aurora) == DONE_LIFE
    assert set_aside(aurora) == []


def test_command_needs_a_second_person_who_is_not_the_one_who_asked(aurora):
    scene.born(aurora)
    command = requested(aurora, switch(aurora), aurora)
    with aurora.acting(), pytest.raises(Conflict, match="somebody else"):
        actions.approve_command(command=command)
    with scene.second_person(aurora, "operator"), pytest.raises(Forbidden):
        actions.approve_command(command=command)
    with aurora.acting(), pytest.raises(IntegrityError, match="command_by_two_persons"), transaction.atomic():
        now, who = datetime.now(UTC), aurora.user.pk
        Command.objects.filter(pk=command.pk).update(state="approved", approved_by=who, approved_at=now)
    with aurora.acting():
        program = people.found_service_account(name="Shift planner", roles=["manager"])
    by_program = Actor(aurora.id, program.user_id, frozenset({"manager"}), "test:direct")
    with acting_as(by_program), pytest.raises(Conflict, match="a person approves"):
        actions.approve_command(command=command)
    assert scene.approved(aurora, command).state == "approved"


def test_one_person_is_enough_where_the_type_says_so_and_the_person_is_the_owners(aurora, borealis):
    edge = scene.born(aurora)
    kind = switch(aurora, needs_two_persons=False)
    command = requested(aurora, kind, aurora)
    assert command.state == "approved"
    scene.fetched(edge)
    word(edge, command, CommandState.DONE)
    opened(aurora, borealis, "send_commands", equipment=FAN)
    assert requested(borealis, kind, aurora).state == "requested"


def test_partner_asks_in_the_owners_name_and_sees_what_becomes_of_it(aurora, borealis, cassia):
    edge, kind = scene.born(aurora), switch(aurora)
    opened(aurora, borealis, "send_commands", equipment=FAN)
    with borealis.acting():
        assert [found.name for found in types_open_for(aurora.equipment[FAN].pk)] == ["switch"]
    command = requested(borealis, kind, aurora)
    assert (command.tenant_id, command.requested_for_id) == (aurora.id, borealis.id)
    with borealis.acting(), pytest.raises(NotFound):
        actions.approve_command(command=command)
    with aurora.acting():
        actions.approve_command(command=command)
    scene.fetched(edge)
    word(edge, command, CommandState.DELIVERED)
    word(edge, command, CommandState.DONE, 0.0)
    assert scene.told(borealis) == scene.told(aurora) == scene.entered(borealis) == DONE_LIFE
    assert state_of(command, borealis) == "done"
    with cassia.acting(), pytest.raises(NotFound):
        get_command(command.pk)
    with cassia.acting(), pytest.raises(NotFound):
        actions.request_command(equipment_id=aurora.equipment[FAN].pk, type_id=kind.pk, value=0.0, reason=REASON)
    assert scene.told(cassia) == []


def test_partner_who_only_sees_alarms_can_not_ask(aurora, borealis):
    scene.born(aurora)
    opened(aurora, borealis, "view_alarms", "view_telemetry")
    with pytest.raises(NotFound):
        requested(borealis, switch(aurora), aurora)


def test_open_gas_alarm_refuses_at_request_at_approval_and_at_sending(aurora):
    edge, kind = scene.born(aurora), switch(aurora)
    waiting, other = requested(aurora, kind, aurora), switch(aurora, name="speed", tag="setpoint")
    on_its_way = ready(aurora, name="pitch", tag="pitch")
    assert scene.fetched(edge) == [on_its_way.pk]
    sending = scene.approved(aurora, requested(aurora, other, aurora))
    third = switch(aurora, name="blades", tag="blades")
    assert edge.say(Lane.P0, raised()).commands == ()
    assert state_of(sending, aurora) == "refused"
    assert (scene.fetched(edge), state_of(on_its_way, aurora)) == ([], "sent")
    with pytest.raises(Conflict, match=r"interlock holds: ch4\.hi"):
        requested(aurora, third, aurora)
    with pytest.raises(Conflict, match="interlock holds"):
        scene.approved(aurora, waiting)
    edge.say(Lane.P0, cleared())
    with pytest.raises(Conflict, match="interlock holds"):  # until somebody has acknowledged it
        scene.approved(aurora, waiting)


@pytest.mark.parametrize("code", ["GAS-NEW", "TRUCK-07"])
def test_gas_alarm_that_waits_for_its_machine_refuses_at_request_at_approval_and_at_sending(aurora, code):
    """Where it stands nobody knows, so it counts for every process of the site."""
    with aurora.acting():
        relocations.move_equipment(equipment=aurora.equipment["TRUCK-07"], to_site=aurora.sites["north-mill"])
    edge, kind = scene.born(aurora), switch(aurora, interlock_zone="process")
    waiting, other = requested(aurora, kind, aurora), switch(aurora, name="speed", tag="setpoint")
    sending = scene.approved(aurora, requested(aurora, other, aurora))
    third = switch(aurora, name="pitch", tag="pitch")
    assert edge.say(Lane.P0, raised(code=code)).commands == ()
    assert state_of(sending, aurora) == "refused"
    with pytest.raises(Conflict, match=r"interlock holds: ch4\.hi .* set-aside-alarms"):
        requested(aurora, third, aurora)
    edge.say(Lane.P0, cleared(code=code))  # nobody has acknowledged it
    with pytest.raises(Conflict, match="set-aside-alarms"):
        scene.approved(aurora, waiting)
    with aurora.acting():
        for entry in Quarantine.objects.filter(waits=True, entry__event="raised"):
            dismiss_set_aside(entry=entry, reason="no such sensor")
    assert scene.approved(aurora, waiting).state == "approved"


def test_alarm_that_waits_at_another_site_or_of_another_type_forbids_nothing(aurora, borealis):
    edge, kind = scene.born(aurora), switch(aurora)
    edge.say(Lane.P0, raised(code="GAS-NEW", alarm_type="co.hi"), cleared(code="GAS-OLD"))
    gateway(aurora, "north-mill").say(Lane.P0, raised(code="GAS-NEW"))
    opened(aurora, borealis, "send_commands", equipment=FAN)
    assert requested(borealis, kind, aurora).state == "requested"
    gateway(aurora).say(Lane.P0, raised(code="GAS-NEW"))
    with pytest.raises(Conflict, match="interlock holds") as refused:
        requested(borealis, switch(aurora, name="speed", tag="setpoint"), aurora)
    assert "GAS-NEW" not in str(refused.value), "its partner may not see the site"


def test_interlock_of_a_process_lets_the_machines_of_others_be(aurora):
    edge = scene.born(aurora)
    with aurora.acting():
        for code in (FAN, "GAS-T0-01"):
            process = organising.add_process(site=aurora.sites["north"], code=code, name=code, kind="ventilation")
            Equipment.objects.filter(pk=aurora.equipment[code].pk).update(process=process)
    kind = switch(aurora, interlock_zone="process")
    edge.say(Lane.P0, raised(), raised(code="PUMP-07", alarm_type="co.hi"))
    assert requested(aurora, kind, aurora).state == "requested"
    with pytest.raises(Conflict, match=r"co\.hi"):  # nobody says in which process the pump stands
        requested(aurora, switch(aurora, name="speed", interlock_zone="process", interlock_alarms=["co.hi"]), aurora)


def test_command_is_fenced_by_the_epoch_it_was_made_for(aurora):
    edge = scene.born(aurora)
    sent = ready(aurora)
    scene.fetched(edge)
    not_sent = scene.approved(aurora, requested(aurora, switch(aurora, name="speed", tag="setpoint"), aurora))
    edge.boot, edge.next_seq = uuid4(), dict.fromkeys(Lane, 1)
    assert scene.begin(edge).commands == ()
    assert (state_of(sent, aurora), state_of(not_sent, aurora)) == ("unknown", "refused")
    # The journal of the new epoch was restored from a copy, so it doesn't know; the terminal does.
    word(edge, sent, CommandState.REFUSED)
    assert state_of(sent, aurora) == "unknown"
    word(edge, sent, CommandState.DONE, 0.0)
    assert state_of(sent, aurora) == "done"
    assert requested(aurora, switch(aurora, name="again"), aurora).boot == edge.boot


def test_command_whose_time_is_over_expires_unsent(aurora):
    edge = scene.born(aurora)
    command = requested(aurora, switch(aurora), aurora, expires_s=60)
    assert swept(aurora, 20) == 0 and swept(aurora, 61) == 1 and swept(aurora, 62) == 0
    assert state_of(command, aurora) == "expired"
    with pytest.raises(Conflict, match="is expired and can't be approved"), scene.second_person(aurora):
        actions.approve_command(command=command)
    assert scene.fetched(edge) == []


@pytest.mark.parametrize(("value", "state"), [(0.0, "done"), (1.0, "failed"), (None, "unknown")])
def test_command_that_nobody_spoke_of_is_judged_by_what_is_read_back(aurora, value, state):
    edge = scene.born(aurora)
    edge.say(Lane.P2, reading(0.0, code=FAN, tag="running", ago_s=5))  # says nothing of a command that was sent later
    command = lost(aurora, edge)
    if value is not None:
        edge.say(Lane.P2, reading(value, code=FAN, tag="running"))
    assert swept(aurora, 300) == 1 and swept(aurora, 600) == 0
    assert state_of(command, aurora) == state


def test_what_is_read_back_was_measured_after_the_sending_whatever_stamps_came_before(aurora):
    edge = scene.born(aurora)
    edge.say(Lane.P2, reading(1.0, code=FAN, tag="running", ago_s=-3600))  # by a clock that is put right afterwards
    command = lost(aurora, edge)
    assert swept(aurora, 10) == 1 and state_of(command, aurora) == "unknown"
    newest, late = reading(0.0, code=FAN, tag="running"), reading(1.0, code=FAN, tag="running", ago_s=0.01)
    broken = replace(reading(1.0, code=FAN, tag="running"), quality=Quality.BAD)
    edge.say(Lane.P2, newest, late, broken)
    assert swept(aurora, 10) == 1 and state_of(command, aurora) == "done"


def test_late_word_is_heard_after_the_cloud_lost_sight_of_it(aurora):
    edge = scene.born(aurora)
    command = lost(aurora, edge)
    word(edge, command, CommandState.EXPIRED)
    assert state_of(command, aurora) == "expired" and swept(aurora, 300) == 0


def test_word_of_done_with_another_value_is_a_failure(aurora):
    edge = scene.born(aurora)
    command = ready(aurora)
    scene.fetched(edge)
    word(edge, command, CommandState.DONE, 1.0)
    assert state_of(command, aurora) == "failed"


def test_word_that_comes_twice_changes_nothing(aurora):
    edge = scene.born(aurora)
    command = ready(aurora)
    scene.fetched(edge)
    for state in (CommandState.DELIVERED, CommandState.DONE, CommandState.DELIVERED, CommandState.FAILED):
        word(edge, command, state)
    assert state_of(command, aurora) == "done" and scene.told(aurora) == DONE_LIFE
    assert scene.life(command, aurora)[-2:] == [("delivered", "done"), ("failed", "done")]


def test_word_about_a_command_that_a_restored_cloud_had_not_sent_yet_counts(aurora):
    edge = scene.born(aurora)
    command = ready(aurora)
    edge.say(Lane.P0, *(CommandStep(command.pk, state, "", datetime.now(UTC), 0.0) for state in SAID))
    assert scene.fetched(edge) == []
    assert [event for event, _ in scene.life(command, aurora)] == DONE_LIFE


def test_word_about_a_command_of_somebody_else_is_set_aside(aurora, borealis):
    edge = scene.born(aurora)
    command = ready(aurora)
    scene.fetched(edge)
    other = gateway(aurora, "north-mill")
    for id_ in (command.pk, uuid4()):
        other.say(Lane.P0, CommandStep(id_, CommandState.DONE, "", datetime.now(UTC), None))
    assert len(set_aside(aurora)) == 2 and state_of(command, aurora) == "sent"


def test_command_is_withdrawn_only_before_it_is_sent(aurora):
    edge = scene.born(aurora)
    kind = switch(aurora)
    first = requested(aurora, kind, aurora)
    with pytest.raises(Conflict, match="Another command for this is open"):
        requested(aurora, kind, aurora)
    with aurora.acting():
        assert actions.withdraw_command(command=first, reason="not needed").state == "withdrawn"
    second = scene.approved(aurora, requested(aurora, kind, aurora))
    scene.fetched(edge)
    with aurora.acting(), pytest.raises(Conflict, match="is sent and can't be withdrawn"):
        actions.withdraw_command(command=second, reason="too late")


def test_what_can_not_be_sent_is_refused_in_words(aurora):
    kind = switch(aurora)
    adapted = gateway(aurora)
    with acting_as(adapted.actor):
        record(device=adapted.device, batch=adapted.batch(Lane.P1, scene.birth()), are_converted=True)
    with pytest.raises(Conflict, match="No gateway at its site has named this machine"):
        requested(aurora, kind, aurora)
    scene.born(aurora)
    with pytest.raises(Invalid, match="out of the range"):
        requested(aurora, kind, aurora, value=1.5)
    with pytest.raises(Invalid, match="can't wait so long"):
        requested(aurora, kind, aurora, expires_s=121)
    with aurora.acting():
        types.retire_command_type(kind=kind)
    with pytest.raises(Invalid, match="no such type"):
        requested(aurora, kind, aurora)
    kind, fan = switch(aurora), Equipment.objects.filter(pk=aurora.equipment[FAN].pk)
    with aurora.acting():
        fan.update(status=Equipment.Status.OUT_OF_SERVICE)
    with pytest.raises(Conflict, match="FAN-01 is not in service"):
        requested(aurora, kind, aurora)


ACCEPTED = """
CREATE FUNCTION pg_temp.accepted(one uuid, path text[], states text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  step text; after text;
BEGIN
  FOREACH after IN ARRAY states LOOP
    BEGIN
      INSERT INTO edge_bridge_command SELECT (jsonb_populate_record(c, jsonb_build_object(
          'id', gen_random_uuid(), 'tag', 'moved', 'needs_two_persons', false))).*
        FROM edge_bridge_command c WHERE c.id = one;
      UPDATE edge_bridge_command SET approved_at = now(), sent_at = now() WHERE tag = 'moved';
      FOREACH step IN ARRAY path || after LOOP
        UPDATE edge_bridge_command SET state = step WHERE tag = 'moved';
      END LOOP;
      RETURN NEXT after;
      RAISE EXCEPTION 'undone' USING ERRCODE = 'P0002';
    EXCEPTION WHEN check_violation OR no_data_found THEN NULL;
    END;
  END LOOP;
END $$;
"""


def path_to(state: State) -> list[str]:
    """The states passed through on a shortest way from the request."""
    paths = {State.REQUESTED: [str(State.REQUESTED)]}
    while state not in paths:
        paths = {
            after: [*paths[before], str(after)] for (before, _), after in TRANSITIONS.items() if before in paths
        } | paths
    return paths[state]


def test_database_takes_the_steps_of_the_table_and_no_others(aurora):
    scene.born(aurora)
    command, words = requested(aurora, switch(aurora), aurora), [str(state) for state in State]
    with aurora.acting(), connection.cursor() as cursor:
        cursor.execute(ACCEPTED)
        for before in State:
            cursor.execute("SELECT pg_temp.accepted(%s, %s, %s)", [command.pk, path_to(before), words])
            moved = {row[0] for row in cursor.fetchall()}
            assert moved == {str(after) for (state, _), after in TRANSITIONS.items() if state == before} | {str(before)}


def test_what_was_asked_for_never_changes(aurora):
    scene.born(aurora)
    command = requested(aurora, switch(aurora), aurora)
    for column in ("value = 1", "not_after = now()", "reason = 'other'", "boot = gen_random_uuid()"):
        refused = pytest.raises(IntegrityError, match="never changes")
        with aurora.acting(), connection.cursor() as cursor, refused, transaction.atomic():
            cursor.execute(f"UPDATE edge_bridge_command SET {column} WHERE id = %s", [command.pk])


def standing(client) -> list[tuple[str, str]]:
    """In the snapshot of the feed."""
    items = client.get("/api/v1/feed/snapshot").json()["snapshot"]["commands"]["items"]
    return [(item["command"], item["state"]) for item in items]


def test_command_is_asked_for_once_and_carried_through_over_http(aurora):
    edge, kind, client = scene.born(aurora), switch(aurora), aurora.client()
    body = {"equipment": str(aurora.equipment[FAN].pk), "type": str(kind.pk), "value": 0, "reason": REASON}
    first, again = (client.post("/api/v1/commands", body, HTTP_IDEMPOTENCY_KEY="stop") for _ in range(2))
    assert first.status_code == again.status_code == 201 and first.json()["id"] == again.json()["id"]
    url = f"/api/v1/commands/{first.json()['id']}"
    assert standing(client) == [(first.json()["id"], "requested")]
    assert client.post(f"{url}/approve").status_code == 409
    with scene.second_person(aurora):
        actions.approve_command(command=Command.objects.get(pk=first.json()["id"]))
    assert edge.post(edge.batch(Lane.P2, reading())).json()["commands"][0]["id"] == first.json()["id"]
    word(edge, Command(pk=first.json()["id"]), CommandState.DONE, 0.0)
    shown = client.get(url).json()
    assert (shown["state"], shown["read_back"]) == ("done", 0.0)
    assert [change["event"] for change in shown["changes"]] == ["requested", "approved", "sent", "done"]
    assert standing(client) == []
    assert [row["id"] for row in client.get("/api/v1/commands?state=done").json()["results"]] == [first.json()["id"]]
    wrong = client.post("/api/v1/commands", {**body, "value": 7})
    assert wrong.status_code == 422 and wrong.json()["errors"][0]["pointer"] == "/value"

"""The table of states in the database, cell by cell: what no event leads to is refused to every statement."""

from itertools import product
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction

from edge_bridge.alarm import TRANSITIONS, Event, State
from edge_bridge.models import Alarm
from edge_bridge.protocol import Lane
from tests.architecture.test_tables import planted
from tests.integration.edge.scenes import gateway, raised

NOTES = ("updated", "commented", "assigned", "escalated", "folded")
# Every row is brought to the state it begins in by force, as only the owner of the tables can, and then by UPDATE.
ACCEPTED_MOVES = """
CREATE FUNCTION pg_temp.accepted_moves(one uuid, states text[]) RETURNS SETOF text[] LANGUAGE plpgsql AS $$
DECLARE
  before text; after text;
BEGIN
  FOREACH before IN ARRAY states LOOP FOREACH after IN ARRAY states LOOP
    BEGIN
      INSERT INTO edge_bridge_alarm SELECT (jsonb_populate_record(a, jsonb_build_object(
          'id', gen_random_uuid(), 'alarm_type', 'moved', 'state', before, 'silenced_reason', 'test',
          'shelved_until', CASE before WHEN 'SHLVD' THEN now() END,
          'cleared_at', CASE WHEN before IN ('NORM', 'RTNUN') THEN now() END))).*
        FROM edge_bridge_alarm a WHERE a.id = one;
      UPDATE edge_bridge_alarm SET state = after,
          shelved_until = CASE after WHEN 'SHLVD' THEN now() END,
          cleared_at = CASE WHEN after IN ('NORM', 'RTNUN') THEN now() END
        WHERE alarm_type = 'moved';
      RETURN NEXT ARRAY[before, after];
      RAISE EXCEPTION 'undone' USING ERRCODE = 'P0002';
    EXCEPTION WHEN check_violation OR no_data_found THEN NULL;
    END;
  END LOOP; END LOOP;
END $$;
"""
ACCEPTED_STEPS = """
CREATE FUNCTION pg_temp.accepted_steps(one uuid, words text[], states text[]) RETURNS SETOF text[]
LANGUAGE plpgsql AS $$
DECLARE
  word text; before text; after text;
BEGIN
  FOREACH word IN ARRAY words LOOP FOREACH before IN ARRAY states LOOP FOREACH after IN ARRAY states LOOP
    BEGIN
      INSERT INTO edge_bridge_alarmchange SELECT (jsonb_populate_record(c, jsonb_build_object(
          'id', gen_random_uuid(), 'event', word, 'from_state', before, 'to_state', after))).*
        FROM edge_bridge_alarmchange c WHERE c.alarm_id = one AND c.event = 'raised' LIMIT 1;
      RETURN NEXT ARRAY[word, before, after];
    EXCEPTION WHEN check_violation THEN NULL;
    END;
  END LOOP; END LOOP; END LOOP;
END $$;
"""


@pytest.mark.parametrize(
    ("column", "index"),
    [
        ("site_id", "alarm_of_site_newest"),
        ("equipment_id", "alarm_of_equipment_newest"),
        ("folded_into_id", "alarm_folded"),
    ],
)
def test_alarms_of_a_place_or_a_flood_are_found_by_one_index(column, index):
    found = [name for name, columns in indexes_of("edge_bridge_alarm") if columns[0] == column]
    assert found == [index]
    with planted("SET LOCAL enable_seqscan = off") as cursor:
        plan = cursor.execute(f"EXPLAIN SELECT FROM edge_bridge_alarm WHERE {column} = %s", [UUID(int=0)]).fetchall()
    assert any(index in line for (line,) in plan), plan


def indexes_of(table: str) -> list[tuple[str, list[str]]]:
    """Names with their columns in order."""
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, table)
    return [(name, about["columns"]) for name, about in constraints.items() if about["index"] or about["unique"]]


def accepted(owner, definition: str, call: str, *arguments: object) -> set[tuple[str, ...]]:
    with owner.acting(), connection.cursor() as cursor:
        alarm = Alarm.objects.get(tenant=owner.id)
        cursor.execute(definition)
        cursor.execute(call, [alarm.pk, *arguments])
        found = {tuple(row[0]) for row in cursor.fetchall()}
        transaction.set_rollback(True)
    return found


def test_database_takes_an_alarm_only_where_an_event_of_the_table_leads(aurora):
    gateway(aurora).say(Lane.P0, raised())
    moves = accepted(aurora, ACCEPTED_MOVES, "SELECT pg_temp.accepted_moves(%s, %s)", [str(state) for state in State])
    stays = {(str(state), str(state)) for state in State}
    assert moves == {(str(before), str(after)) for (before, _), after in TRANSITIONS.items()} | stays


def test_database_keeps_only_steps_of_the_table_and_notes_that_change_nothing(aurora):
    gateway(aurora).say(Lane.P0, raised())
    states = [str(state) for state in State]
    words = [*(str(event) for event in Event), *NOTES, "invented"]
    found = accepted(aurora, ACCEPTED_STEPS, "SELECT pg_temp.accepted_steps(%s, %s, %s)", words, states)
    cells = {(str(event), str(before), str(after)) for (before, event), after in TRANSITIONS.items()}
    assert found == cells | {(note, state, state) for note, state in product(NOTES, states)}


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"state": "SHLVD", "silenced_reason": "why"}, "alarm_shelf_has_end"),
        ({"state": "OOSRV"}, "alarm_silenced_with_reason"),
        ({"state": "RTNUN"}, "alarm_cleared_as_state_says"),
        ({"device": None}, "alarm_of_equipment_has_gateway"),
    ],
)
def test_row_that_contradicts_its_state_is_refused(aurora, values, constraint):
    gateway(aurora).say(Lane.P0, raised())
    with pytest.raises(IntegrityError, match=constraint), aurora.acting():
        Alarm.objects.update(**values)

"""No way past the record of shared reads: every table that the wall opens to partners notes its rows as they load.

What doesn't load rows (columns, figures, raw statements) is refused for these tables, or is listed here with a reason.
"""

import ast
import re
from functools import cache
from pathlib import Path
from uuid import uuid4

from django.apps import apps
from django.db import connection

from tenants.models.shared import SharedModel, shared_models

ROOT = Path(__file__).resolve().parents[2]
OPENED_BY = re.compile(r"(granted|immediate|delayed)_|by_grant|live_grants|edge_bridge_(series|alarm|command)\b")

NOTED_OTHERWISE = {"tenants_feedevent": "the recipient's own rows; feed.log notes those that a grant opens"}
# Raw statements over shared tables.
RAW = {
    "edge_bridge/adapters/queries.py": "what of the organisation's own device's message is stored",
    "edge_bridge/alarms/health.py": "figures of own alarms; of others' sites it answers nothing",
    "edge_bridge/catalogue/grounds.py": "own limits, for the alarms of own gateways",
    "edge_bridge/commands/delivery.py": "what waits for the organisation's own gateway",
    "edge_bridge/intake.py": "writes what the organisation's own gateway sends",
    "edge_bridge/readings/daily.py": "figures of own series; of others' it answers nothing",
    "edge_bridge/readings/retention.py": "removes what is over, past the wall",
    "edge_bridge/readings/rolling.py": "sums up the organisation's own readings",
    "edge_bridge/production/rolling.py": "what own machines said, for own rows",
    "edge_bridge/summaries.py": "figures, noted by `give` where they are a partner's",
    "tenants/policies.py": "the functions that the walls ask",
    "tenants/reads/live_grants.py": "where the equipment of a grant is, for the notes themselves",
}


def test_every_table_that_grants_open_notes_its_rows(aurora):
    noted = {model._meta.db_table for model in shared_models()}
    with aurora.acting(), connection.cursor() as cursor:
        cursor.execute("SELECT tablename, qual FROM pg_policies WHERE policyname = 'wall_select'")
        opened = {table for table, condition in cursor.fetchall() if OPENED_BY.search(condition)}
    assert opened - noted == set(NOTED_OTHERWISE), "make it a SharedModel"
    assert noted <= opened


def test_what_may_be_hidden_is_a_column_and_no_key():
    for model in shared_models():
        for name in model.maskable:
            field = model._meta.get_field(name)
            assert field.concrete and not field.primary_key and not field.unique, (model, name)


def test_no_list_is_ordered_or_filtered_by_what_may_be_hidden():
    """Order and filters would tell it; the lists of shared rows are newest first, and their filters are these."""
    from edge_bridge.alarms.serializers import AlarmFilterSerializer

    hidden = {name for model in shared_models() for name in model.maskable}
    of_own_rows = {"assigned_to": str(uuid4()), "escalated_to_me": True}
    assert hidden & set(AlarmFilterSerializer().fields) <= set(of_own_rows)
    for name, value in of_own_rows.items():
        assert AlarmFilterSerializer(data={name: value}).is_valid()
        assert not AlarmFilterSerializer(data={"shared": True, name: value}).is_valid()


def test_raw_statements_over_shared_tables_are_known():
    tables = re.compile("|".join(rf"\b{model._meta.db_table}\b" for model in shared_models()))
    found = set()
    for app in ("tenants", "edge_bridge", "marketplace", "optimization", "cloudmining"):
        for path in (ROOT / app).rglob("*.py"):
            if "migrations" not in path.parts and any(tables.search(text) for text in _literals(path)):
                found.add(str(path.relative_to(ROOT)))
    assert found - {"edge_bridge/models/reading.py"} == set(RAW)


def test_other_tables_reach_no_column_that_may_be_hidden_by_name():
    """`values("alarm__value")` on another table would pass the notes by: paths that end so are in nobody's code."""
    ends = {f"__{name}" for model in shared_models() for name in model.maskable} - {"__name", "__kind"}
    named = re.compile(rf"^\w+({'|'.join(sorted(ends))})$")
    places = {
        field.name for model in apps.get_models() for field in model._meta.get_fields() if _leads_to_shared(field)
    }
    for app in ("tenants", "edge_bridge", "marketplace", "optimization", "cloudmining"):
        for path in (ROOT / app).rglob("*.py"):
            for text in _literals(path):
                assert not (named.match(text) and set(text.split("__")) & places), (path, text)


def _leads_to_shared(field) -> bool:
    model = getattr(field, "related_model", None)
    return isinstance(model, type) and issubclass(model, SharedModel)


@cache
def _literals(path: Path) -> list[str]:
    tree = ast.parse(path.read_text())
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]

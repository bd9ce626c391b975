"""What row-level security costs on a million alarms: the same reads past the policies, and by guardian's generic way.

    python -m bench.walls [--tenants 500] [--alarms 1000000] [--rounds 60] [--keep NAME]

Needs the environment of a test cluster (`DATABASE_ADMIN_URL` and its siblings); makes a database of its own, with 200
grants to each tenant, and drops it, or with `--keep` leaves it under that name for the next run. Each read is the one
that the product makes, its SQL taken from the query sets, run as the application's role with the identity set and as
the platform's role, which passes the policies, in turns. Milliseconds are medians.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psycopg

from bench.scratch import scratch_database
from tests.database import with_database

SITES, PARTNERS = 10, 20

# Superuser's SQL past triggers and checks of references: a million rows through the actions would take hours.
FILL = """
SET session_replication_role = replica;
CREATE TEMP TABLE t AS SELECT n, uuidv7() AS id FROM generate_series(0, %(tenants)s - 1) AS n;
INSERT INTO tenants_tenant (id, slug, name, kind, listed, time_zone, currency, created_at)
  SELECT id, 'bench-' || n, 'Tenant ' || n, 'mining_group', true, 'UTC', 'USD', now() FROM t;
INSERT INTO auth_group (name) SELECT id::text FROM t;
CREATE TEMP TABLE s AS SELECT t.n, t.id AS tenant_id, k, uuidv7() AS id, uuidv7() AS equipment_id, uuidv7() AS device_id
  FROM t, generate_series(1, %(sites)s) AS k;
CREATE TEMP TABLE pair AS
  SELECT o.n, o.id AS owner, g.id AS grantee, uuidv7() AS agreement, uuidv7() AS version, k, grp.id AS group_id
    FROM t AS o, generate_series(1, %(partners)s) AS k, t AS g, auth_group AS grp
   WHERE g.n = (o.n + k * 7) %% %(tenants)s AND grp.name = g.id::text;
"""
ROWS = {
    "tenants_site": "SELECT id, tenant_id, 'site-' || k AS code, 'Site ' || k AS name, 'mine' AS kind,"
    " 'USD' AS currency, 'metric' AS units FROM s",
    "tenants_equipment": "SELECT equipment_id AS id, tenant_id, id AS site_id, 'GAS-' || k AS code, 'Gas' AS name,"
    " 'gas_sensor' AS kind FROM s",
    "edge_bridge_device": "SELECT device_id AS id, tenant_id, id AS site_id, 'gw' AS name,"
    " device_id::text AS secret_hash FROM s",
    "tenants_agreement": "SELECT agreement AS id, owner AS tenant_id, grantee AS partner_id, 'Watch' AS title,"
    " 'bilateral' AS kind, 'watch' AS purpose, 'active' AS status, 1 AS version, '' AS statute,"
    " '' AS end_reason, now() AS offered_at FROM pair",
    "tenants_agreementversion": "SELECT version AS id, owner AS tenant_id, agreement AS agreement_id, 1 AS number,"
    " owner AS author_id, '' AS terms, '' AS text, '' AS text_hash, now() AS offered_at FROM pair",
    "tenants_clause": "SELECT uuidv7() AS id, p.owner AS tenant_id, p.agreement AS agreement_id,"
    " p.version AS version_id, s.id AS site_id, '{view_alarms}'::varchar[] AS permissions,"
    " tstzrange(now() - interval '1 day', NULL) AS during, '' AS purpose, '{}'::varchar[] AS field_mask,"
    " 0 AS delay_s, 0 AS floor_n, '' AS price_per FROM pair p JOIN s ON s.tenant_id = p.owner",
    "tenants_sitegroupobjectpermission": "SELECT uuidv7() AS id, p.owner AS tenant_id, p.grantee AS grantee_id,"
    " p.agreement AS agreement_id, c.id AS clause_id, c.during, '' AS purpose, '{}'::varchar[] AS field_mask,"
    " 0 AS delay_s, 0 AS floor_n, p.group_id, c.site_id AS content_object_id, %(permission)s AS permission_id"
    " FROM pair p JOIN tenants_clause c ON c.agreement_id = p.agreement",
    "edge_bridge_alarm": "SELECT uuidv7() AS id, tenant_id, id AS site_id, equipment_id, device_id,"
    " 'ch4.hi.' || n_alarm AS alarm_type, 'high' AS severity, 'UNACK' AS state, 'CH4' AS tag, 1.2 AS value,"
    " 1.0 AS limit, 'ch4' AS rule, false AS historical, now() AS raised_at, now() AS occurred_at,"
    " now() AS received_at FROM generate_series(1, %(each)s) AS n_alarm, s",
    "guardian_groupobjectpermission": "SELECT group_id, permission_id, content_object_id::text AS object_pk,"
    " %(content_type)s AS content_type_id FROM tenants_sitegroupobjectpermission",
    # What bench-0 was told of: its own alarms and those on the sites that its partners opened, by the grant.
    "tenants_feedevent": "SELECT uuidv7() AS id, r.id AS tenant_id, row_number() OVER (ORDER BY a.id) AS seq,"
    " 'alarm.raised' AS kind, 'view_alarms' AS permission, a.tenant_id AS author_id, a.site_id, a.equipment_id,"
    " CASE WHEN a.tenant_id = r.id THEN '{}' ELSE ARRAY[g.id] END AS grant_ids,"
    " jsonb_build_object('alarm', a.id, 'type', a.alarm_type) AS body, now() AS occurred_at, now() AS recorded_at"
    " FROM tenants_tenant r CROSS JOIN edge_bridge_alarm a LEFT JOIN tenants_sitegroupobjectpermission g"
    " ON g.grantee_id = r.id AND g.content_object_id = a.site_id"
    " WHERE r.slug = 'bench-0' AND (a.tenant_id = r.id OR g.id IS NOT NULL)",
}
NEEDED = """
SELECT attname, format_type(atttypid, NULL) FROM pg_attribute a
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attnotnull AND d.oid IS NULL AND attidentity = ''
"""
PLAIN = {"timestamp with time zone": "now()", "boolean": "false", "jsonb": "'{}'::jsonb"}


def main() -> None:
    options = _options()
    with scratch_database(options.keep) as is_new:
        if is_new:
            begun = time.perf_counter()
            _fill(options)
            print(f"filled in {time.perf_counter() - begun:.0f} s")
        _compare(_reader(), options.rounds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenants", type=int, default=500)
    parser.add_argument("--alarms", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--keep", default="", metavar="NAME", help="leave the database for the next run")
    return parser.parse_args()


def _fill(options: argparse.Namespace) -> None:
    from django.conf import settings
    from django.contrib.auth.models import Permission
    from django.contrib.contenttypes.models import ContentType

    from tenants.models import Site

    kind = ContentType.objects.get_for_model(Site)
    permission = Permission.objects.get(content_type=kind, codename="view_alarms")
    each = options.alarms // (options.tenants * SITES)
    values = {"tenants": options.tenants, "sites": SITES, "partners": PARTNERS, "each": each}
    values |= {"permission": permission.pk, "content_type": kind.pk}
    url = with_database(os.environ["DATABASE_ADMIN_URL"], settings.DATABASES["default"]["NAME"])
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as admin:
        admin.execute(FILL, values)
        for table, rows in ROWS.items():
            count = _insert(admin, table, rows, values)
            print(f"{count:>9,} {table}")
        admin.execute("VACUUM ANALYZE")


def _insert(admin: psycopg.Connection[Any], table: str, rows: str, values: dict[str, Any]) -> int:
    """The rows, and for each column that they leave out and that must not be empty a plain value of its type."""
    given = [column.name for column in admin.execute(f"SELECT * FROM ({rows}) AS r LIMIT 0", values).description or ()]
    more = {name: _plain(kind) for name, kind in admin.execute(NEEDED, [table]).fetchall() if name not in given}
    names = ", ".join(f'"{name}"' for name in [*given, *more])
    extra = "".join(f", {value}" for value in more.values())
    return admin.execute(f"INSERT INTO {table} ({names}) SELECT r.*{extra} FROM ({rows}) AS r", values).rowcount


def _plain(kind: str) -> str:
    if kind in PLAIN:
        return PLAIN[kind]
    if kind.endswith("[]"):
        return f"'{{}}'::{kind}"
    return "''" if "char" in kind or kind == "text" else "0"


def _reader() -> Any:
    """A member of the first organisation, in the group that its grants name."""
    from tenants.actions import admit_member
    from tenants.context import as_platform
    from tenants.data import Actor
    from tenants.models import Tenant, User

    with as_platform("bench", "a reader"):
        tenant = Tenant.objects.get(slug="bench-0")
        email = f"reader-{time.time_ns()}@example.com"
        user = User.objects.create_user(email, "ore-and-rails-2026", name="Reader")
        admit_member(tenant=tenant, user=user, roles=["owner"])
    return Actor(tenant.pk, user.pk, frozenset({"owner"}), "bench:walls")


def _compare(reader: Any, rounds: int) -> None:
    own = _own_list(reader)
    plain = _both_ways(reader, "own alarms, newest 50", own, rounds)
    both = _both_ways(reader, "own and shared notices, newest 50", _notices(reader), rounds)
    _both_ways(reader, "shared alarms, newest 50", _shared_list(reader), rounds)
    print(f"own and shared / own: {both / plain:.1f} (target 3)")
    _single_gets(reader, rounds)
    _guardian(reader, rounds)
    _request(reader, rounds)


Query = tuple[str, tuple[Any, ...]]


def _own_list(reader: Any) -> Query:
    from edge_bridge.queries import alarms
    from tenants.context import acting_as

    with acting_as(reader):
        return alarms().order_by("-pk")[:50].query.sql_with_params()


def _shared_list(reader: Any) -> Query:
    from edge_bridge.queries import alarms
    from tenants.context import acting_as

    with acting_as(reader):
        return alarms(shared=True).order_by("-pk")[:50].query.sql_with_params()


def _notices(reader: Any) -> Query:
    """What the organisation was told, own and shared, as its feed keeps it: one row a recipient."""
    from tenants.models import FeedEvent

    return FeedEvent.objects.filter(tenant=reader.tenant_id).order_by("-seq")[:50].query.sql_with_params()


def _both_ways(reader: Any, what: str, query: Query, rounds: int) -> float:
    """Milliseconds behind the policies; prints them beside those past the policies, and the plan behind them."""
    from tenants.context import acting_as, as_platform

    def run(way: Callable[[], AbstractContextManager[Any]]) -> tuple[float, int]:
        with way() as current:
            current.leaves_trace = False
            return _timed(current.alias, query)

    def behind() -> AbstractContextManager[Any]:
        return acting_as(reader)

    def past() -> AbstractContextManager[Any]:
        return as_platform("bench", "the same read past the policies")

    pairs = [(run(behind), run(past)) for _ in range(rounds)]
    mine, free = (statistics.median(pair[side][0] for pair in pairs) for side in (0, 1))
    counts = {pair[side][1] for pair in pairs for side in (0, 1)}
    print(f"{what}: {mine:.2f} ms, past the policies {free:.2f} ms, {mine / free:.2f} times; {counts} rows")
    with acting_as(reader):
        print("".join(f"    {line}\n" for line in _plan(query)), end="")
    return mine


def _timed(alias: str, query: Query) -> tuple[float, int]:
    from django.db import connections

    with connections[alias].cursor() as cursor:
        begun = time.perf_counter()
        cursor.execute(*query)
        rows = cursor.fetchall()
        return (time.perf_counter() - begun) * 1000, len(rows)


def _plan(query: Query) -> list[str]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, BUFFERS OFF) {query[0]}", query[1])
        lines = [row[0] for row in cursor.fetchall()]
    return [line[:150] for line in lines if "Filter" not in line or "Removed" in line]


def _median_ms(run: Callable[[], Any], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        run()
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def _single_gets(reader: Any, rounds: int) -> None:
    """Through the door that authorises, in a transaction each, as a request does."""
    from edge_bridge.access import get_alarm
    from edge_bridge.queries import alarms
    from tenants.context import acting_as

    with acting_as(reader):
        ids = {"own": alarms()[:1].get().pk, "shared": alarms(shared=True)[:1].get().pk}

    def get(alarm_id: Any) -> None:
        with acting_as(reader):
            get_alarm(alarm_id)

    for what, alarm_id in ids.items():
        print(
            f"single get, {what}: {_median_ms(lambda found=alarm_id: get(found), rounds):.2f} ms with its transaction"
        )


def _guardian(reader: Any, rounds: int) -> None:
    """The peer: the same grants in guardian's generic table, asked by its shortcut, past the policies."""
    from unittest.mock import patch  # guardian chooses its table by the model; this is the way to its generic one

    from guardian import shortcuts
    from guardian.models import GroupObjectPermission

    from edge_bridge.models import Alarm
    from tenants.context import as_platform
    from tenants.models import Site, User

    def generic() -> None:
        with as_platform("bench", "guardian's generic way") as current:
            current.leaves_trace = False
            user = User.objects.get(pk=reader.user_id)
            with patch.object(shortcuts, "get_group_obj_perms_model", lambda *_: GroupObjectPermission):
                sites = shortcuts.get_objects_for_user(user, "view_alarms", Site, accept_global_perms=False)
                assert len(list(Alarm.objects.filter(site__in=sites).order_by("-pk")[:50])) == 50

    def ours() -> None:
        from edge_bridge.queries import alarms
        from tenants.context import acting_as

        with acting_as(reader):
            assert len(list(alarms(shared=True).order_by("-pk")[:50])) == 50

    print(f"shared list through the code: {_median_ms(ours, rounds // 3):.1f} ms")
    print(f"guardian's get_objects_for_user on its generic table: {_median_ms(generic, rounds // 3):.1f} ms")


def _request(reader: Any, rounds: int) -> None:
    from datetime import UTC, datetime, timedelta

    from rest_framework.test import APIClient

    from tenants.actions import make_api_key
    from tenants.context import acting_as

    with acting_as(reader):
        expires_at = datetime.now(UTC) + timedelta(hours=1)
        _, secret = make_api_key(name="bench", scopes=["view_alarms", "view_agreements"], expires_at=expires_at)
    client = APIClient(SERVER_NAME="127.0.0.1")
    client.credentials(HTTP_AUTHORIZATION=f"Api-Key {secret}")

    def get(path: str) -> None:
        answer = client.get(path)
        assert answer.status_code == 200, answer.content

    for path in ("/api/v1/alarms", "/api/v1/alarms?shared=true"):
        print(f"GET {path}: p50 {_median_ms(lambda asked=path: get(asked), rounds):.1f} ms")


if __name__ == "__main__":
    main()

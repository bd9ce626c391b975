"""The rows of `bench.walls`: organisations, their sites, alarms, and grants to partners on all of their sites.

By a superuser's SQL past triggers and checks of references: a million rows through the actions would take hours.
"""

import os
from typing import Any

import psycopg

from tests.database import with_database

SITES, PARTNERS = 10, 20

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


def fill(tenants: int, alarms: int) -> None:
    """`tenants` organisations, bench-0 and on, `alarms` in all; the grants are in guardian's generic table too."""
    from django.conf import settings
    from django.contrib.auth.models import Permission
    from django.contrib.contenttypes.models import ContentType

    from tenants.models import Site

    kind = ContentType.objects.get_for_model(Site)
    permission = Permission.objects.get(content_type=kind, codename="view_alarms")
    each = alarms // (tenants * SITES)
    values = {"tenants": tenants, "sites": SITES, "partners": PARTNERS, "each": each}
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

"""Row-level security as migration operations: `Wall` closes a table, `SQL_FUNCTIONS` are what its policies ask.

Policies depend on transaction-scoped settings (`app.tenant`, `app.user`, `app.credential`), never on database roles.
FORCE makes them hold for the table's owner too. With no identity set every function answers NULL or nothing: zero rows.
"""

from dataclasses import dataclass
from typing import Any

from django.db.migrations import RunSQL
from django.db.migrations.operations.base import Operation
from django.db.models import Model

from tenants.models.base import TenantForeignKey

ME = "(SELECT wall.tenant())"
MY_USER = "(SELECT wall.user_id())"
MY_CREDENTIAL = "(SELECT wall.credential())"
OWN = f"tenant_id = {ME}"
# What code that counts failed sign-ins presents; no email address and no hash of a secret reads like it.
SIGN_IN = "failed sign-ins"


def own_or_granted(
    permission: str, *, site: str = "site_id", equipment: str = "equipment_id", changed_at: str | None = None
) -> str:
    """Own rows, or rows on a site or piece of equipment that a partner opened with `permission`.

    One opaque CASE: the planner can't turn it into a bitmap scan, and for own rows the arrays are never computed. With
    `changed_at` (when a row was last written) grants with a delay show it that much later, those with a floor never;
    without it (what hardly changes, such as a tag's name) the row is shown by any grant in force.
    """
    if changed_at is None:
        return f"CASE WHEN {OWN} THEN true ELSE {_opened('granted', permission, site, equipment)} END"
    return (
        f"CASE WHEN {OWN} THEN true ELSE {_opened('immediate', permission, site, equipment)} "
        f"OR ({_opened('delayed', permission, site, equipment)}) "
        f"AND {changed_at} <= now() - wall.delay('{permission}', {site}, {equipment}) END"
    )


def _opened(how: str, permission: str, site: str, equipment: str) -> str:
    return (
        f"{site} = ANY (ARRAY(SELECT wall.{how}_sites('{permission}'))) OR "
        f"{equipment} = ANY (ARRAY(SELECT wall.{how}_equipment('{permission}')))"
    )


@dataclass(frozen=True)
class Reference:
    """A foreign key inside organisations: `(tenant_column, column)` refers to `(tenant_id, id)` of `target_table`."""

    column: str
    tenant_column: str
    target_table: str


def references_of(model: type[Model]) -> list[Reference]:
    """The composite keys that `Wall` makes for a model."""
    return [
        Reference(
            column=str(field.column),
            tenant_column=str(model._meta.get_field(field.tenant_field).column),
            target_table=field.remote_field.model._meta.db_table,
        )
        for field in model._meta.local_fields
        if isinstance(field, TenantForeignKey)
    ]


class Wall(Operation):
    """Enable and FORCE row-level security on a model's table, with its policies and composite keys.

    `read` and `write` are SQL conditions on a row. `write` guards insert, update and delete, and the row as written, so
    no update can move a row to another organisation. `insert` and `update` override it for that one verb.
    """

    reversible = True

    def __init__(
        self, model_name: str, read: str = OWN, write: str = OWN, insert: str | None = None, update: str | None = None
    ) -> None:
        self.model_name = model_name
        self.read, self.write, self.insert, self.update = read, write, insert, update

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        rest = {name: value for name in ("insert", "update") if (value := getattr(self, name))}
        return type(self).__name__, [self.model_name], {"read": self.read, "write": self.write, **rest}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The wall is no part of Django's model state."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        table = model._meta.db_table
        for statement in [*self._keys(model, table), *self._policies(table)]:
            schema_editor.execute(statement)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = from_state.apps.get_model(app_label, self.model_name)._meta.db_table
        for verb in ("select", "insert", "update", "delete"):
            schema_editor.execute(f'DROP POLICY IF EXISTS wall_{verb} ON "{table}"')
        schema_editor.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY')

    def _keys(self, model: type[Model], table: str) -> list[str]:
        columns = {field.column for field in model._meta.local_fields}
        statements = []
        if {"tenant_id", "id"} <= columns:
            statements.append(f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_tenant_key" UNIQUE (tenant_id, id)')
        for reference in references_of(model):
            statements.append(
                f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_{reference.column}_wall" '
                f'FOREIGN KEY ("{reference.tenant_column}", "{reference.column}") '
                f'REFERENCES "{reference.target_table}" (tenant_id, id) DEFERRABLE INITIALLY DEFERRED'
            )
        return statements

    def _policies(self, table: str) -> list[str]:
        insert, update = self.insert or self.write, self.update or self.write
        return [
            f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
            f'CREATE POLICY wall_select ON "{table}" FOR SELECT USING ({self.read})',
            f'CREATE POLICY wall_insert ON "{table}" FOR INSERT WITH CHECK ({insert})',
            f'CREATE POLICY wall_update ON "{table}" FOR UPDATE USING ({update}) WITH CHECK ({update})',
            f'CREATE POLICY wall_delete ON "{table}" FOR DELETE USING ({self.write})',
        ]

    def describe(self) -> str:
        return f"Close {self.model_name} with row-level security"


def closed(table: str, read: str, write: str) -> RunSQL:
    """A wall around a table whose model is not ours."""
    return RunSQL(
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"
        f"CREATE POLICY wall_select ON {table} FOR SELECT USING ({read});"
        f"CREATE POLICY wall_write ON {table} FOR ALL USING ({write}) WITH CHECK ({write});",
        f"DROP POLICY wall_select ON {table}; DROP POLICY wall_write ON {table};"
        f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;",
    )


IDENTITY_FUNCTIONS = """
CREATE SCHEMA wall;
GRANT USAGE ON SCHEMA wall TO PUBLIC;

-- After the first transaction-scoped set the setting reads '' and not NULL, hence nullif.
CREATE FUNCTION wall.tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('app.tenant', true), '')::uuid $$;
CREATE FUNCTION wall.user_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('app.user', true), '')::uuid $$;
CREATE FUNCTION wall.credential() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('app.credential', true), '') $$;
"""

# Plain functions, not SECURITY DEFINER: they read the grants under the grants' own policies.
GRANT_FUNCTIONS = """
CREATE FUNCTION wall.granted_sites(wanted text) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT g.content_object_id FROM public.tenants_sitegroupobjectpermission g
    JOIN public.auth_permission p ON p.id = g.permission_id
   WHERE g.grantee_id = (SELECT wall.tenant()) AND p.codename = wanted $$;
CREATE FUNCTION wall.granted_equipment(wanted text) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT g.content_object_id FROM public.tenants_equipmentgroupobjectpermission g
    JOIN public.auth_permission p ON p.id = g.permission_id
   WHERE g.grantee_id = (SELECT wall.tenant()) AND p.codename = wanted $$;
CREATE FUNCTION wall.live_grants() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT id FROM public.tenants_sitegroupobjectpermission WHERE grantee_id = (SELECT wall.tenant())
  UNION ALL
  SELECT id FROM public.tenants_equipmentgroupobjectpermission WHERE grantee_id = (SELECT wall.tenant()) $$;
"""


def _deliver_function(grants: str, grants_type: str) -> str:
    """The one sanctioned write across organisations: events into the recipients' feeds. Heads are locked in order."""
    return f"""
CREATE OR REPLACE FUNCTION wall.deliver(entries jsonb)
RETURNS TABLE (recipient uuid, reached bigint) LANGUAGE plpgsql AS $$
DECLARE
  me text := current_setting('app.tenant', true);
  entry record;
BEGIN
  FOR entry IN
    SELECT e.*, row_number() OVER () AS place FROM jsonb_to_recordset(entries) AS e(
      id uuid, tenant uuid, author uuid, kind text, permission text, site uuid, equipment uuid, {grants} {grants_type},
      body jsonb, occurred_at timestamptz)
    ORDER BY e.tenant, place
  LOOP
    PERFORM set_config('app.tenant', entry.tenant::text, true);
    INSERT INTO public.tenants_feedhead AS head (tenant_id, epoch, seq, min_seq, rights_epoch)
      VALUES (entry.tenant, gen_random_uuid(), 1, 1, 0)
      ON CONFLICT (tenant_id) DO UPDATE SET seq = head.seq + 1
      RETURNING head.tenant_id, head.seq INTO recipient, reached;
    IF entry.kind LIKE 'rights.%' THEN
      UPDATE public.tenants_feedhead SET rights_epoch = rights_epoch + 1 WHERE tenant_id = entry.tenant;
    END IF;
    INSERT INTO public.tenants_feedevent
      (id, tenant_id, seq, kind, permission, author_id, site_id, equipment_id, {grants}, body, occurred_at, recorded_at)
      VALUES (entry.id, entry.tenant, reached, entry.kind, entry.permission, entry.author, entry.site, entry.equipment,
              entry.{grants}, entry.body, entry.occurred_at, clock_timestamp());
    RETURN NEXT;
  END LOOP;
  PERFORM set_config('app.tenant', coalesce(me, ''), true);
END $$;
"""


DELIVER_FUNCTION = _deliver_function("grant_id", "uuid")
DELIVER_BY_GRANTS_FUNCTION = _deliver_function("grant_ids", "uuid[]")

# The same for each recipient at once: a burst advances a head once, and not once for each of its events.
DELIVER_TOGETHER_FUNCTION = """
CREATE OR REPLACE FUNCTION wall.deliver(entries jsonb)
RETURNS TABLE (recipient uuid, reached bigint) LANGUAGE plpgsql AS $$
DECLARE
  me text := current_setting('app.tenant', true);
  feed record;
BEGIN
  FOR feed IN
    SELECT (e.value ->> 'tenant')::uuid AS tenant, jsonb_agg(e.value ORDER BY e.ordinality) AS news, count(*) AS n,
           count(*) FILTER (WHERE e.value ->> 'kind' LIKE 'rights.%') AS n_rights
      FROM jsonb_array_elements(entries) WITH ORDINALITY AS e GROUP BY 1 ORDER BY 1
  LOOP
    PERFORM set_config('app.tenant', feed.tenant::text, true);
    INSERT INTO public.tenants_feedhead AS head (tenant_id, epoch, seq, min_seq, rights_epoch)
      VALUES (feed.tenant, gen_random_uuid(), feed.n, 1, feed.n_rights)
      ON CONFLICT (tenant_id)
      DO UPDATE SET seq = head.seq + feed.n, rights_epoch = head.rights_epoch + feed.n_rights
      RETURNING head.tenant_id, head.seq INTO recipient, reached;
    INSERT INTO public.tenants_feedevent (id, tenant_id, seq, kind, permission, author_id, site_id, equipment_id,
                                          grant_ids, body, occurred_at, recorded_at)
      SELECT e.id, feed.tenant, reached - feed.n + e.place, e.kind, e.permission, e.author, e.site, e.equipment,
             e.grant_ids, e.body, e.occurred_at, clock_timestamp()
        FROM ROWS FROM (jsonb_to_recordset(feed.news) AS (
               id uuid, kind text, permission text, author uuid, site uuid, equipment uuid, grant_ids uuid[],
               body jsonb, occurred_at timestamptz))
             WITH ORDINALITY AS e(id, kind, permission, author, site, equipment, grant_ids, body, occurred_at, place);
    RETURN NEXT;
  END LOOP;
  PERFORM set_config('app.tenant', coalesce(me, ''), true);
END $$;
"""

# How an agreement narrows what it opens. `*` stands for whatever any member may state or be: the tailer reads a feed
# for all of an organisation's sockets, each of which is then held to its own roles and purpose.
NARROWING_FUNCTIONS = """
CREATE FUNCTION wall.purpose() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT coalesce(current_setting('app.purpose', true), '') $$;
CREATE FUNCTION wall.roles() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT string_to_array(coalesce(current_setting('app.roles', true), ''), ',') $$;

-- Agreements that the partner's administrator has not delegated to this user, nor to a role of theirs.
CREATE FUNCTION wall.withheld() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT agreement_id FROM public.tenants_delegation
   WHERE tenant_id = (SELECT wall.tenant()) AND NOT '*' = ANY (wall.roles())
     AND NOT (roles::text[] && wall.roles() OR coalesce(wall.user_id() = ANY (members), false)) $$;
"""


def _grant_function(name: str, table: str, condition: str) -> str:
    return f"""
CREATE FUNCTION wall.{name}(wanted text) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT g.content_object_id FROM public.{table} g
    JOIN public.auth_permission p ON p.id = g.permission_id
   WHERE g.grantee_id = (SELECT wall.tenant()) AND p.codename = wanted AND {condition} $$;"""


_SITES, _EQUIPMENT = "tenants_sitegroupobjectpermission", "tenants_equipmentgroupobjectpermission"
_IMMEDIATE, _DELAYED = "g.delay_s = 0 AND g.floor_n = 0", "g.delay_s > 0 AND g.floor_n = 0"
_DELAYS = """
  SELECT g.delay_s FROM public.{table} g JOIN public.auth_permission p ON p.id = g.permission_id
   WHERE g.grantee_id = (SELECT wall.tenant()) AND g.content_object_id = {object} AND p.codename = wanted
     AND g.floor_n = 0"""

DELAY_FUNCTIONS = (
    _grant_function("immediate_sites", _SITES, _IMMEDIATE)
    + _grant_function("immediate_equipment", _EQUIPMENT, _IMMEDIATE)
    + _grant_function("delayed_sites", _SITES, _DELAYED)
    + _grant_function("delayed_equipment", _EQUIPMENT, _DELAYED)
    + f"""
CREATE FUNCTION wall.delay(wanted text, site uuid, equipment uuid) RETURNS interval LANGUAGE sql STABLE AS $$
  SELECT make_interval(secs => min(delay_s)) FROM (
{_DELAYS.format(table=_SITES, object="site")}
  UNION ALL
{_DELAYS.format(table=_EQUIPMENT, object="equipment")}) AS found $$;

-- The feed tells at once and in full words, so only grants that allow as much let an event through.
CREATE OR REPLACE FUNCTION wall.live_grants() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT id FROM public.{_SITES} g WHERE grantee_id = (SELECT wall.tenant()) AND {_IMMEDIATE}
  UNION ALL
  SELECT id FROM public.{_EQUIPMENT} g WHERE grantee_id = (SELECT wall.tenant()) AND {_IMMEDIATE} $$;
"""
)

# Asked by the policies of places and of the grants themselves; each reads only what lies below it.
PLACE_FUNCTIONS = f"""
CREATE FUNCTION wall.agreements_in_force() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT id FROM public.tenants_agreement
   WHERE partner_id = (SELECT wall.tenant()) AND status = 'active' AND (ends_at IS NULL OR ends_at > now())
     AND id <> ALL (ARRAY(SELECT wall.withheld())) $$;
CREATE FUNCTION wall.sites_by_grant() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT content_object_id FROM public.{_SITES} WHERE grantee_id = (SELECT wall.tenant()) $$;
CREATE FUNCTION wall.machines_by_grant() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT content_object_id FROM public.{_EQUIPMENT} WHERE grantee_id = (SELECT wall.tenant()) $$;
CREATE FUNCTION wall.sites_of_machines_by_grant() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT site_id FROM public.tenants_equipment WHERE id = ANY (ARRAY(SELECT wall.machines_by_grant())) $$;
"""

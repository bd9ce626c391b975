"""Every table of an organisation has its key, a forced wall and composite keys; the few exempt ones are listed here."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.apps import apps
from django.db import IntegrityError, ProgrammingError, connection
from django.db.models import ForeignKey

from tenants.actions import register_equipment, register_site
from tenants.models import Equipment, TenantForeignKey
from tenants.policies import references_of
from tests.places import Places

# Reference data and framework tables without anything of an organisation in them.
WITHOUT_WALL = {
    "auth_group": "names are ids of organisations, nothing else",
    "auth_group_permissions": "not used",
    "auth_permission": "the list of permissions",
    "django_content_type": "the list of models",
    "django_migrations": "the version of the schema",
    "django_session": "keyed by a secret; holds who is signed in and which organisation they chose",
}
# Behind a wall, but not keyed by an organisation.
WITHOUT_TENANT_KEY = {
    "tenants_tenant": "is the organisation",
    "tenants_user": "a person may be in several organisations; seen by themselves and colleagues",
    "tenants_user_groups": "as the user",
    "tenants_user_user_permissions": "as the user",
    "tenants_platformaccess": "the operators' audit; closed to the application",
    "tenants_sweepmark": "when sweeps were last done; closed to the application",
    "django_admin_log": "seen by the person who acted",
    "account_emailaddress": "as the user",
    "account_emailconfirmation": "not used, closed to everybody",
    "mfa_authenticator": "a second factor, seen by its user",
    "socialaccount_socialaccount": "a single sign-on, seen by its user",
    "socialaccount_socialapp": "not used, closed to everybody",
    "socialaccount_socialtoken": "not used, closed to everybody",
    "usersessions_usersession": "a session, seen by its user",
    "axes_accessattempt": "failed sign-ins, seen while somebody signs in",
    "axes_accessattemptexpiration": "as the attempts",
    "axes_accessfailurelog": "as the attempts",
    "axes_accesslog": "as the attempts",
    "tenants_rateplan": "prices: the standard ones for all, another for whom it is assigned to",
    "tenants_rate": "as the plan",
    "tenants_usagemark": "how far the roll-up of usage came; a number",
    "guardian_userobjectpermission": "guardian's generic tables are closed to everybody",
    "guardian_groupobjectpermission": "guardian's generic tables are closed to everybody",
}

TABLES = """
SELECT c.oid::regclass::text AS name, c.relrowsecurity AND c.relforcerowsecurity AS forced, c.relispartition,
  EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnotnull) AS keyed,
  (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) AS policies,
  has_table_privilege('cloudmining_app', c.oid, 'TRUNCATE') AS truncatable
FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
"""


def table_faults(cursor: psycopg.Cursor) -> list[str]:
    """What is wrong with the walls, in words."""
    faults = []
    cursor.execute(TABLES)
    for name, forced, is_partition, keyed, policies, truncatable in cursor.fetchall():
        if truncatable:
            faults.append(f"{name}: the application may TRUNCATE it")
        if name in WITHOUT_WALL:
            continue
        if not forced:
            faults.append(f"{name}: row-level security is not enabled and forced")
        if not keyed and name not in WITHOUT_TENANT_KEY:
            faults.append(f"{name}: no tenant_id")
        # A partition without policies answers nothing when asked directly, which is what is wanted.
        if not policies and not is_partition:
            faults.append(f"{name}: no policy")
    return faults


def walled(table: str) -> bool:
    return table not in WITHOUT_WALL and table not in WITHOUT_TENANT_KEY


def key_faults(cursor: psycopg.Cursor, models: list[type] | None = None) -> list[str]:
    """References between tables of organisations that are not composite keys."""
    cursor.execute("SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'")
    existing = {(table, definition.split(" DEFERRABLE")[0]) for table, definition in cursor.fetchall()}
    faults = []
    for model in apps.get_models(include_auto_created=True) if models is None else models:
        table = model._meta.db_table
        for field in model._meta.local_fields:
            is_inside = isinstance(field, ForeignKey) and walled(field.remote_field.model._meta.db_table)
            if walled(table) and is_inside and not isinstance(field, TenantForeignKey):
                faults.append(f"{table}.{field.name}: a plain foreign key between tables of organisations")
        for key in references_of(model):
            wanted = f"FOREIGN KEY ({key.tenant_column}, {key.column}) REFERENCES {key.target_table}(tenant_id, id)"
            if (table, wanted) not in existing:
                faults.append(f"{table}.{key.column}: no composite key in the database")
    return faults


@contextmanager
def planted(*statements: str) -> Iterator[psycopg.Cursor]:
    """A cursor of the owner in a transaction that is rolled back."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as owner, owner.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        yield cursor
        owner.rollback()


def test_every_table_has_its_wall_and_its_composite_keys():
    with planted() as cursor:
        assert table_faults(cursor) + key_faults(cursor) == []


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("CREATE TABLE planted (id uuid, tenant_id uuid NOT NULL)", "planted: row-level security is not enabled"),
        ("CREATE TABLE planted (id uuid)", "planted: no tenant_id"),
        ("ALTER TABLE tenants_site NO FORCE ROW LEVEL SECURITY", "tenants_site: row-level security is not enabled"),
        ("DROP POLICY wall_select ON tenants_feedhead", None),
        ("GRANT TRUNCATE ON tenants_site TO cloudmining_app", "tenants_site: the application may TRUNCATE it"),
        (
            "ALTER TABLE tenants_clause DROP CONSTRAINT tenants_clause_site_id_wall",
            "tenants_clause.site_id: no composite",
        ),
    ],
)
def test_planted_fault_is_named(statement, fault):
    extra = [f"DROP POLICY wall_{verb} ON tenants_feedhead" for verb in ("insert", "update", "delete")]
    statements = [statement, *(extra if fault is None else [])]
    with planted(*statements) as cursor:
        found = table_faults(cursor) + key_faults(cursor)
    assert any(line.startswith(fault or "tenants_feedhead: no policy") for line in found), found


def test_planted_plain_foreign_key_is_named():
    from django.db import models
    from django.test.utils import isolate_apps

    from tenants.models import TenantModel

    with isolate_apps("tenants"):

        class Planted(TenantModel):
            site = models.ForeignKey("tenants.Site", models.CASCADE)

            class Meta:
                app_label = "tenants"

        for name in ("site", "tenant"):
            Planted._meta.get_field(name).remote_field.model = apps.get_model(f"tenants.{name}")
        with planted() as cursor:
            assert "tenants_planted.site: a plain foreign key between tables of organisations" in key_faults(
                cursor, [Planted]
            )


def test_every_walled_table_reads_zero_rows_without_an_identity(aurora, borealis):
    """By raw SQL on the application's role, outside any identity; Aurora's and Borealis' rows are there."""
    with planted() as cursor:
        cursor.execute(TABLES)
        names = [row[0] for row in cursor.fetchall() if row[0] not in WITHOUT_WALL and not row[2]]
    assert len(names) > 20
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("cloudmining_app",)
        for name in names:
            cursor.execute(f"SELECT count(*) FROM {name}")
            assert (name, cursor.fetchone()[0]) == (name, 0)


@pytest.mark.parametrize(
    "statement",
    ["TRUNCATE tenants_site", "CREATE TABLE mine (id int)", "ALTER TABLE tenants_site DISABLE ROW LEVEL SECURITY"],
)
def test_application_role_can_neither_change_tables_nor_empty_them(statement):
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url) as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(statement)


def keyed_tables() -> list[str]:
    with planted() as cursor:
        cursor.execute(TABLES)
        return [row[0] for row in cursor.fetchall() if walled(row[0]) and not row[2]]


def test_outsider_reads_and_writes_nothing_of_the_owner_by_raw_sql(aurora, cassia):
    Places.of_aurora(aurora)
    filled = 0
    for table in keyed_tables():
        with aurora.acting(), connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table} WHERE tenant_id = %s", [aurora.id])
            filled += cursor.fetchone()[0] > 0
        with cassia.acting(), connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table} WHERE tenant_id = %s", [aurora.id])
            assert (table, cursor.fetchone()[0]) == (table, 0)
            cursor.execute(f"UPDATE {table} SET tenant_id = %s WHERE tenant_id = %s", [cassia.id, aurora.id])
            assert (table, cursor.rowcount) == (table, 0)
            cursor.execute(f"DELETE FROM {table} WHERE tenant_id = %s", [aurora.id])
            assert (table, cursor.rowcount) == (table, 0)
    assert filled >= 12


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tenants_site SET tenant_id = '{owner}'",
        "INSERT INTO tenants_feedhead SELECT '{owner}', gen_random_uuid(), 0, 1, 0",
        "INSERT INTO tenants_site (id, tenant_id, code, name, kind, time_zone, created_at) "
        "VALUES (gen_random_uuid(), '{owner}', 'x', 'x', 'mine', 'UTC', now())",
    ],
)
def test_no_row_is_written_into_another_organisation(aurora, cassia, statement):
    with cassia.acting():
        register_site(code="pit", name="Pit", kind="mine")
    with pytest.raises(ProgrammingError, match="row-level security"), cassia.acting(), connection.cursor() as cursor:
        cursor.execute(statement.format(owner=aurora.id))


def test_reference_to_another_organisations_row_is_refused_by_the_key(aurora, cassia):
    """The key is checked past row-level security, so it has to be composite."""
    with cassia.acting():
        site = register_site(code="pit", name="Pit", kind="mine")
    with pytest.raises(IntegrityError, match="tenants_equipment_site_id_wall"), cassia.acting():
        machine = register_equipment(site=site, code="X", name="x", kind="fan")
        Equipment.objects.filter(pk=machine.pk).update(site=aurora.sites["north"].pk)

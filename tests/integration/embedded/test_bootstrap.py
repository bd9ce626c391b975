"""`bootstrap` is in more of a hurry than `migrate`, for the same database."""

import os
import subprocess
import sys

import psycopg
import pytest
from django.apps import apps
from django.db import connection, connections
from django.db.models import Model
from psycopg import sql

from cloudmining.embedded.postgres import find_binaries
from tests import database
from tests.database import ROOT, with_database
from tests.whole import WHOLE


def missing(model: type[Model]) -> set[str]:
    """Columns, indexes and constraints that the model has and its table has not."""
    options, table = model._meta, model._meta.db_table
    with connections["owner"].cursor() as cursor:
        columns = {column.name for column in connection.introspection.get_table_description(cursor, table)}
        held = set(connection.introspection.get_constraints(cursor, table))
    wanted = {each.name for each in (*options.indexes, *options.constraints)}
    return (wanted - held) | {field.column for field in options.local_concrete_fields} ^ columns


def test_bootstrap_makes_every_column_index_and_constraint_of_the_models():
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    assert len(models) > 80
    assert {model._meta.label: missing(model) for model in models if missing(model)} == {}


@pytest.mark.skipif(not WHOLE, reason="a minute, in which Django goes through every migration: script/sweep")
@pytest.mark.timeout(600)  # two whole histories of migrations, one of them as Django goes through it
def test_bootstrap_makes_the_schema_that_migrate_makes(request):
    made = database.make("bootstrapped")
    request.addfinalizer(lambda: database.drop(made))
    plain = f"{made}_plain"
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER cloudmining_owner").format(sql.Identifier(plain)))
    request.addfinalizer(lambda: database.drop(plain))
    command = [sys.executable, "manage.py", "migrate", "--database", "owner", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=database.environment(plain), check=True)
    assert schema_of(made) == schema_of(plain)


def schema_of(name: str) -> list[str]:
    """The lines of its dump, but for the key that each dump makes up."""
    url = with_database(os.environ["DATABASE_ADMIN_URL"], name)
    dump = subprocess.run([find_binaries()["pg_dump"], "-s", url], capture_output=True, text=True, check=True)
    lines = [line for line in dump.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]
    assert len(lines) > 10_000
    return lines

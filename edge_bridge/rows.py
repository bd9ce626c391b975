"""Rows by statements written by hand, for what every batch asks: Django takes longer to build them than PostgreSQL to
answer. Only for plain columns of the organisation's own rows."""

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from django.apps import apps
from django.db import connection
from django.db.models import Model

Row = TypeVar("Row", bound=Model)


def loaded(model: type[Row], source: str, values: Sequence[Any]) -> list[Row]:
    """Objects of the model from `source`, which is what follows FROM."""
    columns, attnames = _columns(model._meta.label)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {source}", values)
        return [model.from_db(connection.alias, attnames, row) for row in cursor.fetchall()]


def keep(row: Model) -> None:
    """Write all columns of a row that is there."""
    fields = row._meta.concrete_fields
    values = {field.attname: field.pre_save(row, add=False) for field in fields}
    with connection.cursor() as cursor:
        cursor.execute(_update(row._meta.label), [*(values[field.attname] for field in fields), row.pk])


@cache
def _columns(label: str) -> tuple[str, list[str]]:
    fields = apps.get_model(label)._meta.concrete_fields
    # Whatever is converted between database and object would come in raw.
    assert not any(hasattr(field, "from_db_value") for field in fields), label
    return ", ".join(f'"{field.column}"' for field in fields), [field.attname for field in fields]


@cache
def _update(label: str) -> str:
    table = apps.get_model(label)._meta
    columns = ", ".join(f'"{field.column}" = %s' for field in table.concrete_fields)
    return f'UPDATE "{table.db_table}" SET {columns} WHERE id = %s'

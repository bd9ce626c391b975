"""A change that is made only if the row is still what its writer has read."""

from typing import Any

from django.db import connections
from django.db.models import F, Model
from django.db.models.sql import UpdateQuery


def compare_and_set(row: Model, **changes: Any) -> bool:
    """Write `changes` with the next `version`, if the row has still the one that was read; whether it had.

    One statement, whose lock makes rivals take turns. What the database made of expressions is on `row` afterwards; a
    row that had changed is left as it was read.
    """
    rows = type(row)._base_manager.filter(pk=row.pk, version=row.version)
    columns = {**changes, "version": F("version") + 1}
    query = rows.query.chain(UpdateQuery)
    query.add_update_values(columns)
    made = [name for name, value in columns.items() if hasattr(value, "resolve_expression")]
    statement, values = query.get_compiler(rows.db).as_sql()
    returned = ", ".join(f'"{row._meta.get_field(name).column}"' for name in made)
    with connections[rows.db].cursor() as cursor:
        cursor.execute(f"{statement} RETURNING {returned}", values)
        found = cursor.fetchone()
    if found is not None:
        for name, value in (columns | dict(zip(made, found, strict=True))).items():
            setattr(row, name, value)
    return found is not None

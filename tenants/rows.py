"""Rows as JSON, for functions of the database that write several of them in one statement."""

import json
from typing import Any

from django.db.models import Model
from psycopg.types.range import Range


def columns_of(row: Model) -> dict[str, Any]:
    """By column, every value of a row that is to be written."""
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def as_json(document: object) -> str:
    """Text that PostgreSQL reads back to the same values; times keep their microseconds."""
    return json.dumps(document, default=_text)


def _text(value: object) -> str:
    if isinstance(value, Range) and not value.isempty:
        lower, upper = ("" if bound is None else str(bound) for bound in (value.lower, value.upper))
        return f"{value.bounds[0]}{lower},{upper}{value.bounds[1]}"
    return str(value)

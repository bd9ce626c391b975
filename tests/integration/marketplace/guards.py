"""What the database itself takes and refuses, by statements past the code."""

from collections.abc import Container
from contextlib import nullcontext
from enum import StrEnum
from itertools import product
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.db.models import Model

from tests.integration.marketplace.bid_scenes import superuser
from tests.personas import Organisation


def sql(statement: str, *values: Any) -> int:
    """Under the identity that acts; returns how many rows it was about."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount


def takes_only(
    owner: Organisation, row: Model, states: type[StrEnum], pairs: Container[tuple[StrEnum, StrEnum]]
) -> None:
    """Tries every change of the row's state, which is allowed by these pairs alone, and leaves it as it was."""
    change = f"UPDATE {row._meta.db_table} SET state = %s WHERE id = %s"
    for source, target in product(states, states):
        superuser(change, source.value, row.pk)
        is_taken = source is target or (source, target) in pairs
        with nullcontext() if is_taken else pytest.raises(IntegrityError, match="can not go from"), owner.acting():
            assert sql(change, target.value, row.pk) == 1
    superuser(change, row.state, row.pk)

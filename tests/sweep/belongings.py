"""What an organisation owns, read past the wall: ids and words that no stranger's answer may hold."""

import hashlib
import json
import re
from collections.abc import Iterable
from functools import cache
from typing import Any
from uuid import UUID

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import CharField, Model, TextField

from edge_bridge.readings.api import definitions
from tenants.context import as_platform
from tests.sweep.operations import document

SHORTEST_WORD = 6
# Written in the owner's name because somebody else did something, or asked: they may grow while strangers try.
RECORDS = {
    "tenants.FeedEvent",
    "tenants.FeedHead",
    "tenants.SharedRead",
    "tenants.UsageEvent",
    "tenants.UsageHour",
    "tenants.LedgerEntry",
    "tenants.LedgerHead",
}


def tables() -> list[type[Model]]:
    """Every model whose rows belong to an organisation."""
    return [
        model
        for model in apps.get_models()
        if any(field.attname == "tenant_id" for field in model._meta.concrete_fields)
    ]


def rows_of(tenant_id: UUID) -> dict[str, list[Model]]:
    """Label of a model → the organisation's rows."""
    with as_platform("tests", "what an organisation owns"):
        return {model._meta.label: list(model._base_manager.filter(tenant_id=tenant_id)) for model in tables()}


def secrets_in(rows: Iterable[Model]) -> dict[str, str]:
    """Id or word → the field it is in. Words of a closed list, such as a status, are nobody's."""
    found: dict[str, str] = {}
    for row in rows:
        for field in row._meta.concrete_fields:
            value = field.value_from_object(row)
            if field.primary_key and isinstance(value, UUID):
                found[str(value)] = f"{row._meta.label}.{field.name}"
            elif isinstance(field, CharField | TextField) and field.name not in WORDS and _is_telling(value):
                found[value] = f"{row._meta.label}.{field.name}"
    return found


def _is_telling(value: Any) -> bool:
    """Longer than a code, and not a word of the API itself or of its tag dictionary."""
    return isinstance(value, str) and len(value) >= SHORTEST_WORD and value not in _vocabulary()


@cache
def _vocabulary() -> frozenset[str]:
    words = frozenset(re.findall(r"[\w.-]+", json.dumps(document())))
    return words | {definition.tag for definition in definitions()}


# Words of the product, and what a key that is refused still notes.
WORDS = {"kind", "media_type", "permission", "state", "status", "via", "requested_via", "partner_name", "prev_hash"}
NOTES = {"last_used_at"}


def digest_of(rows: dict[str, list[Model]]) -> dict[str, str]:
    """Label → hash of all rows; equal if nothing was written."""
    return {label: _digest(found) for label, found in rows.items() if label not in RECORDS}


def _digest(rows: list[Model]) -> str:
    texts = sorted(json.dumps(_values(row), cls=DjangoJSONEncoder, sort_keys=True, default=str) for row in rows)
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _values(row: Model) -> dict[str, Any]:
    return {
        field.attname: field.value_from_object(row) for field in row._meta.concrete_fields if field.name not in NOTES
    }

"""Counting what is used, within the transaction of its effect; low enough that whatever writes can call it."""

import json
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections

from tenants.context import Transaction, opened
from tenants.ids import new_id
from tenants.metering.use import Use


def meter(use: Use) -> None:
    """Count a use, if and when the open transaction commits; a repeat of its event is passed over."""
    current = opened()
    current.uses.append(use)
    current.write_usage = _write


def _write(current: Transaction) -> None:
    """All uses of the transaction in one call, each as a row of who pays."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for use in current.uses:
        rows[str(use.tenant_id or current.tenant_id)].append(_row(use))
    with connections[current.alias].cursor() as cursor:
        cursor.execute("SELECT wall.meter(%s)", [json.dumps(rows, cls=DjangoJSONEncoder)])


def _row(use: Use) -> dict[str, Any]:
    return {
        "id": new_id(),
        "source": use.source,
        "event_id": use.event_id,
        "meter": use.meter,
        "quantity": str(use.quantity),
        "at": use.at or datetime.now(UTC),
        "subject_kind": use.subject[0],
        "subject_id": use.subject[1],
        "counterpart": use.counterpart_id,
        "agreement": use.agreement_id,
    }

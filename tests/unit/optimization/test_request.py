"""What one request may ask: large instances that the fast path knows, and bounds on all others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from optimization import request
from optimization.data import InstanceError
from optimization.generator import generate
from optimization.instance_builder import build_instance
from optimization.request import read_request
from tests.unit.optimization import tiny

BODY_LIMIT_BYTES = 2_000_000


def test_sparse_instance_of_300_mines_fits_a_request() -> None:
    """8 centres, 40 users, 12 periods, 3 locations with 3 cut-offs: as the generator's command writes it."""
    instance = generate(300, 8, 40, 12, 3, 3, seed=1, density=0.25)
    body = json.dumps({"name": "May", "instance": instance.to_document(short=True), "options": {}})
    assert len(body) < BODY_LIMIT_BYTES / 2
    assert read_request(json.loads(body)["instance"], {}, time_limit_s=60)[0] == instance


def test_short_document_gives_a_number_once_where_all_periods_have_it() -> None:
    instance = tiny.instance(P=[90, 100])
    mine = instance.to_document(short=True)["mines"][0]
    assert (mine["P"], mine["Q"]) == ((90, 100), 100)
    assert build_instance(instance.to_document(short=True)) == instance


def with_closing_stock() -> dict[str, Any]:
    document = tiny.document()
    document["mill_lanes"][0]["w_end"] = 1
    return document


def test_whole_program_has_a_bound_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "MAX_WHOLE_DECISIONS", 5)
    assert read_request(tiny.document(), {}, time_limit_s=60)
    with pytest.raises(InstanceError, match="8 yes-or-no decisions") as refusal:
        read_request(with_closing_stock(), {}, time_limit_s=60)
    assert refusal.value.path == "/instance"

"""Instances as they come over HTTP."""

import copy
import json
from typing import Any

from optimization.generator import generate

_SMALL = json.loads(generate(2, 1, 2, 2, 2, 2, seed=1).to_json())
_MIDDLE = json.loads(generate(6, 5, 6, 8, 3, 3, seed=1).to_json())
_LONG = json.loads(generate(8, 5, 12, 10, 3, 3, seed=1).to_json())


def small() -> dict[str, Any]:
    """Solved to one percent in a tenth of a second."""
    return copy.deepcopy(_SMALL)


def infeasible() -> dict[str, Any]:
    """The first mine's ore is too poor for the grade it must reach."""
    document = small()
    document["mines"][0]["alpha"] = 0.99
    return document


def middle() -> dict[str, Any]:
    """Has a plan after a second or two, and is far from a proven best one after ten."""
    return copy.deepcopy(_MIDDLE)


def long() -> dict[str, Any]:
    """Without a plan for many seconds."""
    return copy.deepcopy(_LONG)

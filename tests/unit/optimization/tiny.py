"""A mine small enough to plan by hand: Aurora North, one centre, one user, two periods, two locations."""

from __future__ import annotations

import copy
from typing import Any

from optimization.data import SupplyChainInstance
from optimization.instance_builder import build_instance

_DOCUMENT: dict[str, Any] = {
    "format": "cloudmining.instance/1",
    "name": "Aurora by hand",
    "periods": ["week 1", "week 2"],
    "mines": [
        {
            "name": "Aurora North",
            "pc": 1,
            "h": 0.5,
            "alpha": 0.4,
            "beta": 0.5,
            "P": 100,
            "Q": 100,
            "Umax": 100,
            "locations": [
                {
                    "name": "A",
                    "cutoffs": [{"name": "0.5", "c": 2, "K": 10, "a": 1, "xmax": 60, "gamma": 0.6, "delta": 0.1}],
                },
                {
                    "name": "B",
                    "cutoffs": [{"name": "0.2", "c": 1, "K": 5, "a": 1, "xmax": 60, "gamma": 0.3, "delta": 0}],
                },
            ],
        }
    ],
    "centres": [{"name": "Port", "V": 50}],
    "users": ["Steelworks"],
    "mill_lanes": [{"mine": "Aurora North", "centre": "Port", "f": 1, "g": 0.2, "F": 30, "R": 50}],
    "user_lanes": [{"centre": "Port", "user": "Steelworks", "e": 1, "G": 2}],
    "demands": [{"mine": "Aurora North", "user": "Steelworks", "D": [20, 20]}],
    "uncertainty": {"kind": "nominal"},
}


def document(uncertainty: dict[str, Any] | None = None, **mine: Any) -> dict[str, Any]:
    """The document, with another uncertainty set or other fields of the mine."""
    made = copy.deepcopy(_DOCUMENT)
    made["uncertainty"] = uncertainty or made["uncertainty"]
    made["mines"][0].update(mine)
    return made


def instance(uncertainty: dict[str, Any] | None = None, **mine: Any) -> SupplyChainInstance:
    return build_instance(document(uncertainty, **mine))

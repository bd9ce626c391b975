"""One instance as one organisation has it, and the same as three bring it."""

import copy
import json
from typing import Any

from optimization.generator import generate
from optimization.joint_parts import Seat

NAMES = {"mine 1": "North", "mine 2": "South", "centre 1": "Harbour", "user 1": "Steelworks", "user 2": "Foundry"}
AURORA = Seat("aurora", mines=("North", "South"))
BOREALIS = Seat("borealis", centres=("Harbour",))
DELTA = Seat("delta", users=("Steelworks", "Foundry"))
SEATS = [AURORA, BOREALIS, DELTA]


def whole(periods: int = 2) -> dict[str, Any]:
    """Two mines, a centre, two users; a budget of one location a mine."""
    text = generate(2, 1, 2, periods, 2, 2, seed=3).to_json()
    for given, name in NAMES.items():
        text = text.replace(f'"{given}"', f'"{name}"')
    return json.loads(text) | {"uncertainty": {"kind": "budget", "Gamma": [1.0, 1.0]}}


def frame(document: dict[str, Any]) -> dict[str, Any]:
    return {"periods": document["periods"], "uncertainty": {"kind": "budget", "Gamma": 1.0}}


def parts(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The mines' owner brings the mill lanes, the centre's the user lanes, the users' what they want."""
    held = copy.deepcopy(document)
    return {
        "aurora": {"mines": held["mines"], "mill_lanes": held["mill_lanes"]},
        "borealis": {"centres": held["centres"], "user_lanes": held["user_lanes"]},
        "delta": {"demands": held["demands"]},
    }


def brought(document: dict[str, Any]) -> list[tuple[Seat, dict[str, Any]]]:
    found = parts(document)
    return [(seat, found[seat.participant]) for seat in SEATS]

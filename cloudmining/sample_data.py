"""A small mine to try things on: equipment, an hour of readings as from a gateway, a scenario to solve.

Everything is written as the organisation itself; the readings are drawn, not measured, and their gateway says so.
"""

import math
import random
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from edge_bridge.api import enrol_device, record, revoke_device
from edge_bridge.protocol import Batch, Entry, Lane, Quality, Reading
from optimization.api import found_scenario
from optimization.generator import generate
from tenants.api import acting_as
from tenants.data import Actor
from tenants.models import Tenant
from tenants.organisation.api import own_sites, register_equipment, register_site

MINE: Final = "mine"
SEED: Final = 1
SIZE: Final = (2, 1, 2, 3, 2, 2)
MINUTES: Final = 60
EQUIPMENT: Final = (
    ("GAS-01", "Methane sensor", "gas_sensor", "ch4", 0.4, 0.1),
    ("FAN-01", "Main ventilation fan", "fan", "airflow", 180.0, 6.0),
    ("PUMP-01", "Slurry pump", "pump", "vibration", 2.8, 0.3),
)


def add_sample_data(tenant: Tenant) -> None:
    """Add the sample to an organisation that has none of its equipment yet."""
    owner = Actor(tenant.pk, None, frozenset({"owner"}), "command:found_organisation")
    with acting_as(owner):
        mine = own_sites().filter(kind=MINE).first() or register_site(code="sample-mine", name="Sample mine", kind=MINE)
        for code, name, kind, *_ in EQUIPMENT:
            register_equipment(site=mine, code=code, name=name, kind=kind)
        found_scenario(
            name="Sample quarter", instance=generate(*SIZE, seed=SEED).to_document(), note="drawn, not measured"
        )
        device, _ = enrol_device(site=mine, name="Sample gateway: drawn readings")
    with acting_as(Actor(tenant.pk, None, frozenset({"device"}), f"device:{device.pk}")):
        record(device=device, batch=_readings(datetime.now(UTC)))
    with acting_as(owner):
        revoke_device(device=device)


def _readings(now: datetime) -> Batch:
    """An hour up to now, a sample a minute for each machine: a slow wave with noise."""
    rng, begins_at = random.Random(SEED), now - timedelta(minutes=MINUTES)
    bodies = [
        Reading(
            equipment=code,
            tag=tag,
            value=round(middle + spread * (math.sin(minute / 9) + rng.gauss(0, 0.2)), 4),
            quality=Quality.GOOD,
            measured_at=begins_at + timedelta(minutes=minute),
        )
        for minute in range(MINUTES)
        for code, _, _, tag, middle, spread in EQUIPMENT
    ]
    entries = tuple(Entry(seq, body) for seq, body in enumerate(bodies, 1))
    return Batch("sample-gateway", uuid4(), Lane.P2, now, entries)

"""The demo's organisations. Founding is platform work; the rest each organisation does itself, behind its own wall.

Safe to repeat: what is there is kept, keys are made anew at each start (only their hashes are stored).
"""

import json
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from allauth.mfa.utils import encrypt
from django.contrib.auth.hashers import make_password

from cloudmining.story import PLAN_SEED, PLAN_SIZE
from edge_bridge.api import enrol_device, get_device
from edge_bridge.commands.api import make_command_type
from edge_bridge.models import CommandType
from marketplace.reactions.api import set_reaction, switches
from optimization.api import add_grade_samples, fit_grade_set, newest_grade_set
from optimization.generator import generate
from optimization.uncertainty.estimation import FitOptions
from optimization.uncertainty.mines import FitSettings
from optimization.uncertainty.samples import Sample
from tenants.actions import admit_member, found_tenant, make_api_key, register_equipment, register_site, revoke_api_key
from tenants.context import acting_as, as_platform
from tenants.data import Actor, NotFound
from tenants.models import ApiKey, Equipment, Membership, Site, Tenant, User
from tenants.roles import CAPABILITIES

WHO, WHY = "seed_demo", "found the demo's organisations"
KEY_DAYS = 7
ORGANISATIONS = (
    ("aurora", "Aurora Mining Group", "mining_group"),
    ("borealis", "Borealis Mine Services", "service_firm"),
    ("cassia", "Cassia Minerals", "mining_group"),
    ("delta", "Delta Mine Safety Authority", "regulator"),
    ("ember", "Ember Excavator Works", "equipment_maker"),
)
PEOPLE = (
    ("aurora", "anna@aurora.example", "Anna, group manager", ["owner"]),
    ("aurora", "otto@aurora.example", "Otto, control room", ["operator"]),
    ("borealis", "bo@borealis.example", "Bo, head of service", ["owner"]),
    ("borealis", "dai@borealis.example", "Dai, dispatcher", ["dispatcher"]),
    ("cassia", "carl@cassia.example", "Carl, manager", ["owner"]),
    ("delta", "dora@delta.example", "Dora, head of inspection", ["owner"]),
    ("delta", "dina@delta.example", "Dina, inspector", ["auditor"]),
    ("ember", "ella@ember.example", "Ella, sales", ["owner"]),
)
GRADE_SET, SAMPLED_DAYS, VIOLATION = "May", 30, 0.3
OPERATOR = "operator@platform.example"
SITES = (
    ("north", "Aurora North", "mine", None),
    ("north-mill", "North mill", "concentrating_mill", "north"),
    ("harbour", "Harbour logistics centre", "logistics_centre", None),
    ("steelworks", "Coast steel works", "customer_works", None),
)
EQUIPMENT = (
    ("GAS-T0-01", "Methane sensor, upper corner T0", "gas_sensor"),
    ("FAN-01", "Main ventilation fan", "fan"),
    ("TRUCK-07", "Haul truck 7", "haul_truck"),
    ("PUMP-07", "Slurry pump 7", "pump"),
)
# Otto asks for it and Anna approves; while methane is high, nobody stops the fan.
FAN_SWITCH = {
    "name": "switch",
    "equipment_kind": "fan",
    "tag": "running",
    "unit": "1",
    "min_value": 0.0,
    "max_value": 1.0,
    "interlock_alarms": ["methane.hi"],
    "read_back_tag": "running",
    "tolerance": 0.1,
    "settles_s": 30,
    "expires_s": 120,
}


def seed(home: Path) -> None:
    """Found what is missing and write `demo-logins.json` and `demo-keys.json` (mode 0600) to `home`."""
    kept = _read(home / "demo-logins.json")
    # One password for all demo logins, made at the first seed; the server listens on loopback only.
    password = kept[0]["password"] if kept else f"ore-{os.urandom(4).hex()}"
    secret = next((login["totp_secret"] for login in kept or [] if "totp_secret" in login), generate_totp_secret())
    tenants = _found(password, password_is_new=not kept)
    _enrol_operator(secret)
    keys = {slug: _new_key(tenants[slug]) for slug in ("aurora", "borealis", "delta", "ember")}
    with acting_as(_owner(tenants["aurora"])):
        sites = _register(tenants["aurora"])
        _grades()
        _reactions(sites["north"])
        _commands()
    device = _device(home, tenants["aurora"], sites["north"])
    logins = [
        {"email": email, "password": password, "organisation": tenants[slug].name, "role": ", ".join(roles)}
        for slug, email, _, roles in PEOPLE
    ]
    operator = {
        "email": OPERATOR,
        "password": password,
        "organisation": "the platform (/platform/)",
        "role": "operator",
        "totp_secret": secret,
    }
    _write(home / "demo-logins.json", [*logins, operator])
    _write(home / "demo-keys.json", {"keys": keys, "device": device})


def _found(password: str, password_is_new: bool) -> dict[str, Tenant]:
    hashed = make_password(password)  # one hash, as it is one password: each takes a fifth of a second
    with as_platform(WHO, WHY):
        tenants = {
            slug: Tenant.objects.filter(slug=slug).first() or found_tenant(slug=slug, name=name, kind=kind)
            for slug, name, kind in ORGANISATIONS
        }
        for slug, email, name, roles in PEOPLE:
            user = _person(email, name, hashed, password_is_new)
            if not Membership.objects.filter(user=user, tenant=tenants[slug]).exists():
                admit_member(tenant=tenants[slug], user=user, roles=roles)
        operator = _person(OPERATOR, "Platform operator", hashed, password_is_new)
        User.objects.filter(pk=operator.pk).update(is_staff=True, is_superuser=True)
    return tenants


def _enrol_operator(secret: str) -> None:
    """The platform asks for a second factor; the demo's pages show its code, since there is no phone to ask."""
    with as_platform(WHO, WHY):
        operator = User.objects.get(email=OPERATOR)
        Authenticator.objects.update_or_create(
            user=operator, type=Authenticator.Type.TOTP, defaults={"data": {"secret": encrypt(secret)}}
        )


def _person(email: str, name: str, hashed: str, password_is_new: bool) -> User:
    user, is_made = User.objects.get_or_create(email=email, defaults={"name": name, "password": hashed})
    if password_is_new and not is_made:
        user.password = hashed
        user.save(update_fields=["password"])
    return user


def _owner(tenant: Tenant) -> Actor:
    with as_platform(WHO, WHY):
        membership = Membership.objects.get(tenant=tenant, roles=["owner"])
    return Actor(tenant.pk, membership.user_id, frozenset(membership.roles), "command:seed_demo")


def _new_key(tenant: Tenant) -> str:
    with acting_as(_owner(tenant)) as current:
        assert current.actor is not None
        for old in ApiKey.objects.filter(tenant=tenant, name="demo story", revoked_at=None):
            revoke_api_key(key=old)
        scopes = sorted(name for name in CAPABILITIES if current.actor.can(name))
        until = datetime.now(UTC) + timedelta(days=KEY_DAYS)
        return make_api_key(name="demo story", scopes=scopes, expires_at=until)[1]


def _register(aurora: Tenant) -> dict[str, Site]:
    sites: dict[str, Site] = {}
    for code, name, kind, mine in SITES:
        found = Site.objects.filter(tenant=aurora, code=code).first()
        sites[code] = found or register_site(code=code, name=name, kind=kind, mine=sites.get(mine or ""))
    for code, name, kind in EQUIPMENT:
        if not Equipment.objects.filter(tenant=aurora, code=code).exists():
            register_equipment(site=sites["north"], code=code, name=name, kind=kind)
    return sites


def _grades() -> None:
    """Samples drawn around the grades of the story's first mine, for want of measured ones, and the set they give."""
    if newest_grade_set(GRADE_SET) is not None:
        return
    rng, first_day = random.Random(PLAN_SEED), datetime(2026, 5, 1, tzinfo=UTC)
    mine = generate(*PLAN_SIZE, seed=PLAN_SEED).mines[0]
    samples = [
        Sample(
            location.name,
            cutoff.name,
            round(rng.gauss(cutoff.gamma[0], cutoff.delta[0] / 2), 4),
            first_day + timedelta(days=day),
            mine=mine.name,
        )
        for location in mine.locations
        for cutoff in location.cutoffs
        for day in range(SAMPLED_DAYS)
    ]
    add_grade_samples(source="drawn for the demo, not measured", samples=samples)
    settings = FitSettings(FitOptions(violation=VIOLATION))
    fit_grade_set(name=GRADE_SET, settings=settings, asked={"violation": VIOLATION}, batch_ids=None)


def _commands() -> None:
    if not CommandType.objects.filter(equipment_kind=FAN_SWITCH["equipment_kind"], name=FAN_SWITCH["name"]).exists():
        make_command_type(**FAN_SWITCH)


def _reactions(north: Site) -> None:
    """All on, for mine North; one that somebody has set stays as it is."""
    for switch in switches():
        if switch["set_at"] is None:
            set_reaction(reaction=switch["reaction"], is_on=True, site_id=north.pk)


def _device(home: Path, aurora: Tenant, north: Site) -> str:
    """The gateway's credential: the one of the last start, as long as this database knows it."""
    kept = (_read(home / "demo-keys.json") or {}).get("device", "")
    with acting_as(_owner(aurora)):
        if kept and _is_known(UUID(kept.partition(".")[0])):
            return kept
        device, secret = enrol_device(site=north, name="North gateway")
        return f"{device.pk}.{secret}"


def _is_known(device_id: UUID) -> bool:
    try:
        return get_device(device_id).revoked_at is None
    except NotFound:
        return False


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def _write(path: Path, content: Any) -> None:
    """Whole or not at all, and readable by its owner only."""
    draft = path.with_suffix(".tmp")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content, indent=2))
    draft.replace(path)

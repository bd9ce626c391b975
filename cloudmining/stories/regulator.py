"""The regulator's story, told by clients of the public API: what a mine can't hide, and what nobody can change unseen.

Two acts are not the API's: the platform lays the mandate by law, and somebody with the database's own password edits a
row of the ledger. Both are handed in (`Backstage`).
"""

import io
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import uuid4

from cloudmining.stories.mine import Mine, machine_of, site_of
from cloudmining.story import Party, Say, StoryError, party
from edge_bridge.protocol import Severity

SEEN_WITHIN_S, ROLLED_WITHIN_S = 20.0, 60.0
AWAY: Final = timedelta(minutes=14)
LIMIT_PCT, TOLERANCE_PCT, RISE_PCT = 1.0, 0.2, 0.03


class Backstage(Protocol):
    """What the API does not do."""

    def lay_mandate(self) -> None:
        """Aurora's mines are open to Delta, by law."""

    def edit_row(self, entry_id: str, payload: str) -> str:
        """Put another payload into an entry of a ledger, past all triggers; returns the one before."""


def tell(base_url: str, keys: dict[str, str], backstage: Backstage, say: Say) -> None:
    """Tell the whole story; StoryError names the step that failed."""
    with ExitStack() as stack:
        aurora = party("Aurora", base_url, keys["aurora"], stack)
        delta = party("Delta", base_url, keys["delta"], stack)
        _mandate(aurora, delta, backstage, say)
        site = site_of(aurora, "north")
        sensors = _twins(aurora, site)
        mine = Mine.enrolled(aurora, site)
        mine.born(*((code, "ch4", "%") for code in sensors))
        _limits(aurora, delta, mine, site, sensors, say)
        _disagree(aurora, delta, mine, site, sensors, say)
        _gap(delta, mine, site, sensors[0], say)
        owner = _mine(delta, site)["owner"]
        bundles = {"delta.zip": _bundle(delta), "mine.zip": _bundle(delta, owner=owner)}
        say("5. The ledger")
        n_bytes = len(bundles["mine.zip"])
        say(f"   Delta takes home a proof of the chain that it can't read: {n_bytes:,} bytes of digests.")
        _edited_row(aurora, delta, owner, backstage, say)
        _proven(bundles, say)


def _mandate(aurora: Party, delta: Party, backstage: Backstage, say: Say) -> None:
    say("1. A mandate, which the mine can't end")
    backstage.lay_mandate()
    mandates = delta.call("GET", "agreements?kind=mandate&status=active")["results"]
    if not mandates:
        raise StoryError("Delta has no mandate")
    answer = aurora.http.post(f"/api/v1/agreements/{mandates[0]['id']}/terminate", json={"reason": "enough seen"})
    if answer.status_code != 409:
        raise StoryError(f"the mine could end the mandate: {answer.status_code}")
    say(f"   In force by {mandates[0]['statute']}. Aurora asks to end it: {answer.json()['detail']}")


def _twins(aurora: Party, site: str) -> tuple[str, str]:
    """Two methane sensors of one place, new ones each time the story is told."""
    place = uuid4().hex[:4].upper()
    codes = f"GAS-{place}-A", f"GAS-{place}-B"
    for code in codes:
        machine_of(aurora, site, code, f"Methane, heading {place}", "gas_sensor")
    return codes


def _kept(aurora: Party, site: str, name: str, **settings: Any) -> str:
    """The id of a rule that is in force from now on."""
    rule = aurora.call("POST", "rules", {"site": site, "name": name, "settings": settings})["id"]
    aurora.call("POST", f"rules/{rule}/enable", {"reason": "the sensors are new"})
    return str(rule)


def _limits(aurora: Party, delta: Party, mine: Mine, site: str, sensors: tuple[str, str], say: Say) -> None:
    say("2. Limits, mine by mine")
    now = datetime.now(UTC)
    for code in sensors:
        mine.measured(code, "ch4", [(now - timedelta(seconds=n), 0.6) for n in range(100, 80, -1)])
    limit = {"value": LIMIT_PCT, "severity": Severity.CRITICAL}
    about = {"equipment": sensors[0], "tag": "ch4", "alarm_type": "methane"}
    _kept(aurora, site, f"Methane {sensors[0]}", kind="limits", hi=limit, **about)
    told = _sensor(delta, site, sensors[0])
    if told["limits"] != {"methane.hi": LIMIT_PCT}:
        raise StoryError(f"Delta is told other limits: {told['limits']}")
    say(
        f"   {told['equipment_code']} {told['tag']}: {told['value']:g} {told['unit']} now, limit {LIMIT_PCT:g} %, "
        f"in force though it never alarmed."
    )


def _disagree(aurora: Party, delta: Party, mine: Mine, site: str, sensors: tuple[str, str], say: Say) -> None:
    """One of them is frozen while the air grows worse; the mine switched the rule off, and the cloud judges by it."""
    say("3. Twin sensors disagree")
    _switched_off(aurora, delta, site, sensors, say)
    now = datetime.now(UTC)
    mine.measured(sensors[0], "ch4", [(now - timedelta(seconds=59 - n), 0.6 + n * RISE_PCT) for n in range(60)])
    mine.measured(sensors[1], "ch4", [(now - timedelta(seconds=59 - n), 0.6) for n in range(60)])
    kind = f"twins_disagree.{sensors[0]}"
    body = _heard(delta, "alarm.raised", type=kind)["body"]
    say(
        f"   The cloud itself judges what is stored: {body['limit']:g} % is allowed. "
        f"Delta hears it: {body['severity']} {body['type']}."
    )
    until = (datetime.now(UTC) + timedelta(minutes=30)).isoformat()
    aurora.call("POST", f"alarms/{body['alarm']}/shelve", {"until": until, "reason": "sensor is being moved"})
    _heard(delta, "alarm.shelved", type=kind)
    alarms = [each for each in _mine(delta, site)["alarms"] if each["id"] == body["alarm"]]
    if not alarms or not alarms[0]["stands"]:
        raise StoryError("the alarm that the mine silenced is out of the regulator's sight")
    say(
        f"   Aurora silences it: for Delta it stands, {alarms[0]['state']}, "
        f"with the reason {alarms[0]['silenced_reason']!r}."
    )


def _switched_off(aurora: Party, delta: Party, site: str, sensors: tuple[str, str], say: Say) -> None:
    inputs = [{"equipment": code, "tag": "ch4"} for code in sensors]
    about = {"equipment": sensors[0], "tag": "ch4", "alarm_type": "ch4.twin", "severity": Severity.HIGH}
    name = f"Twins {sensors[0]}"
    rule = _kept(aurora, site, name, kind="twin", tolerance=TOLERANCE_PCT, inputs=inputs, **about)
    aurora.call("POST", f"rules/{rule}/disable", {"reason": "sensor is being moved"})
    body = _heard(delta, "rule.disabled", rule=rule)["body"]
    ended = [each for each in _sensor(delta, site, sensors[0])["switched_off"] if each["rule"] == name]
    if not ended:
        raise StoryError("Delta does not see what was switched off")
    say(f"   Aurora switches their rule off: Delta is told, {body['reason']!r}, by {ended[0]['ended_by']}.")


def _heard(delta: Party, kind: str, **about: str) -> dict[str, Any]:
    """The first event of the kind whose body says so."""

    def wanted(event: dict[str, Any]) -> bool:
        return event["kind"] == kind and about.items() <= event["body"].items()

    return delta.wait_for(kind, SEEN_WITHIN_S, wanted)


def _gap(delta: Party, mine: Mine, site: str, code: str, say: Say) -> None:
    """What comes up to five minutes after its minute is not late, so the edge came back before that."""
    say("4. The gap log")
    back_at = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=7)
    left_at = back_at - AWAY
    since = [back_at + timedelta(seconds=10 * n) for n in (0, *range(21, 41))]
    mine.measured(code, "co", [(at, 2.0) for at in (left_at - timedelta(seconds=10), *since)])
    told = _once(delta, site, code, "co", lambda sensor: bool(sensor["gaps"]))
    gap = told["gaps"][0]
    away_min = (datetime.fromisoformat(gap["to_at"]) - datetime.fromisoformat(gap["from_at"])).total_seconds() / 60
    say(f"   {code} co: away for {away_min:.0f} min, {gap['reason']}.")
    filled = range(0, int(AWAY.total_seconds()), 10)
    mine.measured(code, "co", [(left_at + timedelta(seconds=n), 2.0) for n in filled])
    _once(delta, site, code, "co", lambda sensor: not sensor["gaps"])
    _logged(delta, site, told["series"], gap, say)


def _logged(delta: Party, site: str, series: str, gap: dict[str, Any], say: Say) -> None:
    sensors = delta.call("GET", f"oversight/gaps?days=1&site={site}")["sensors"]
    stretches = [each for sensor in sensors if sensor["series"] == series for each in sensor["stretches"]]
    covering = [each for each in stretches if each["from_at"] <= gap["from_at"] and gap["to_at"] <= each["to_at"]]
    if [each["state"] for each in covering] != ["late"]:
        raise StoryError(f"what was filled in late is not in the log: {stretches}")
    from_at, to_at = (datetime.fromisoformat(covering[0][name]) for name in ("from_at", "to_at"))
    say(
        f"   Filled in later: the log keeps it for good, {from_at:%H:%M} to {to_at:%H:%M} UTC, late, "
        f"{covering[0]['length_s'] / 60:.0f} min with the minutes around it."
    )


def _once(delta: Party, site: str, code: str, tag: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The sensor once it is as wanted: figures of minutes are made by a sweep."""
    until_s = time.monotonic() + ROLLED_WITHIN_S
    while time.monotonic() < until_s:
        told = _sensor(delta, site, code, tag)
        if wanted(told):
            return told
        time.sleep(1)
    raise StoryError(f"{code} {tag} did not become as expected within {ROLLED_WITHIN_S:.0f} s: {told}")


def _mine(delta: Party, site: str) -> dict[str, Any]:
    found = [mine for mine in delta.listed("oversight?hours=1") if mine["site"] == site]
    if not found:
        raise StoryError("the mine is not open to Delta")
    return found[0]


def _sensor(delta: Party, site: str, code: str, tag: str = "ch4") -> dict[str, Any]:
    sensors = _mine(delta, site)["sensors"]
    found = [each for each in sensors if (each["equipment_code"], each["tag"]) == (code, tag)]
    if not found:
        raise StoryError(f"Delta does not see {code} {tag}")
    return found[0]


def _bundle(delta: Party, **asked: str) -> bytes:
    answer = delta.http.get("/api/v1/ledger/bundle", params=asked)
    if answer.is_error:
        raise StoryError(f"no bundle: {answer.status_code} {answer.text[:300]}")
    return answer.content


def _edited_row(aurora: Party, delta: Party, owner: str, backstage: Backstage, say: Say) -> None:
    """Delta, who has a mandate, verifies the chain that it can't read."""
    check = f"ledger/verify?owner={owner}"
    entry = aurora.call("GET", "ledger?kind=agreement.activated")["results"][0]
    before = backstage.edit_row(entry["id"], '{"title":"nothing to see"}')
    verdict, proof = delta.call("GET", check), _bundle(delta, owner=owner)
    backstage.edit_row(entry["id"], before)
    if not verdict["fault"] or verdict["fault"]["seq"] != entry["seq"]:
        raise StoryError(f"an edited row of entry {entry['seq']} went unseen: {verdict}")
    say(
        f"   A row is edited in the database itself: entry {entry['seq']} is red for Delta, {verdict['fault']['what']}."
    )
    told = _checked_offline({"edited.zip": proof})
    if f"entry {entry['seq']}:" not in told.stdout:
        raise StoryError(f"the proof of an edited chain holds: {told.stdout}")
    say(f"   So it is in the proof that Delta takes now: {told.stdout.strip()}")
    if delta.call("GET", check)["fault"]:
        raise StoryError("the row was put back, and the chain is still broken")
    say("   Put back as it was, the chain is sound again.")


def _proven(bundles: dict[str, bytes], say: Say) -> None:
    """The mine's chain, and that Delta's own tells the same of what both have entered."""
    told = _checked_offline(bundles)
    if told.returncode:
        raise StoryError(f"the proof does not hold: {told.stdout}{told.stderr}")
    say(f"   The proof that Delta took before, without this system: {told.stdout.strip().splitlines()[-1]}")


def _checked_offline(bundles: dict[str, bytes]) -> subprocess.CompletedProcess[str]:
    """By the script in the first bundle, in a Python without this project and without any package."""
    with tempfile.TemporaryDirectory(prefix="cloudmining-proof-") as directory:
        for name, content in bundles.items():
            Path(directory, name).write_bytes(content)
        with zipfile.ZipFile(io.BytesIO(next(iter(bundles.values())))) as members:
            Path(directory, "verify_bundle.py").write_bytes(members.read("verify_bundle.py"))
        command = [sys.executable, "-I", "-S", "verify_bundle.py", *bundles]
        return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=60)

"""The document and the code say the same: frames fit it, and its kinds are just those that are announced."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import jsonschema_rs
import pytest

from edge_bridge.data import AlarmKind
from tenants.feed.asyncapi import CLIENT, SERVER, document
from tenants.feed.frames import as_dict
from tenants.feed.kinds import KINDS
from tenants.roles import CAPABILITIES
from tests.unit.feed.test_frames import EXAMPLES, NARROW, Ack, Sub

ROOT = Path(__file__).parents[3]
APPS = ("tenants", "edge_bridge", "optimization", "marketplace")
KIND = re.compile(r"[a-z]+\.[a-z_]*[a-z]")
# Whatever takes a kind as its first argument, or as `kind`.
TELLERS = {"announce", "announce_rights", "_announce", "tell", "_tell", "Event", "_event"}
LIKELY = re.compile(r"announce|\btell|_tell|StrEnum|TextChoices")
DOCUMENT = document("mine.example", is_secure=True)


@pytest.mark.parametrize("frame", [*EXAMPLES, Sub(0, EXAMPLES[0].feed, NARROW), Ack(3)], ids=lambda frame: frame.t)
def test_every_frame_fits_its_message(frame):
    message = DOCUMENT["components"]["messages"][frame.t]
    schema = jsonschema_rs.validator_for(message["payload"] | {"components": DOCUMENT["components"]})
    assert [error.message for error in schema.iter_errors(as_dict(frame))] == []
    assert not schema.is_valid(as_dict(frame) | {"tenant": "x"})


def test_document_has_all_frames_and_no_reference_leads_nowhere():
    assert {frame.t for frame in (*SERVER, *CLIENT)} | {"cloudevent"} == DOCUMENT["components"]["messages"].keys()
    for pointer in set(re.findall(r"'\$ref': '#/([^']+)'", str(DOCUMENT))):
        place = DOCUMENT
        for part in pointer.split("/"):
            place = place[part]


@cache
def sources() -> list[tuple[str, ast.Module]]:
    """App and module of all that might announce something."""
    return [
        (app, ast.parse(text))
        for app in APPS
        for path in (ROOT / app).rglob("*.py")
        if "migrations" not in path.parts and path.name != "kinds.py" and LIKELY.search(text := path.read_text())
    ]


def named(call: ast.Call) -> Iterator[str]:
    """Kinds that a call of a teller spells out."""
    first = [*call.args[:1], *(each.value for each in call.keywords if each.arg == "kind")]
    for node in (part for argument in first for part in ast.walk(argument)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and KIND.fullmatch(node.value):
            yield node.value


def templates(tree: ast.Module) -> Iterator[re.Pattern[str]]:
    """f-strings that are kinds, as patterns."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [re.escape(p.value) if isinstance(p, ast.Constant) else "[a-z_]+" for p in node.values]
            if re.fullmatch(r"([a-z]+_?|\[a-z_\]\+|\\\.|_)+", "".join(parts)) and r"\." in "".join(parts):
                yield re.compile("".join(parts))


def spelled(tree: ast.Module) -> set[str]:
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_kind_that_is_announced_is_in_the_list():
    found = {
        kind
        for _, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")) in TELLERS
        for kind in named(node)
    }
    found |= {str(kind) for kind in AlarmKind}
    assert len(found) > 25
    assert sorted(found - KINDS.keys()) == []


def test_every_kind_in_the_list_is_announced_somewhere():
    """Spelled out whole; or put together from a template and a word, both in the same app."""
    words: dict[str, set[str]] = {app: set() for app in APPS}
    patterns: dict[str, list[re.Pattern[str]]] = {app: [] for app in APPS}
    for app, tree in sources():
        words[app] |= spelled(tree)
        patterns[app] += templates(tree)
    silent = [
        kind
        for kind in KINDS
        if not any(
            kind in words[app]
            or any(
                pattern.fullmatch(kind) and any(kind.endswith(word) for word in words[app] if len(word) > 3)
                for pattern in patterns[app]
            )
            for app in APPS
        )
    ]
    assert silent == []


def test_every_kind_is_for_a_capability_that_exists():
    assert {about.permission for about in KINDS.values()} <= CAPABILITIES

"""Rules from the cloud: asked for now and then, kept for the next start, refused in words where they cannot work.

Those of the gateway's own file always hold; the cloud adds to them. What was judged by stays in force until another
set proved to work, and over restarts without a cloud. A set that is older than that does not take its place: a cloud
that was restored from a backup would switch off what was switched on since, and nobody would have said so.
"""

import asyncio
import logging
import os
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx

from edge_bridge.protocol import MAX_TEXT_CHARS, ProtocolError, RuleSet, RulesInUse, decode, encode
from edge_bridge.rules.digest import digest_of
from edge_bridge.rules.kinds import AnyRule, parse_rules, together
from edge_bridge.rules.thresholds import RuleError

log = logging.getLogger(__name__)

RULES_PATH = "/api/v1/edge/rules"
FILE = "rules.json"
NONE = RuleSet("", ())
OLDER = "They are older than those in use; was the cloud restored? Enable a rule of the site to say what holds now."

Adopt = Callable[[Sequence[AnyRule], RulesInUse], Awaitable[None]]


class CloudRules:
    """`own` are the rules of the gateway's own file; `directory` is where its journal lives."""

    def __init__(self, own: Sequence[AnyRule], directory: Path) -> None:
        self._own = own
        self._file = directory / FILE
        self.in_use = NONE
        self.refused = ""
        self._passed_over = ""  # not `seen`: the same rules hold once somebody enabled them anew

    @property
    def seen(self) -> str:
        """The digest of what need not be sent again."""
        return self.refused or self.in_use.digest

    def at_start(self) -> tuple[AnyRule, ...]:
        """The own rules and the last good ones of the cloud; the own ones alone if these don't fit any more."""
        try:
            kept = _read(self._file.read_bytes()) if self._file.exists() else NONE
            rules = self._joined(kept)
        except (OSError, ProtocolError, RuleError) as error:
            log.error("%s is passed over, the cloud will be asked anew: %s", self._file, error)
            return tuple(self._own)
        self.in_use = kept
        return rules

    async def take(self, data: bytes, adopt: Adopt) -> None:
        """Judge by the set in `data` from now on, or say why not; ProtocolError if it is none at all."""
        offered = _read(data)
        if _is_older(offered, self.in_use):
            await self._pass_over(offered, adopt)
            return
        try:
            rules = self._joined(offered)
        except RuleError as error:
            await self._refuse(offered, str(error), adopt)
            self.refused = offered.digest
            return
        await adopt(rules, RulesInUse(datetime.now(UTC), offered.digest, "", ""))
        self.in_use, self.refused, self._passed_over = offered, "", ""
        await asyncio.to_thread(_keep, self._file, encode(offered))

    async def _pass_over(self, offered: RuleSet, adopt: Adopt) -> None:
        """Said once, though it comes again and again."""
        if offered.digest != self._passed_over:
            await self._refuse(offered, OLDER, adopt)
            self._passed_over, self.refused = offered.digest, ""

    async def _refuse(self, offered: RuleSet, why: str, adopt: Adopt) -> None:
        log.error("the cloud's rules %s are refused: %s", offered.digest, why)
        said = RulesInUse(datetime.now(UTC), self.in_use.digest, offered.digest, _one_line(why))
        await adopt(self._joined(self.in_use), said)

    def _joined(self, offered: RuleSet) -> tuple[AnyRule, ...]:
        return together((*self._own, *parse_rules(list(offered.rules))))


async def follow(rules: CloudRules, client: httpx.AsyncClient, every_s: float, adopt: Adopt) -> None:
    """Asks until cancelled. A cloud that is away, or knows no rules, changes nothing."""
    while True:
        try:
            answer = await client.get(RULES_PATH, headers={"If-None-Match": f'"{rules.seen}"'})
            if answer.status_code == httpx.codes.OK:
                await rules.take(answer.content, adopt)
            elif answer.status_code != httpx.codes.NOT_MODIFIED:
                log.debug("the cloud gives no rules: %d", answer.status_code)
        except (httpx.HTTPError, ProtocolError, OSError, sqlite3.OperationalError) as error:
            log.warning("rules are as before, those of the cloud could not be had: %s", error)
        await asyncio.sleep(every_s)


def _read(data: bytes) -> RuleSet:
    offered = decode(data)
    if not isinstance(offered, RuleSet):
        raise ProtocolError("type", "must be rule_set")
    if offered.digest != digest_of(offered.rules):
        raise ProtocolError("digest", "is not that of the rules")
    return offered


def _is_older(offered: RuleSet, in_use: RuleSet) -> bool:
    if in_use.changed_at is None:
        return False
    return offered.changed_at is None or offered.changed_at < in_use.changed_at


def _keep(file: Path, data: bytes) -> None:
    """Whole or not at all. After a crash before this the cloud is asked again."""
    half_written = file.with_name(f"{file.name}.new")
    with half_written.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    half_written.replace(file)


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)[:MAX_TEXT_CHARS].strip()

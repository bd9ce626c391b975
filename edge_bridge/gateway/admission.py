"""Which terminal is at the other end, and what it may speak for. Pure.

Two ways. Where terminals are listed, each has a token of its own and speaks only for the machines, or single tags of
machines, in its list. Where none is, they share one token, or need none, and may say anything.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge_bridge.gateway.filters import Point
from edge_bridge.protocol import Refused, TerminalBirth, TerminalReadings

Frame = TerminalBirth | TerminalReadings
Reach = str | Point  # a machine as a whole, or one tag of it


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks on a line: `name` alone, or anybody if it is empty; of `machines` (None: of all) and `tags`."""

    name: str = ""
    machines: frozenset[str] | None = None
    tags: frozenset[Point] = frozenset()

    def may_speak_for(self, point: Point) -> bool:
        return self.machines is None or point[0] in self.machines or point in self.tags

    def objection(self, frame: Frame) -> Refused | None:
        """Why nothing of the frame may be taken, if so."""
        if self.name and frame.terminal != self.name:
            return Refused(frame.n, "terminal", f"must be {self.name!r}, whose connection this is", retry=False)
        for place, point in _points(frame) if self.machines is not None else ():
            if not self.may_speak_for(point):
                words = f"terminal {frame.terminal!r} may not speak for {point[1]!r} of {point[0]!r} at this gateway"
                return Refused(frame.n, place, words, retry=False)
        return None

    def reach(self, equipment: Iterable[str]) -> set[Reach]:
        """For what of these machines commands may come over its line."""
        codes = set(equipment)
        if self.machines is None:
            return set(codes)
        return {*(codes & self.machines), *(point for point in self.tags if point[0] in codes - self.machines)}


@dataclass(frozen=True, slots=True)
class Terminal:
    """One that is listed, with the SHA-256 of its token, which must be long and drawn at random."""

    name: str
    token_sha256: str
    machines: frozenset[str]
    tags: frozenset[Point] = frozenset()


class Admission:
    """`token` is shared by all, and counts only where no `terminals` are listed."""

    def __init__(self, token: str, terminals: Sequence[Terminal]) -> None:
        self._token = token
        self._by_name = {one.name: Speaker(one.name, one.machines, one.tags) for one in terminals}
        self._by_hash = {one.token_sha256: self._by_name[one.name] for one in terminals}

    def by_token(self, token: str) -> Speaker | None:
        """Whose token this is; None for nobody's."""
        if self._by_name:
            return self._by_hash.get(sha256_of(token))
        return Speaker() if self._is_shared_token(token) else None

    def by_name(self, name: str, token: str) -> Speaker | None:
        """The terminal that says it is `name`; None if the token is not its own."""
        if self._by_name:
            speaker = self._by_hash.get(sha256_of(token))
            return speaker if speaker and speaker.name == name else None
        return Speaker(name) if self._is_shared_token(token) else None

    def behind_broker(self, name: str) -> Speaker:
        """The terminal whose name a broker has checked; it may speak for nothing if it is not listed."""
        return self._by_name.get(name, Speaker(name, frozenset() if self._by_name else None))

    def _is_shared_token(self, given: str) -> bool:
        return not self._token or hmac.compare_digest(given.encode(), self._token.encode())


def new_token() -> str:
    return secrets.token_urlsafe(32)


def sha256_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _points(frame: Frame) -> Iterable[tuple[str, Point]]:
    """Each with its path in the frame."""
    if isinstance(frame, TerminalBirth):
        return ((f"tags[{index}]", (tag.equipment, tag.tag)) for index, tag in enumerate(frame.tags))
    return ((f"readings[{index}].tag", (frame.equipment, said.tag)) for index, said in enumerate(frame.readings))

"""Which frames of a terminal's session were taken, so that none is lost and none has an effect twice. Pure.

A terminal may send ahead of the answers, so frames come late as well: one that was refused for the moment, or lost on
its way, after its successors. Each is taken whenever it comes, if it is among the newest `WINDOW`. What is older than
that, or differs from the frame that was taken under its number, comes from a terminal that began anew under its old
session; that is refused in words, since `taken` would lose it.
"""

from dataclasses import dataclass

WINDOW = 256  # more than a connection may have unanswered
ALL = (1 << WINDOW) - 1
PRINT_BYTES = 4
UNKNOWN = bytes(PRINT_BYTES * WINDOW)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Bit k of `seen` says whether frame `newest - k` was taken; `prints` are of frames since the gateway's start."""

    newest: int = 0
    seen: int = ALL
    prints: bytes = UNKNOWN

    def has(self, n: int) -> bool:
        return n <= self.newest - WINDOW or (n <= self.newest and self.seen >> (self.newest - n) & 1 == 1)

    def objection(self, n: int, print_: int) -> str:
        """Why frame `n`, which `has` knows, is not the one that was taken; nothing if it may be."""
        anew = "begin a new session at each start"
        if n <= self.newest - WINDOW:
            return f"is too old: frame {self.newest} of this session was taken already; {anew}"
        at = n % WINDOW * PRINT_BYTES
        known = self.prints[at : at + PRINT_BYTES]
        if known not in (bytes(PRINT_BYTES), _printed(print_)):
            return f"another frame {n} of this session was taken before; {anew}"
        return ""

    def with_(self, n: int, print_: int) -> "Numbers":
        """Frame `n` is taken now."""
        newest, at = max(n, self.newest), n % WINDOW * PRINT_BYTES
        seen = (self.seen << newest - self.newest if newest - self.newest < WINDOW else 0) | 1 << newest - n
        prints = self.prints[:at] + _printed(print_) + self.prints[at + PRINT_BYTES :]
        return Numbers(newest, seen & ALL, prints)


def _printed(print_: int) -> bytes:
    """Never that of a frame which is not known."""
    return (print_ & 0xFFFFFFFF or 1).to_bytes(PRINT_BYTES, "big")

"""How the chain is made, and checked.

An entry's `digest` is the SHA-256 of its text. Its `link` is the SHA-256 of the hash before it and the digest. Its
`hash`, which the next entry goes on from, is the SHA-256 of its link and of those of the other organisations that it is
shared with (`others`), sorted: a shared entry has the same hash in each of their chains, so none of them can be
rewritten alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

GENESIS = "0" * 64


class Broken(Exception):
    """The first entry of a chain that is not as it was made: its `seq`, and `what` is wrong."""

    def __init__(self, seq: int, what: str) -> None:
        super().__init__(f"entry {seq}: {what}")
        self.seq, self.what = seq, what


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def link_of(prev_hash: str, digest: str) -> str:
    return sha256(f"{prev_hash}\n{digest}")


def hash_of(link: str, others: Iterable[str]) -> str:
    return sha256("\n".join(sorted([link, *others])))

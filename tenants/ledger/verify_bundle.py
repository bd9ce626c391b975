"""Check proof bundles of a cloudmining ledger, with Python 3.9 or later and nothing else.

    python3 verify_bundle.py BUNDLE.zip [BUNDLE_OF_THE_OTHER.zip …] [--expect-head SEQ:HASH]

An entry's digest is the SHA-256 of its text. Its link is the SHA-256 of the hash before it and the digest. Its hash,
from which the next entry goes on, is the SHA-256 of its link and of the links of the other organisations that it is
shared with (`others`), sorted: a shared entry has the same hash in each of their chains, so that no organisation can
rewrite its own and still agree with the others. Hashes are 64 hexadecimal digits, joined by line feeds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from typing import IO, Any, NamedTuple

FORMAT = "cloudmining-ledger-1"
GENESIS = "0" * 64
HASH = re.compile("[0-9a-f]{64}")
MANIFEST = {"first", "format", "hash", "last", "prev", "subject", "tenant"}
# A line of chain.ndjson; without a text also "digest", and "shared" where the reader has the same entry.
LINK = {"hash", "others", "seq"}
# What the reader of archives raises for one that was changed as a whole.
DAMAGE = (OSError, EOFError, RuntimeError, ValueError, struct.error, zipfile.BadZipFile, zlib.error)
Shared = dict[str, "Place"]


class Broken(Exception):
    """The first entry of a chain that is not as it was made: its `seq`, and `what` is wrong."""

    def __init__(self, seq: int, what: str) -> None:
        super().__init__(f"entry {seq}: {what}")
        self.seq, self.what = seq, what


class Place(NamedTuple):
    """Where a shared entry is in a chain."""

    tenant: str
    seq: int
    hash: str


def sha256(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def link_of(prev_hash: str, digest: str) -> str:
    return sha256(f"{prev_hash}\n{digest}".encode())


def hash_of(link: str, others: Iterable[str]) -> str:
    return sha256("\n".join(sorted([link, *others])).encode())


class Chain:
    """Follows a chain entry by entry, on from `hash`, which is that of entry `seq`."""

    def __init__(self, seq: int = 0, hash: str = GENESIS) -> None:
        self.seq, self.hash = seq, hash

    def expect(self, seq: int) -> None:
        """Broken if this is not the next entry."""
        if seq != self.seq + 1:
            raise Broken(self.seq + 1, f"it is missing, entry {seq} is in its place")

    def follow(self, seq: int, digest: str, others: Iterable[str], hash: str) -> None:
        """Go on to the next entry. Broken if it is another one, or its hash is not what follows."""
        self.expect(seq)
        if hash != hash_of(link_of(self.hash, digest), others):
            raise Broken(seq, "its hash does not follow from its text and the entry before")
        self.seq, self.hash = seq, hash

    def ends_at(self, seq: int, hash: str) -> None:
        """Broken if the chain should have gone on, or should end with another hash."""
        if seq != self.seq:
            raise Broken(min(seq, self.seq) + 1, f"the ledger should end with entry {seq} and ends with {self.seq}")
        if hash != self.hash:
            raise Broken(seq, "the ledger should end with another hash")


class Unreadable(Exception):
    """Not a bundle of this format."""


def check_bundle(path: str | IO[bytes], expected: dict[int, str] | None = None) -> Shared:
    """Follow the bundle's chain. Returns its shared entries by their id; Broken or Unreadable, in words."""
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _manifest(archive)
            with archive.open("chain.ndjson") as chain, archive.open("entries.ndjson") as entries:
                return _follow(manifest, _lines(chain), _lines(entries), dict(expected or {}))
    except (*DAMAGE, KeyError) as error:
        raise Unreadable(f"{path} is damaged or no bundle: {error}") from None


def disagreement(ours: Shared, theirs: Shared) -> str | None:
    """The first shared entry, in the order of `ours`, on which two chains differ."""
    for shared_id, place in ours.items():
        other = theirs.get(shared_id, place)
        if other.hash != place.hash:
            return f"entry {place.seq} of {place.tenant} and entry {other.seq} of {other.tenant} are not the same event"
    return None


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    manifest = _object(archive.read("manifest.json"))
    if manifest is None or set(manifest) != MANIFEST or manifest["format"] != FORMAT:
        raise Unreadable(f"manifest.json is not one of format {FORMAT}.")
    numbers = all(type(manifest[name]) is int for name in ("first", "last"))
    if not numbers or not all(_is_hash(manifest[name]) for name in ("hash", "prev")):
        raise Unreadable("manifest.json names no range of a chain.")
    return manifest


def _follow(
    manifest: dict[str, Any], lines: Iterator[bytes], texts: Iterator[bytes], expected: dict[int, str]
) -> Shared:
    chain = Chain(manifest["first"] - 1, manifest["prev"])
    shared: Shared = {}
    for line in lines:
        link = _link(chain.seq + 1, line)
        chain.expect(link["seq"])
        text = None if "digest" in link else next(texts, None)
        digest = link["digest"] if "digest" in link else _digest(link["seq"], text)
        chain.follow(link["seq"], digest, link["others"], link["hash"])
        if text is not None:
            shared.update(_shared(manifest, chain, text))
        elif "shared" in link:
            shared[link["shared"]] = Place(manifest["tenant"], chain.seq, chain.hash)
        if expected.pop(chain.seq, chain.hash) != chain.hash:
            raise Broken(chain.seq, "its hash is not the one that was expected: it, or one before it, was rewritten")
    chain.ends_at(manifest["last"], manifest["hash"])
    if next(texts, None) is not None:
        raise Broken(chain.seq + 1, "it is not in the chain, but a text of it is given")
    for seq in expected:
        raise Broken(seq, "its hash is expected, but the bundle does not reach it")
    return shared


def _link(seq: int, line: bytes) -> dict[str, Any]:
    link = _object(line)
    named = set() if link is None else set(link)
    is_one = named in (LINK, LINK | {"digest"}, LINK | {"digest", "shared"})
    if link is None or not is_one or type(link["seq"]) is not int or type(link.get("shared", "")) is not str:
        raise Broken(seq, "its line in chain.ndjson is not as it was written")
    hashes: list[Any] = [link["hash"], link.get("digest", GENESIS)]
    if type(link["others"]) is not list or not all(map(_is_hash, hashes + link["others"])):
        raise Broken(seq, "its line in chain.ndjson holds no hashes")
    return link


def _digest(seq: int, text: bytes | None) -> str:
    if text is None:
        raise Broken(seq, "its text is missing")
    return sha256(text)


def _shared(manifest: dict[str, Any], chain: Chain, text: bytes) -> Shared:
    entry = _object(text)
    if entry is None or entry["tenant"] != manifest["tenant"] or entry["seq"] != chain.seq:
        raise Broken(chain.seq, f"its text is that of another ledger than {manifest['tenant']}, or of another place")
    if manifest["subject"] not in (None, entry["subject"]):
        raise Broken(chain.seq, f"it is not about {manifest['subject']}")
    return {entry["shared"]: Place(entry["tenant"], chain.seq, chain.hash)} if entry["shared"] else {}


def _object(text: bytes) -> dict[str, Any] | None:
    """The object that a line is the canonical JSON of, None if it isn't."""
    try:
        found = json.loads(text.decode("utf-8"))
    except ValueError:
        return None
    canonical = json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return found if type(found) is dict and canonical.encode("utf-8", "replace") == text else None


def _is_hash(value: Any) -> bool:
    return type(value) is str and HASH.fullmatch(value) is not None


def _lines(member: Iterable[bytes]) -> Iterator[bytes]:
    """Without their line feeds; a last line that has none gets one, so that it is another text."""
    for line in member:
        yield line[:-1] if line.endswith(b"\n") else line + b"\n"


def _head(text: str) -> dict[int, str]:
    seq, _, hash = text.partition(":")
    if not (seq.isdecimal() and _is_hash(hash)):
        raise argparse.ArgumentTypeError("give it as SEQ:HASH, as ledger_heads prints it")
    return {int(seq): hash}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check proof bundles of a cloudmining ledger.")
    parser.add_argument("bundle", nargs="+", help="yours, and those of others to hold against it")
    parser.add_argument("--expect-head", type=_head, metavar="SEQ:HASH", help="of the first bundle, kept elsewhere")
    asked = parser.parse_args(arguments)
    ours: Shared = {}
    for path in asked.bundle:
        is_first = path == asked.bundle[0]
        try:
            found = check_bundle(path, asked.expect_head if is_first else None)
        except (Broken, Unreadable) as error:
            print(f"BROKEN {path}: {error}")
            return 1 if isinstance(error, Broken) else 2
        ours = found if is_first else ours
        differs = disagreement(ours, found)
        if differs:
            print(f"BROKEN {path}: {differs}")
            return 1
        agreed = "" if is_first else f", agrees on {len(ours.keys() & found.keys())} shared entries"
        print(f"SOUND {path}{agreed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Proof bundles: what a chain holds as files that anybody can check without this system."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Final
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.db.models import QuerySet

from tenants import access
from tenants.data import FieldError, Invalid, NotFound
from tenants.ledger import queries
from tenants.ledger.text import canonical_json, text_of
from tenants.ledger.verification import CHUNK
from tenants.ledger.verify_bundle import FORMAT, GENESIS, sha256
from tenants.models import LedgerEntry

MAX_ENTRIES: Final = 100_000
IN_MEMORY_BYTES: Final = 4 * 1024 * 1024
HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Entries of a ledger. `subject_id`: only texts about it are shown. `reader_id`: none is shown to this
    organisation, which has those of the entries that it shares in a ledger of its own."""

    tenant_id: UUID
    first: int
    last: int
    subject_id: UUID | None = None
    reader_id: UUID | None = None

    def rows(self) -> QuerySet[LedgerEntry]:
        return queries.chain_of(self.tenant_id, self.first - 1, self.last)

    def shows(self, row: LedgerEntry) -> bool:
        return self.reader_id is None and self.subject_id in (None, row.subject_id)


def range_bundle(first: int | None = None, last: int | None = None) -> IO[bytes]:
    """The entries `first` to `last` of the actor's ledger; Invalid if there are none or too many.

    Unless they are given, as many as a bundle holds, up to its end.
    """
    return _bundle(_range(access.actor().tenant_id, first, last))


def digest_bundle(owner_id: UUID, first: int | None, last: int | None, *, reader_id: UUID) -> IO[bytes]:
    """Of entries of another ledger, under its owner's identity: no text, and by id which are shared with the reader."""
    return _bundle(replace(_range(owner_id, first, last), reader_id=reader_id))


def subject_bundle(subject_id: UUID) -> IO[bytes]:
    """The entries about one thing, and of all since the first of them only the digests, up to the ledger's end.

    NotFound if nothing was ever entered about it.
    """
    about = queries.entries_where(subject=subject_id).last()
    if about is None:
        raise NotFound
    return _bundle(_Stretch(about.tenant_id, about.seq, queries.end_of(about.tenant_id).seq, subject_id))


def _range(tenant_id: UUID, first: int | None, last: int | None) -> _Stretch:
    end = queries.end_of(tenant_id).seq
    last = end if last is None else min(last, end)
    first = max(1, last - MAX_ENTRIES + 1) if first is None else first
    if not 1 <= first <= last <= end:
        raise Invalid("There is no such stretch of the ledger.", (FieldError("/first", f"it has entries 1 to {end}"),))
    return _Stretch(tenant_id, first, last)


def _bundle(stretch: _Stretch) -> IO[bytes]:
    n = stretch.last - stretch.first + 1
    if n > MAX_ENTRIES:
        hint = f"ask for at most {MAX_ENTRIES} entries at once"
        raise Invalid(f"The bundle would span {n} entries.", (FieldError("/last", hint),))
    file = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 (closed with the answer)
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        _fill(archive, stretch)
    file.seek(0)
    return file


def _fill(archive: ZipFile, stretch: _Stretch) -> None:
    begins, ends = stretch.rows().get(seq=stretch.first), stretch.rows().get(seq=stretch.last)
    ends_of_span = {"first": begins.seq, "last": ends.seq, "prev": begins.prev_hash, "hash": ends.hash}
    manifest = {"format": FORMAT, "tenant": stretch.tenant_id, "subject": stretch.subject_id, **ends_of_span}
    _add(archive, "manifest.json", [canonical_json(manifest)])
    _add(archive, "chain.ndjson", (_link(row, stretch) + "\n" for row in stretch.rows().iterator(CHUNK)))
    _add(archive, "entries.ndjson", (text_of(row) + "\n" for row in _shown(stretch).iterator(CHUNK)))
    for name, source in (("verify_bundle.py", "verify_bundle.py"), ("README.txt", "bundle.txt")):
        _add(archive, name, [(HERE / source).read_text(encoding="utf-8")])


def _shown(stretch: _Stretch) -> QuerySet[LedgerEntry]:
    if stretch.reader_id:
        return stretch.rows().none()
    return stretch.rows() if stretch.subject_id is None else stretch.rows().filter(subject_id=stretch.subject_id)


def _link(row: LedgerEntry, stretch: _Stretch) -> str:
    link: dict[str, object] = {"seq": row.seq, "others": row.others, "hash": row.hash}
    if not stretch.shows(row):
        link["digest"] = _digest(row)
    if stretch.reader_id in row.with_tenants:
        link["shared"] = row.shared_id
    return canonical_json(link)


def _digest(row: LedgerEntry) -> str:
    """Of the text as it is now: what was changed in the database is so in the bundle. Where that is no text of ours any
    more, it is one that no text has."""
    try:
        return sha256(text_of(row).encode())
    except (TypeError, ValueError):
        return GENESIS


def _add(archive: ZipFile, name: str, parts: Iterable[str]) -> None:
    """A member without a date of its own, so that the same stretch gives the same bytes."""
    info = ZipInfo(name)
    info.compress_type, info.external_attr = ZIP_DEFLATED, 0o644 << 16
    with archive.open(info, "w") as member:
        for part in parts:
            member.write(part.encode("utf-8"))

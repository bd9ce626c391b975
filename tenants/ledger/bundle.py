"""Proof bundles: what a chain holds as files that anybody can check without this system."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Final
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from tenants import access
from tenants.data import FieldError, Invalid, NotFound
from tenants.ledger import queries
from tenants.ledger.text import canonical_json, text_of
from tenants.ledger.verification import CHUNK
from tenants.ledger.verify_bundle import FORMAT
from tenants.models import LedgerEntry

MAX_ENTRIES: Final = 100_000
IN_MEMORY_BYTES: Final = 4 * 1024 * 1024
HERE: Final = Path(__file__).parent


def range_bundle(first: int, last: int | None) -> IO[bytes]:
    """The entries `first` to `last` (default: the end) of the actor's ledger; Invalid if there are none or too many."""
    end = queries.end_of(access.actor().tenant_id).seq
    last = end if last is None else last
    if not 1 <= first <= last <= end:
        raise Invalid("There is no such stretch of your ledger.", (FieldError("/first", f"it has entries 1 to {end}"),))
    return _bundle(first, last, None)


def newest_bundle() -> IO[bytes]:
    """The newest entries of the actor's ledger, as many as a bundle holds."""
    end = queries.end_of(access.actor().tenant_id).seq
    return range_bundle(max(1, end - MAX_ENTRIES + 1), end)


def subject_bundle(subject_id: UUID) -> IO[bytes]:
    """The entries about one thing, and of all since the first of them only the digests, up to the ledger's end.

    NotFound if nothing was ever entered about it.
    """
    about = queries.entries_where(subject=subject_id).last()
    if about is None:
        raise NotFound
    return _bundle(about.seq, queries.end_of(about.tenant_id).seq, subject_id)


def _bundle(first: int, last: int, subject_id: UUID | None) -> IO[bytes]:
    if last - first >= MAX_ENTRIES:
        hint = f"ask for at most {MAX_ENTRIES} entries at once"
        raise Invalid(f"The bundle would span {last - first + 1} entries.", (FieldError("/last", hint),))
    file = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 (closed with the answer)
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        _fill(archive, access.actor().tenant_id, first, last, subject_id)
    file.seek(0)
    return file


def _fill(archive: ZipFile, tenant_id: UUID, first: int, last: int, subject_id: UUID | None) -> None:
    span = queries.chain_of(tenant_id, first - 1, last)
    shown = span if subject_id is None else span.filter(subject_id=subject_id)
    begins, ends = span.get(seq=first), span.get(seq=last)
    ends_of_span = {"first": first, "last": last, "prev": begins.prev_hash, "hash": ends.hash}
    manifest = {"format": FORMAT, "tenant": tenant_id, "subject": subject_id, **ends_of_span}
    _add(archive, "manifest.json", [canonical_json(manifest)])
    _add(archive, "chain.ndjson", (_link(row, subject_id) + "\n" for row in span.iterator(CHUNK)))
    _add(archive, "entries.ndjson", (text_of(row) + "\n" for row in shown.iterator(CHUNK)))
    for name, source in (("verify_bundle.py", "verify_bundle.py"), ("README.txt", "bundle.txt")):
        _add(archive, name, [(HERE / source).read_text(encoding="utf-8")])


def _link(row: LedgerEntry, subject_id: UUID | None) -> str:
    link = {"seq": row.seq, "others": row.others, "hash": row.hash}
    is_shown = subject_id in (None, row.subject_id)
    return canonical_json(link if is_shown else {**link, "digest": row.digest})


def _add(archive: ZipFile, name: str, parts: Iterable[str]) -> None:
    """A member without a date of its own, so that the same stretch gives the same bytes."""
    info = ZipInfo(name)
    info.compress_type, info.external_attr = ZIP_DEFLATED, 0o644 << 16
    with archive.open(info, "w") as member:
        for part in parts:
            member.write(part.encode("utf-8"))

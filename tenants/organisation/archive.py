"""The archive as a file: a zip of NDJSON files and a manifest with rows, bytes and SHA-256 of each. Knows no database.

Nothing is unpacked to disk, names are those of the manifest, and no more is read than was announced and allowed.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import IO, Any, Final
from zlib import error as zlib_error

from tenants.data import Invalid

FORMAT: Final = "cloudmining-organisation/1"
MANIFEST: Final = "manifest.json"
MOST_FILES: Final = 500
MANIFEST_BYTES: Final = 1_000_000
LINE_BYTES: Final = 64_000_000
DEFAULT_LIMIT_BYTES: Final = 10_000_000_000
# Zip can't tell times before 1980; a fixed one makes equal contents equal files.
STAMP: Final = (1980, 1, 1, 0, 0, 0)
# Damaged, encrypted, or packed in a way that is not known here.
UNREADABLE: Final = (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError, zlib_error)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the archive."""

    name: str
    rows: int
    size_bytes: int
    sha256: str


class Digest:
    """Counts and hashes the lines of a part."""

    def __init__(self) -> None:
        self.rows = self.size_bytes = 0
        self._sha = hashlib.sha256()

    def add(self, line: bytes) -> None:
        self.rows += 1
        self.size_bytes += len(line)
        self._sha.update(line)

    def part(self, name: str) -> Part:
        return Part(name, self.rows, self.size_bytes, self._sha.hexdigest())


class Writer:
    """Writes parts line by line, and the manifest at the end. A context manager, since a broken one is closed too."""

    def __init__(self, target: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self.parts: list[Part] = []

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *exception: object) -> None:
        self._zip.close()

    def add(self, name: str, lines: Iterable[str]) -> Part:
        digest = Digest()
        with self._zip.open(_entry(name), "w", force_zip64=True) as out:
            for text in lines:
                line = text.encode() + b"\n"
                digest.add(line)
                out.write(line)
        self.parts.append(digest.part(name))
        return self.parts[-1]

    def describe(self, header: dict[str, Any]) -> None:
        """The last file."""
        manifest = {"format": FORMAT, **header, "files": [asdict(part) for part in self.parts]}
        self._zip.writestr(_entry(MANIFEST), json.dumps(manifest, indent=1))


class Reader:
    """An archive whose every byte is checked against its manifest; Invalid names the first file that is not right."""

    def __init__(self, source: IO[bytes], limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        try:
            self._zip = zipfile.ZipFile(source)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise Invalid(f"This is no whole archive: {error}. Fetch it again.") from error
        self.manifest = self._manifest()
        self.parts = [_part(entry) for entry in self.manifest["files"]]
        self._refuse_other_names()
        total = sum(part.size_bytes for part in self.parts)
        if total > limit_bytes:
            raise Invalid(
                f"The archive unpacks to {total} bytes; {limit_bytes} are allowed. Raise the limit if it may."
            )

    def verify(self) -> None:
        """Read everything once: rows, bytes and hashes are those of the manifest."""
        for part in self.parts:
            for _ in self.lines(part):
                pass

    def lines(self, part: Part) -> Iterator[bytes]:
        """The lines of a part; Invalid before or after them if they are not what the manifest says."""
        digest = Digest()
        try:
            with self._zip.open(part.name) as file:
                while line := file.readline(LINE_BYTES):
                    if not line.endswith(b"\n"):
                        raise Invalid(f"{part.name}, row {digest.rows + 1}: the line is cut off or too long.")
                    digest.add(line)
                    yield line
        except UNREADABLE as error:
            raise Invalid(f"{part.name}, after row {digest.rows}: {error}. Fetch the archive again.") from error
        if digest.part(part.name) != part:
            raise Invalid(
                f"{part.name} is not what the manifest says: its bytes were changed. Fetch the archive again."
            )

    def _manifest(self) -> dict[str, Any]:
        infos = [info for info in self._zip.infolist() if info.filename == MANIFEST]
        if len(infos) != 1 or infos[0].file_size > MANIFEST_BYTES:
            raise Invalid(f"The archive has no usable {MANIFEST}.")
        try:
            manifest = json.loads(self._zip.read(infos[0]))
        except (ValueError, RecursionError, *UNREADABLE) as error:
            raise Invalid(f"{MANIFEST} can't be read: {error}.") from error
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise Invalid(f"{MANIFEST} is not of the format {FORMAT}.")
        if not isinstance(manifest.get("files"), list):
            raise Invalid(f"{MANIFEST} names no files.")
        return manifest

    def _refuse_other_names(self) -> None:
        """What the zip holds is what the manifest says, name by name and size by size."""
        infos = self._zip.infolist()
        if len(infos) > MOST_FILES:
            raise Invalid(f"The archive holds {len(infos)} files; at most {MOST_FILES} are allowed.")
        said = {part.name: part.size_bytes for part in self.parts}
        found = {info.filename: info.file_size for info in infos if info.filename != MANIFEST}
        for name in sorted(said.keys() | found.keys()):
            if said.get(name) != found.get(name):
                raise Invalid(f"{name!r}: the manifest says {said.get(name)} bytes, the archive {found.get(name)}.")
        if len(infos) != len(found) + 1 or len(self.parts) != len(said):
            raise Invalid("The archive holds a file twice.")


def _entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, STAMP)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


def _part(entry: Any) -> Part:
    try:
        part = Part(**entry)
    except TypeError as error:
        raise Invalid(f"{MANIFEST}: a file is described wrongly: {error}.") from error
    numbers = (part.rows, part.size_bytes)
    if not (isinstance(part.name, str) and all(isinstance(number, int) and number >= 0 for number in numbers)):
        raise Invalid(f"{MANIFEST}: a file is described wrongly: {entry}.")
    return part

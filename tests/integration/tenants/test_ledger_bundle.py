"""Proof bundles: checked by a script that needs only Python, which names what was changed."""

import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tenants.data import Invalid
from tenants.ledger import bundle
from tenants.ledger.verify_bundle import Broken, Unreadable, check_bundle
from tenants.models import LedgerEntry
from tests.integration.tenants.ledger_scenes import LENGTH, SUBJECT, meeting_chains


@pytest.fixture(scope="module")
def parties():
    return meeting_chains()


class Made(dict[str, bytes]):
    def __repr__(self) -> str:
        return "the bundles"


@pytest.fixture(scope="module")
def made(parties) -> Made:
    """Bundles of Aurora's whole chain and of what is about SUBJECT, and Borealis' whole chain."""
    with parties[0].acting():
        ours = {"whole": bundle.range_bundle().read(), "about": bundle.subject_bundle(SUBJECT).read()}
    with parties[1].acting():
        return Made({**ours, "theirs": bundle.range_bundle().read()})


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: dict[str, bytes]) -> BytesIO:
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        for name, content in files.items():
            target.writestr(name, content)
    return archive


def seqs(files: dict[str, bytes], name: str) -> list[int]:
    """The entries of which a file holds the lines."""
    link_lines = files["chain.ndjson"].splitlines()
    first = int(files["manifest.json"].split(b'"first":')[1].split(b",")[0])
    return [first + n for n, line in enumerate(link_lines) if name == "chain.ndjson" or b'"digest"' not in line]


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from(["whole", "about"]), st.sampled_from(["chain.ndjson", "entries.ndjson"]))
def test_any_edited_byte_of_a_bundle_names_its_entry(made, data, which, name):
    files = members(made[which])
    before = files[name]
    at = data.draw(st.integers(0, len(before) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != before[at]))
    files[name] = before[:at] + bytes([byte]) + before[at + 1 :]
    with pytest.raises(Broken) as broken:
        check_bundle(packed(files))
    assert broken.value.seq == seqs(members(made[which]), name)[before[:at].count(b"\n")]


@settings(max_examples=80, deadline=None)
@given(st.data(), st.sampled_from(["whole", "about"]))
def test_any_edited_byte_of_a_manifest_is_refused(made, data, which):
    files = members(made[which])
    before = files["manifest.json"]
    at = data.draw(st.integers(0, len(before) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != before[at]))
    files["manifest.json"] = before[:at] + bytes([byte]) + before[at + 1 :]
    with pytest.raises((Broken, Unreadable)):
        check_bundle(packed(files))


@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from(["whole", "about"]), st.sampled_from(["chain.ndjson", "entries.ndjson"]))
def test_any_line_of_a_bundle_that_is_left_out_moved_or_added_names_its_entry(made, data, which, name):
    files = members(made[which])
    lines, numbers = files[name].splitlines(keepends=True), seqs(files, name)
    at = data.draw(st.integers(0, len(lines) - 1))
    to = data.draw(st.integers(0, len(lines) - 1))
    line = lines[at] if data.draw(st.booleans()) else lines.pop(at)
    lines.insert(to, line)
    if data.draw(st.booleans()):
        del lines[to]
    assume(b"".join(lines) != files[name])
    same = sum(1 for _ in zip_while_equal(lines, files[name].splitlines(keepends=True)))
    files[name] = b"".join(lines)
    with pytest.raises(Broken) as broken:
        check_bundle(packed(files))
    assert broken.value.seq == (numbers[same] if same < len(numbers) else LENGTH + 1)


def zip_while_equal(ours, theirs):
    for our, their in zip(ours, theirs, strict=False):
        if our != their:
            return
        yield our


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_archive_damaged_anywhere_is_never_taken_for_another_proof(made, data):
    """A byte of the archive that is no part of a file, such as a date, may change; what is read may not."""
    content = made["whole"]
    at = data.draw(st.integers(0, len(content) - 1))
    damaged = content[:at] + bytes([content[at] ^ data.draw(st.integers(1, 255))]) + content[at + 1 :]
    try:
        found = check_bundle(BytesIO(damaged))
    except (Broken, Unreadable):
        return
    assert found == check_bundle(BytesIO(content))


def script(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The script of the bundle, in a Python without site packages and far from this project."""
    command = [sys.executable, "-I", "-S", "verify_bundle.py", *arguments]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)


@pytest.fixture
def unpacked(made, tmp_path):
    for name, content in made.items():
        (tmp_path / f"{name}.zip").write_bytes(content)
    (tmp_path / "verify_bundle.py").write_bytes(members(made["whole"])["verify_bundle.py"])
    return tmp_path


def test_script_in_the_bundle_needs_only_python(unpacked, made):
    assert script(unpacked, "whole.zip").stdout == "SOUND whole.zip\n"
    both = script(unpacked, "whole.zip", "theirs.zip")
    assert both.stdout == "SOUND whole.zip\nSOUND theirs.zip, agrees on 6 shared entries\n"
    assert both.returncode == 0


def test_script_names_what_is_broken(unpacked, made):
    files = members(made["whole"])
    files["entries.ndjson"] = files["entries.ndjson"].replace(b'"n":7', b'"n":8')
    (unpacked / "forged.zip").write_bytes(packed(files).getvalue())
    (unpacked / "text.zip").write_text("no archive")
    forged, unread = script(unpacked, "forged.zip"), script(unpacked, "text.zip")
    assert forged.returncode == 1
    assert forged.stdout.startswith("BROKEN forged.zip: entry 7: its hash does not follow")
    assert (unread.returncode, unread.stderr) == (2, "")


def test_shorter_chain_that_is_sound_in_itself_fails_against_a_head_kept_elsewhere(unpacked, made, parties):
    with parties[0].acting():
        short = bundle.range_bundle(1, 5).read()
        head = LedgerEntry.objects.get(tenant=parties[0].id, seq=LENGTH).hash
    (unpacked / "short.zip").write_bytes(short)
    assert script(unpacked, "short.zip").returncode == 0
    for name, code in (("short.zip", 1), ("whole.zip", 0), ("about.zip", 0)):
        assert script(unpacked, name, "--expect-head", f"{LENGTH}:{head}").returncode == code
    other = script(unpacked, "whole.zip", "--expect-head", f"{LENGTH}:{'a' * 64}")
    assert "entry 12: its hash is not the one that was expected" in other.stdout


def test_bundle_about_one_thing_shows_nothing_else(made):
    texts = members(made["about"])["entries.ndjson"].decode()
    assert texts.count("\n") == 4
    assert all(f'"n":{n},' in texts for n in (3, 6, 9, 12))
    assert texts.count(str(SUBJECT)) == 4


def test_same_stretch_gives_the_same_bytes(made, parties):
    with parties[0].acting():
        assert bundle.range_bundle(1, LENGTH).read() == made["whole"]


def test_stretch_beyond_the_end_ends_with_the_ledger_and_one_after_it_is_refused(made, parties):
    with parties[0].acting():
        assert bundle.range_bundle(1, LENGTH + 500).read() == made["whole"]
        with pytest.raises(Invalid):
            bundle.range_bundle(LENGTH + 1, LENGTH + 500)

"""Files are judged by what they hold; archives are looked into, never unpacked."""

import io
import zipfile

import pytest

from marketplace.desk.data import FILE_BYTES, NAME_CHARS, clean_name, media_type_of
from tenants.data import Invalid


def office(*parts):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for part in parts:
            archive.writestr(part, "<x/>")
    return buffer.getvalue()


SHEET = office("[Content_Types].xml", "xl/workbook.xml")


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("a.exe", b"%PDF-1.7\nx", "application/pdf"),
        ("a", b"\x89PNG\r\n\x1a\n0000", "image/png"),
        ("a", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("a.zip", SHEET, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (
            "a",
            office("word/document.xml", "[Content_Types].xml"),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        ("a.stp", b"ISO-10303-21;\nHEADER;", "model/step"),
        ("a.dxf", b"  0\r\nSECTION\r\n  2\r\n", "image/vnd.dxf"),
        ("a.CSV", "t;höhe\n1;2\n".encode(), "text/csv"),
    ],
)
def test_type_is_what_the_file_holds(name, content, media_type):
    assert media_type_of(name, content) == media_type


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", b"MZ\x90\x00"),
        ("a.csv", b"a;b\x00c"),
        ("a.csv", b"\xff\xfe\x00"),
        ("a.html", b"<script>alert(1)</script>"),
        ("a.svg", b"<svg onload='x'/>"),
        ("a.xlsx", office("xl/workbook.xml")),
        ("a.xlsm", office("[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin")),
        ("a.docx", office("[Content_Types].xml", "payload.exe")),
        ("a.xlsx", SHEET[:40]),
        ("a.csv", b""),
        ("a.csv", b"1" * (FILE_BYTES + 1)),
    ],
    ids=lambda value: str(value)[:30],
)
def test_other_files_are_refused_at_the_file(name, content):
    with pytest.raises(Invalid) as refused:
        media_type_of(name, content)
    assert [error.pointer for error in refused.value.errors] == ["/file"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\drawings\\pump 7.pdf", "pump 7.pdf"),
        ("../../etc/passwd", "passwd"),
        ('a"\r\nSet-Cookie: x.pdf', "aSet-Cookie x.pdf"),
        ("é" * 300 + ".pdf", "é" * (NAME_CHARS - 4) + ".pdf"),
    ],
)
def test_name_is_the_last_part_without_what_no_name_needs(given, kept):
    assert clean_name(given) == kept


@pytest.mark.parametrize("name", ["", "..", "/", '"'])
def test_name_without_a_letter_is_refused(name):
    with pytest.raises(Invalid, match="can't be taken"):
        clean_name(name)

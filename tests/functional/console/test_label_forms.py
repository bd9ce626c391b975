"""Windows of true events as people write them down."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from cloudmining.console.label_forms import LARGEST_FILE, lines_of, read_labels, text_of_file
from tenants.data import Invalid

ZONE = ZoneInfo("Asia/Shanghai")


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, 2, hour, minute, tzinfo=UTC)


def test_lines_are_read_in_the_zone_of_the_site_unless_they_say():
    text = '2026-03-02 14:00, 2026-03-02 14:40, roof fell\n\n2026-03-02T07:00Z, 2026-03-02T15:30+08:00, "dust, smoke"'
    first, second = read_labels(text, ZONE)
    assert (first.start, first.end, first.due, first.words) == (at(6), at(6, 40), at(6, 40), "roof fell")
    assert (second.start, second.end, second.words) == (at(7), at(7, 30), "dust, smoke")


def test_file_with_a_header_may_have_its_columns_in_any_order():
    text = "note,End,start,due,more\nroof fell,2026-03-02T07:00Z,2026-03-02T06:00Z,2026-03-02T06:30Z,x\n"
    (label,) = read_labels(text, ZONE)
    assert (label.start, label.due, label.end, label.words) == (at(6), at(6, 30), at(7), "roof fell")


def test_labels_are_read_as_they_were_written():
    text = '2026-03-02T14:00, 2026-03-02T14:40, "a ""big"", bang"\n2026-03-02T15:00,2026-03-02T15:01'
    for due in (at(6, 40), at(6, 10)):
        kept = [
            {"start": each.start.isoformat(), "end": each.end.isoformat(), "due": due.isoformat(), "words": each.words}
            for each in read_labels(text, ZONE)
        ]
        again = read_labels(lines_of(kept, ZONE), ZONE)
        assert [(each.start.isoformat(), each.end.isoformat(), each.words) for each in again] == [
            (row["start"], row["end"], row["words"]) for row in kept
        ]
        assert again[0].due == due


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ("yesterday, today, x", "/labels/0/start"),
        ("2026-03-02, 2026-03-03, fine\n2026-03-02", "/labels/1/end"),
        ("start,end,due\n2026-03-02,2026-03-03,soon", "/labels/0/due"),
        ("2026-03-02, 2026-03-03\n" * 201, "/labels"),
    ],
)
def test_line_that_cannot_be_read_is_named(text, pointer):
    with pytest.raises(Invalid) as refused:
        read_labels(text, ZONE)
    assert [error.pointer for error in refused.value.errors] == [pointer]


def test_file_that_is_too_large_or_no_text_is_refused():
    assert text_of_file(None) == ""
    assert text_of_file(SimpleUploadedFile("labels.csv", "\ufeffstart,end".encode())) == "start,end"
    for content in (b"x" * (LARGEST_FILE + 1), b"\xff\xfe\x00"):
        with pytest.raises(Invalid):
            text_of_file(SimpleUploadedFile("labels.csv", content))

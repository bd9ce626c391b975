"""Terms are checked at birth; each bad value is pointed at."""

import pytest

from marketplace.data import ACCESS_H, DESCRIPTION_CHARS, FEE_MINOR, TITLE_CHARS, TaskTerms
from tenants.data import Invalid

GOOD = {"title": "Fix pump 7", "category": "equipment_maintenance"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "   "),
        ("title", "x" * (TITLE_CHARS + 1)),
        ("description", "x" * (DESCRIPTION_CHARS + 1)),
        ("category", "gossip"),
        ("opens", ("view_everything",)),
        ("access_h", 0),
        ("access_h", ACCESS_H + 1),
        ("fee_minor", -1),
        ("fee_minor", FEE_MINOR + 1),
        ("currency", "usd"),
        ("currency", "US"),
        ("currency", "ÄÖÜ"),
    ],
)
def test_bad_value_is_pointed_at(field, value):
    with pytest.raises(Invalid) as refused:
        TaskTerms(**GOOD | {field: value})
    assert [error.pointer for error in refused.value.errors] == [f"/{field}"]


def test_all_bad_values_are_named_at_once():
    with pytest.raises(Invalid) as refused:
        TaskTerms(title="", category="", access_h=0)
    assert {error.pointer for error in refused.value.errors} == {"/title", "/category", "/access_h"}

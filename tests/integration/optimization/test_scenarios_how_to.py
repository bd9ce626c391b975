"""What docs/how-to/plan-scenarios.md says can be typed, and its table is complete."""

import json
import re
from pathlib import Path

from optimization.generator import generate
from optimization.variations import read_variations, vary
from optimization.variations.form import FIGURES, KINDS, OUTAGES

PAGE = (Path(__file__).resolve().parents[3] / "docs/how-to/plan-scenarios.md").read_text()


def test_variations_of_the_page_are_read_and_apply():
    body, _ = json.JSONDecoder().raw_decode(PAGE, PAGE.index('{"name": "May, mill'))
    single = json.loads(re.search(r'`(\{"kind".*?\})`', PAGE)[1])
    instance = generate(2, 1, 2, 2, 2, 2, seed=1)
    assert vary(instance, read_variations([*body["variations"], single])) != instance


def test_table_of_the_page_names_every_kind_and_figure():
    rows = dict(re.findall(r"^\| `(\w+)` \|([^|]*)\|", PAGE, re.MULTILINE))
    assert rows.keys() == set(KINDS)
    for kind, known in {**FIGURES, "outage": OUTAGES}.items():
        assert set(re.findall(r"`(\w+)`", rows[kind])) == (set(known) if len(known) > 1 else set())

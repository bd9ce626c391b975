"""The examples of docs/how-to/keep-people-and-stock.md are taken as they stand, but for their days."""

import json
import re

from tenants.actions import register_site
from tests.database import ROOT
from tests.integration.tenants.resource_scenes import in_days, window

REQUEST = re.compile(r"^    curl .*? -d '(.*)' \$API/(\S+)$", re.MULTILINE)
MADE_BY = {"persons": "MEI", "skills": "BLASTING", "materials": "ANFO"}


def test_examples_of_the_page_are_taken(aurora):
    page = (ROOT / "docs" / "how-to" / "keep-people-and-stock.md").read_text()
    client, days = aurora.client(), window(60)
    with aurora.acting():
        south = register_site(code="south", name="South", kind="mine")
    known = {"NORTH": str(aurora.sites["north"].pk), "SOUTH": str(south.pk)}
    today = {"begins_at": str(days.begins_at), "ends_at": str(days.ends_at), "expires_on": str(in_days(365))}
    answers = []
    for body, path in REQUEST.findall(page):
        said = json.loads(re.sub(r"'\$(\w+)'", lambda name: known[name[1]], body))
        said |= {key: value for key, value in today.items() if key in said}
        address = re.sub(r"\$(\w+)", lambda name: known[name[1]], path)
        answer = client.post(f"/api/v1/{address}", said)
        answers.append((path, answer.status_code))
        if path in MADE_BY:
            known[MADE_BY[path]] = answer.json()["id"]
    assert len(answers) == 9 and [pair for pair in answers if pair[1] not in (200, 201)] == []
    assert client.get("/api/v1/stock-check").json() == {"faults": []}

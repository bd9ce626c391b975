"""The examples of docs/how-to/send-readings.md are taken as they stand."""

import re

from tests.database import ROOT
from tests.integration.edge.scenes import gateway, set_aside, told


def test_examples_of_the_page_are_acknowledged_and_placed(aurora):
    page = (ROOT / "docs" / "how-to" / "send-readings.md").read_text()
    examples = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    edge = gateway(aurora)
    answers = [edge.post(example.encode()) for example in examples]
    assert [(answer.status_code, answer.json()["through"]) for answer in answers] == [(200, 2), (200, 1)]
    assert set_aside(aurora) == [] and told(aurora) == [("alarm.raised", "UNACK")]

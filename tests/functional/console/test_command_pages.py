"""Commands as operators and managers see them: asked for on one page, approved on another by somebody else."""

import html
import re

from edge_bridge.models import Command
from tenants.actions import register_equipment
from tests.functional.console.scenes import sign_in
from tests.functional.console.test_console import text, with_role
from tests.functional.console.test_plan_pages import page_of
from tests.integration.edge import command_scenes as scene
from tests.integration.edge.command_scenes import FAN, REASON, requested, switch
from tests.integration.edge.scenes import opened


def steps_on(page: str) -> set[str]:
    return set(re.findall(r"/steps/([\w-]+)", page))


def test_operator_asks_on_a_machines_page_and_can_not_approve_it(aurora):
    scene.born(aurora)
    kind, machine, client = switch(aurora), aurora.equipment[FAN], sign_in(aurora)
    assert f'href="/commands/new/{machine.pk}"' in page_of(client, "/commands")
    form = page_of(client, f"/commands/new/{machine.pk}")
    assert "style=" not in form and "switch: running from 0 to 1" in text(form.encode())
    given = {"type": str(kind.pk), "value": "0", "reason": REASON}
    assert client.post(f"/commands/new/{machine.pk}", {**given, "value": "much"}).status_code == 422
    answer = client.post(f"/commands/new/{machine.pk}", given)
    assert answer.status_code == 302, answer.content.decode()
    page = page_of(client, answer.headers["Location"])
    assert "waits for a second person" in text(page.encode()) and REASON in page
    said, _, life = text(page.encode()).partition("Its life")
    assert "by Aurora owner" in said and "Aurora owner" in life
    assert steps_on(page) == {"reject", "withdraw"}
    assert client.post(f"{answer.headers['Location']}/steps/approve").status_code == 409
    withdrawn = client.post(f"{answer.headers['Location']}/steps/withdraw", {"reason": "not needed"})
    assert "not needed" in page_of(client, withdrawn.headers["Location"])


def test_manager_approves_what_a_partner_asked_for(aurora, borealis, cassia):
    scene.born(aurora)
    opened(aurora, borealis, "send_commands")
    command = requested(borealis, switch(aurora), aurora)
    address = f"/commands/{command.pk}"
    assert steps_on(page_of(sign_in(borealis), address)) == {"withdraw"}
    assert sign_in(cassia).get(address).status_code == 404
    client = sign_in(aurora)
    assert steps_on(page_of(client, address)) == {"approve", "reject", "withdraw"}
    assert "Borealis owner" in page_of(sign_in(borealis), address)
    assert "Borealis owner" not in page_of(client, address)
    assert client.post(f"{address}/steps/approve").status_code == 302
    assert "approved" in page_of(client, "/commands")
    with borealis.acting():
        assert Command.objects.get(pk=command.pk).state == "approved"


def test_manager_adds_a_type_and_retires_it(aurora):
    client = sign_in(aurora)
    given = {"name": "speed", "equipment_kind": "fan", "tag": "setpoint", "unit": "%", "min_value": "20"}
    given |= {"max_value": "100", "read_back_tag": "setpoint", "tolerance": "1", "settles_s": "30", "expires_s": "120"}
    given |= {"interlock_alarms": "ch4.hi, co.hi", "interlock_zone": "site", "needs_two_persons": "two"}
    wrong = client.post("/command-types", given | {"max_value": "10", "expires_s": "1"})
    assert wrong.status_code == 422 and "from 5 to 86400" in text(wrong.content)
    assert client.post("/command-types", given).status_code == 302
    assert "retire it first" in text(client.post("/command-types", given).content)
    page = page_of(client, "/command-types")
    assert "style=" not in page and "setpoint from 20 to 100 %" in text(page.encode()) and "ch4.hi, co.hi" in page
    assert "a second person" in page
    retired = {"form": "retire", "type": re.search(r'name="type" value="([^"]+)"', page)[1]}
    assert client.post("/command-types", retired).status_code == 302
    assert "Nothing may be set yet" in page_of(client, "/command-types")
    operator = with_role(aurora, "operator")
    assert "Add a type" not in page_of(operator, "/command-types")
    assert operator.post("/command-types", given).status_code == 403


def test_viewer_is_shown_no_commands(aurora):
    client = with_role(aurora, "viewer")
    assert 'href="/commands"' not in page_of(client, "/alarm-health")
    assert client.get("/commands").status_code == 403


def test_machines_of_partners_are_paged_beside_the_commands(aurora, borealis):
    opened(aurora, borealis, "send_commands")
    with aurora.acting():
        made = [
            register_equipment(site=aurora.sites["north"], code=f"FAN-Z{n:02}", name="Fan", kind="fan")
            for n in range(40)
        ]
    client = sign_in(borealis)
    first = page_of(client, "/commands?shared=1")
    assert "FAN-Z39" not in first and "First machines" not in first
    more = re.search(r'href="(\?shared=1&amp;behind=[0-9a-f-]+)">More machines', first)
    second = page_of(client, "/commands" + html.unescape(more[1]))
    assert str(made[39].pk) in second and str(made[0].pk) not in second and "First machines" in second

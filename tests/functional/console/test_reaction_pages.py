"""What follows by itself, as managers switch it and as viewers read it."""

from edge_bridge.protocol import Lane
from marketplace.models import ServiceTask
from tests.functional.console.scenes import sign_in
from tests.functional.console.test_console import text, with_role
from tests.functional.console.test_plan_pages import page_of
from tests.integration.edge.scenes import gateway, raised
from tests.integration.marketplace.reactions import swept


def test_manager_switches_a_reaction_and_sees_what_came_of_it(aurora):
    client = sign_in(aurora)
    page = page_of(client, "/reactions")
    assert "Nothing yet." in page and "Aurora North" in page and "style=" not in page
    answer = client.post("/reactions", {"reaction": "critical_alarm", "is_on": "on", "site": ""})
    assert answer.status_code == 302 and answer.headers["Location"] == "/reactions"
    gateway(aurora).say(Lane.P1, raised())
    assert swept(aurora) == 1
    shown = text(page_of(client, "/reactions").encode())
    with aurora.acting():
        task = ServiceTask.objects.get(tenant=aurora.id)
    assert f'href="/tasks/{task.pk}"' in page_of(client, "/reactions") and "critical alarm" in shown
    assert "Switch off" in shown and "Aurora owner" in shown and "Drafted: ch4.hi at GAS-T0-01" in shown
    assert client.post("/reactions", {"reaction": "critical_alarm"}).status_code == 302
    assert "Switch off" not in page_of(client, "/reactions")


def test_reaction_that_needs_a_site_says_so_and_a_viewer_switches_nothing(aurora):
    client = sign_in(aurora)
    refused = client.post("/reactions", {"reaction": "grades_drifted", "is_on": "on"})
    assert refused.status_code == 422 and "which site" in text(refused.content)
    with_role(aurora, "viewer")
    assert "Switch on" not in page_of(client, "/reactions")
    assert client.post("/reactions", {"reaction": "critical_alarm", "is_on": "on"}).status_code == 403

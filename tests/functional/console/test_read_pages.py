"""The page that tells an owner who read what, and that no page of the partner's shows what a clause hides."""

import pytest

from tests.functional.console.scenes import sign_in
from tests.integration.tenants.read_scenes import share, with_alarm_and_readings

SENTINELS = {"value": "1.2", "tag": "CH4", "limit": "/ 1<", "name": "Aurora North"}


def test_owner_sees_who_read_what_under_which_agreement_and_by_day(aurora, borealis, cassia):
    with_alarm_and_readings(aurora)
    share(aurora, borealis, "view_alarms")
    assert sign_in(borealis).get("/panels/alarms").status_code == 200
    owner = sign_in(aurora)
    page = owner.get("/reads").content.decode()
    for word in ("Borealis owner", "session:", "1 × alarm", "Watch", "Read by partners: 3 rows on 1 day<", "<svg"):
        assert word in page
    table = owner.get("/reads.csv").content.decode("utf-8-sig").splitlines()
    assert table[0].startswith("read_at,owner,reader,user_name") and len(table) == 4
    assert "Watch" in owner.get("/reads/by-day.csv").content.decode()
    assert owner.get("/reads/by-day").status_code == 200
    assert "Aurora" in sign_in(borealis).get("/reads?side=taken").content.decode()
    outsider = sign_in(cassia)
    for place in ("/reads", "/reads?side=taken", "/reads.csv"):
        assert "Watch" not in outsider.get(place).content.decode()
    assert outsider.get("/reads?side=all").status_code == 404


def test_older_records_are_on_the_next_page(aurora, borealis):
    with_alarm_and_readings(aurora)
    share(aurora, borealis, "view_alarms")
    client = borealis.client()
    for _ in range(10):
        client.get("/api/v1/alarms", {"shared": True})
    page = sign_in(aurora).get("/reads")
    assert page.content.decode().count('id="read-') == 25
    older = sign_in(aurora).get(f"/reads?side=given&before={page.context_data['older']}").content.decode()
    assert older.count('id="read-') == 5


@pytest.mark.parametrize("hidden", [["value"], ["limit", "tag"], ["name"], ["limit", "name", "tag", "value"]])
def test_partners_panel_says_hidden_and_never_the_value(aurora, borealis, hidden):
    with_alarm_and_readings(aurora)
    share(aurora, borealis, "view_alarms", "acknowledge_alarms", field_mask=hidden)
    panel = sign_in(borealis).get("/panels/alarms").content.decode()
    assert "ch4.hi" in panel and "hidden" in panel
    for name, sentinel in SENTINELS.items():
        assert (sentinel in panel) == (name not in hidden), name

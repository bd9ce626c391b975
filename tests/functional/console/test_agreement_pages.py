"""Agreements as both parties' people see them, without a browser."""

from datetime import UTC, datetime, timedelta

import pytest

from tenants.agreements import actions as agreeing
from tenants.models import Agreement, Tenant
from tenants.roles import ROLES
from tests.agreements import agreed, drafted, grants_of, mandate_of, signed, wish
from tests.functional.console.scenes import HOSTILE, sign_in
from tests.functional.console.test_console import text
from tests.functional.console.test_plan_pages import page_of
from tests.integration.optimization.scenes import colleague

NOW = datetime.now(UTC)


def form_of(place, title="Watch North", **changed):
    clause = {
        "place": f"site:{place.pk}",
        "permissions": ["view_alarms"],
        "begins_at": NOW.strftime("%Y-%m-%dT%H:%M"),
        "ends_at": (NOW + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M"),
        "delay_min": "5",
    }
    clauses = {f"clauses-0-{name}": value for name, value in (clause | changed).items()}
    managed = {"clauses-TOTAL_FORMS": "1", "clauses-INITIAL_FORMS": "0"}
    return {"title": title, "purpose": "maintenance", "kind": "bilateral", "press": "keep", **managed, **clauses}


def pressed(client, agreement, step, **data):
    return client.post(f"/agreements/{agreement.pk}/steps/{step}", data)


def current(party, agreement):
    with party.acting():
        return Agreement.objects.get(pk=agreement.pk)


def test_people_draft_offer_counter_accept_sign_and_end_on_the_pages(aurora, borealis, cassia):
    owner, partner, outsider = sign_in(aurora), sign_in(borealis), sign_in(cassia)
    answer = owner.post("/agreements/draft", {**form_of(aurora.sites["north"]), "partner": str(borealis.id)})
    assert answer.status_code == 302, answer.content
    place = answer.headers["Location"]
    page = page_of(owner, place)
    assert "5 minutes later" in page and 'id="offer"' in page and "sites: 1" in page
    assert partner.get(place).status_code == outsider.get(place).status_code == 404
    assert owner.post(f"{place}/steps/offer").headers["Location"] == place
    assert "Watch North" in page_of(partner, "/agreements") and "Watch North" not in page_of(outsider, "/agreements")
    shown = page_of(partner, f"{place}/propose")
    assert "Aurora North" in shown and "North mill" not in shown
    priced = form_of(aurora.sites["north"], "Watch at once", delay_min="0", price="7.5", price_per="month")
    counter = {**priced, "answers": "1", "terms": "No delay."}
    assert partner.post(f"{place}/propose", counter).headers["Location"] == place
    page = page_of(owner, place)
    assert "Versions side by side" in page and "No delay." in page and page.count("changed") == 3
    assert '<h1 id="agreement">Watch at once</h1>' in page and "<td>Watch North</td>" in page
    owner.post(f"{place}/steps/accept", {"version": "2"})
    with aurora.acting():
        text_hash = Agreement.objects.get().versions.get(number=2).text_hash
    for client in (owner, partner):
        assert client.post(f"{place}/steps/sign", {"version": "2", "text_hash": text_hash}).status_code == 302
    shown = text(page_of(partner, place).encode())
    assert "in force since" in shown.lower() and "7.50 USD for 0 rows read in the last twelve months" in shown
    page = page_of(owner, place)
    assert "Aurora owner" in page and "Borealis owner" in page and 'id="suspend"' in page and 'id="sign"' not in page
    assert owner.post(f"{place}/steps/suspend", headers={"HX-Request": "true"}).headers["Location"] == f"{place}/body"
    partner.post(f"{place}/steps/terminate", {"reason": "we leave"})
    assert "we leave" in page_of(owner, place)


def test_bad_form_is_shown_again_with_words_beside_its_fields(aurora, borealis):
    owner = sign_in(aurora)
    bad = {**form_of(aurora.sites["north"], purpose="Two words"), "partner": str(borealis.id)}
    answer = owner.post("/agreements/draft", bad)
    assert answer.status_code == 422
    assert "small letters" in answer.content.decode() and 'id="id_clauses-0-purpose_error"' in answer.content.decode()
    missing = owner.post("/agreements/draft", {**bad, "title": "", "clauses-0-purpose": ""})
    assert missing.status_code == 422 and 'id="id_title_error"' in missing.content.decode()
    with aurora.acting():
        assert not Agreement.objects.exists()


def test_preview_and_another_clause_keep_nothing(aurora, borealis):
    owner = sign_in(aurora)
    form = {**form_of(aurora.sites["north"]), "partner": str(borealis.id)}
    assert "equipment: 4" in owner.post("/agreements/draft", {**form, "press": "preview"}).content.decode()
    more = owner.post("/agreements/draft", {**form, "press": "more"}).content.decode()
    assert "Clause 2" in more and "Clause 3" not in more
    assert owner.post("/agreements/draft", {**form, "press": "more", "clauses-TOTAL_FORMS": "x"}).status_code == 422
    with aurora.acting():
        assert not Agreement.objects.exists()


def test_amendment_and_call_off_begin_from_what_is_in_force(aurora, borealis):
    old = signed(agreed(aurora, borealis), aurora, borealis)
    owner = sign_in(aurora)
    assert "Watch" in page_of(owner, f"/agreements/draft?supersedes={old.pk}")
    made = owner.post(f"/agreements/draft?supersedes={old.pk}", form_of(aurora.sites["north-mill"], title="Watch mill"))
    assert made.status_code == 302
    assert "the earlier agreement" in page_of(owner, made.headers["Location"])
    limits = agreed(aurora, borealis, kind="framework", clauses=[wish(aurora.sites["north"])])
    framework = signed(limits, aurora, borealis)
    with aurora.acting():
        window = framework.clauses.get().during
    within = {
        "begins_at": (window.lower + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M"),
        "ends_at": (window.upper - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M"),
    }
    address = f"/agreements/draft?framework={framework.pk}"
    beyond = sign_in(borealis).post(address, form_of(aurora.sites["north"]))
    assert beyond.status_code == 422 and "it ends after" in beyond.content.decode()
    called = sign_in(borealis).post(address, form_of(aurora.sites["north"], **within))
    assert called.status_code == 302
    made = Agreement(pk=called.headers["Location"].rsplit("/", 1)[1])
    assert grants_of(aurora, made) == {(aurora.sites["north"].pk, "view_alarms")}


@pytest.mark.parametrize("role", sorted(ROLES))
def test_role_has_the_buttons_it_may_press(aurora, borealis, role):
    agreement = drafted(aurora, borealis)
    client = sign_in(colleague(aurora, role))
    answer = client.get(f"/agreements/{agreement.pk}")
    assert (answer.status_code == 200) == ("view_agreements" in ROLES[role])
    may = "manage_agreements" in ROLES[role]
    assert (b'id="offer"' in answer.content) == may
    assert (client.get("/agreements/draft").status_code == 200) == may
    assert (pressed(client, agreement, "offer").status_code == 302) == may
    assert (current(aurora, agreement).status == "offered") == may


def test_wrong_step_is_a_page_of_words_and_changes_nothing(aurora, borealis):
    agreement = drafted(aurora, borealis)
    owner = sign_in(aurora)
    assert pressed(owner, agreement, "sign", version="1", text_hash="x").status_code == 409
    assert pressed(owner, agreement, "accept").status_code == 422
    assert pressed(owner, agreement, "terminate", reason=" ").status_code == 422
    assert pressed(owner, agreement, "activate").status_code == 404
    assert owner.get("/agreements?status=rubbish").status_code == 404
    assert current(aurora, agreement).status == "draft"


def test_owner_of_a_mandate_sees_it_and_has_no_button(aurora, delta):
    mandate = mandate_of(aurora, delta)
    page = page_of(sign_in(aurora), f"/agreements/{mandate.pk}")
    assert "Mine Safety Act, s. 12" in page and 'id="terminate"' not in page and 'id="suspend"' not in page
    assert 'id="terminate"' in page_of(sign_in(delta), f"/agreements/{mandate.pk}")


def test_times_are_shown_in_the_zone_of_the_reader(aurora, borealis):
    ends_at = datetime(2031, 5, 1, 20, 30, tzinfo=UTC)
    agreement = signed(agreed(aurora, borealis, ends_at=ends_at), aurora, borealis)
    with borealis.acting():
        Tenant.objects.filter(pk=borealis.id).update(time_zone="Australia/Perth")
    assert page_of(sign_in(aurora), f"/agreements/{agreement.pk}").count("1 May 2031, 20:30 UTC") == 2
    assert page_of(sign_in(borealis), f"/agreements/{agreement.pk}").count("2 May 2031, 04:30 AWST") == 2


def test_hostile_words_are_shown_as_words(aurora, borealis):
    with aurora.acting():
        agreement = agreeing.draft_agreement(
            partner=borealis.tenant,
            title=HOSTILE,
            purpose=HOSTILE,
            terms=HOSTILE,
            clauses=[wish(aurora.sites["north"])],
        )
    owner = sign_in(aurora)
    for path in ("/agreements", f"/agreements/{agreement.pk}", f"/agreements/{agreement.pk}/propose"):
        assert HOSTILE not in page_of(owner, path)

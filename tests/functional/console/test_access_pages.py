"""Who may see what, why, and who of the partner uses it, as pages."""

import pytest

from tenants.agreements import actions as agreeing
from tenants.models import Delegation, Membership
from tests.functional.console.scenes import sign_in
from tests.integration.tenants.sharing_scenes import opened

ACCESS = "/access"


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split())


def test_owner_sees_the_matrix_with_a_cell_for_each_permission(aurora, borealis):
    opened(aurora, borealis, "view_alarms", "comment", field_mask=["value"], purpose="repair")
    page = text_of(sign_in(aurora).get(ACCESS))
    assert "Aurora North" in page and "Borealis" in page and "Watch" in page
    assert page.count('<span class="chip good">yes</span>') == 2
    assert "only for the purpose repair, without value" in page


@pytest.mark.parametrize(
    ("query", "shown"), [("q=nothing", False), ("q=aurora+north", True), ("state=not_in_force", False)]
)
def test_matrix_is_searched_and_filtered(query, shown, aurora, borealis):
    opened(aurora, borealis)
    assert ("Borealis" in text_of(sign_in(aurora).get(f"{ACCESS}?{query}"))) is shown


def test_suspended_agreement_is_shown_shut_with_the_reason(aurora, borealis):
    agreement = opened(aurora, borealis)
    with aurora.acting():
        agreeing.suspend_agreement(agreement=agreement)
    page = text_of(sign_in(aurora).get(f"{ACCESS}?state=all"))
    assert "the agreement is suspended" in page and '<span class="chip low">shut</span>' in page


def test_partner_sees_what_is_opened_to_it_and_the_outsider_nothing(aurora, borealis, cassia):
    opened(aurora, borealis)
    assert "Aurora North" in text_of(sign_in(borealis).get(f"{ACCESS}?side=received"))
    for side in ("given", "received"):
        assert "Aurora" not in text_of(sign_in(cassia).get(f"{ACCESS}?side={side}&state=all"))


def test_explanation_says_who_may_see_a_place_and_the_outsider_gets_404(aurora, borealis, cassia):
    opened(aurora, borealis)
    url = f"{ACCESS}/explain?object=site:{aurora.sites['north'].pk}"
    assert "Borealis may see alarms at Aurora North (north)" in text_of(sign_in(aurora).get(url))
    assert "Aurora has opened it to you" in text_of(sign_in(borealis).get(url))
    assert sign_in(cassia).get(url).status_code == 404


def test_partners_administrator_delegates_and_clears_in_the_page(aurora, borealis):
    agreement = opened(aurora, borealis)
    client, url = sign_in(borealis), f"{ACCESS}/{agreement.pk}/users"
    assert "Every member uses it" in text_of(client.get(url))
    assert client.post(url, {"roles": ["expert"], "members": [str(borealis.user.pk)]}).status_code == 302
    page = text_of(client.get(url))
    assert "Used only by: expert, and 1 named member" in page
    assert client.post(url, {"everyone": "1"}).status_code == 302
    with borealis.acting():
        assert not Delegation.objects.exists()


def test_delegation_is_refused_to_the_owner_of_the_data_and_to_those_who_do_not_administer(aurora, borealis):
    url = f"{ACCESS}/{opened(aurora, borealis).pk}/users"
    assert sign_in(aurora).get(url).status_code == 404
    with borealis.acting():
        Membership.objects.filter(user=borealis.user).update(roles=["expert"])
    client = sign_in(borealis)
    assert "Only these use it" not in text_of(client.get(url))
    assert client.post(url, {"roles": ["expert"]}).status_code == 403


def test_matrix_is_saved_as_csv(aurora, borealis):
    opened(aurora, borealis)
    answer = sign_in(aurora).get(f"{ACCESS}.csv")
    assert answer["content-type"].startswith("text/csv") and b"Aurora North" in answer.content


@pytest.mark.parametrize("query", ["side=x", "state=x", "permission=x", "before=x"])
def test_unknown_choice_is_404(query, aurora):
    assert sign_in(aurora).get(f"{ACCESS}?{query}").status_code == 404

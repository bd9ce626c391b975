"""Mandates laid and ended by the platform, on the command line and in its administration."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tenants.context import as_platform
from tenants.models import Agreement, PlatformAccess
from tests.agreements import agreed, entered, grants_of
from tests.functional.admin.test_admin import at_the_platform, operator, signed_in  # noqa: F401

FORM = {"title": "Gas watch", "statute": "Mine Safety Act, s. 12", "purpose": "safety", "permissions": ["view_alarms"]}


def laid(aurora, delta, **changed):
    given = {"statute": FORM["statute"], "title": "Gas watch", "permission": ["view_alarms"]} | changed
    out = StringIO()
    call_command("lay_mandate", aurora.tenant.slug, delta.tenant.slug, stdout=out, **given)
    return out.getvalue()


def only_agreement(owner):
    with owner.acting():
        return Agreement.objects.get()


def test_command_opens_all_sites_or_those_named(aurora, delta):
    assert "Aurora was told" in laid(aurora, delta, site=["north-mill"])
    assert grants_of(aurora, only_agreement(aurora)) == {(aurora.sites["north-mill"].pk, "view_alarms")}
    laid(aurora, delta, title="All")
    with aurora.acting():
        whole = Agreement.objects.get(title="All")
    assert {place for place, _ in grants_of(aurora, whole)} == {site.pk for site in aurora.sites.values()}
    assert entered(aurora) == ["agreement.activated"] * 2


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"site": ["nowhere"]}, "has no 'nowhere'"),
        ({"statute": " "}, "name the law"),
        ({"ends_at": datetime(2020, 1, 1, tzinfo=UTC)}, "give a time to come"),
    ],
)
def test_command_refuses_in_words_and_keeps_nothing(aurora, delta, changed, words):
    with pytest.raises(CommandError, match=words):
        laid(aurora, delta, **changed)
    with aurora.acting():
        assert not Agreement.objects.exists()


def test_command_knows_regulators_and_organisations(aurora, borealis):
    with pytest.raises(CommandError, match="is a regulator"):
        laid(aurora, borealis)
    with pytest.raises(CommandError, match="no organisation 'nobody'"):
        call_command("lay_mandate", "nobody", borealis.tenant.slug, statute="x", title="x", permission=["view_alarms"])


def test_operator_lays_and_ends_a_mandate_with_a_reason(aurora, borealis, delta, operator):  # noqa: F811
    client = at_the_platform(operator, "order of the inspectorate")
    form = {**FORM, "owner": str(aurora.id), "regulator": str(delta.id)}
    assert client.get("/platform/tenants/agreement/add/").status_code == 200
    assert b"Choose sites of that owner" in _posted(client, {**form, "sites": [_site_of(borealis)]}).content
    assert b"one of the available" in _posted(client, {**form, "regulator": str(borealis.id)}).content
    assert _posted(client, form).status_code == 302
    mandate = only_agreement(aurora)
    assert (mandate.kind, mandate.status, len(grants_of(aurora, mandate))) == ("mandate", "active", 2)
    other = agreed(aurora, borealis)
    chosen = {"action": "end_mandates", "_selected_action": [str(mandate.pk), str(other.pk)]}
    assert client.post("/platform/tenants/agreement/", chosen).status_code == 302
    with aurora.acting():
        assert Agreement.objects.get(pk=mandate.pk).end_reason.endswith("order of the inspectorate")
        assert Agreement.objects.get(pk=other.pk).status == "agreed"
    with as_platform("tests", "read the audit"):
        assert PlatformAccess.objects.filter(reason__contains="order of the inspectorate").exists()


def test_organisations_administrators_look_at_agreements_and_change_none(aurora, borealis):
    agreement = agreed(aurora, borealis)
    client = signed_in(aurora)
    page = client.get(f"/administration/tenants/agreement/{agreement.pk}/change/").content
    assert b"version 1" in page and b"Aurora North" in page
    assert client.get("/administration/tenants/agreement/add/").status_code == 403
    chosen = {"action": "end_mandates", "_selected_action": [str(agreement.pk)]}
    client.post("/administration/tenants/agreement/", chosen)
    assert only_agreement(aurora).status == "agreed"


def _posted(client, form):
    return client.post("/platform/tenants/agreement/add/", form)


def _site_of(organisation):
    from tenants.actions import register_site

    with organisation.acting():
        return str(register_site(code="yard", name="Yard", kind="logistics_centre").pk)

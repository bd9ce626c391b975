"""Closing an organisation: asked for, taken back, purged; what stays and why is on the receipt."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client

from tenants.actions import admit_member
from tenants.agreements.mandates import lay_mandate
from tenants.context import as_platform
from tenants.ledger.actions import enter
from tenants.models import Agreement, Closure, FeedEvent, LedgerEntry, Site, Tenant, User
from tenants.organisation import closing, contents, purging
from tenants.organisation.retention import KEPT
from tests.integration.marketplace import scenes as market
from tests.personas import PASSWORD
from tests.places import Places

LATER = timedelta(days=31)


def requested(organisation):
    with organisation.acting():
        return closing.request_closure(slug=organisation.tenant.slug, reason="we stop mining")


def signed_in(organisation):
    client = Client()
    assert client.login(username=organisation.user.email, password=PASSWORD)
    return client


def test_closing_ends_agreements_and_keys_and_leaves_the_owner_the_way_back(aurora, borealis):
    task = market.published(aurora, equipment_id=aurora.equipment["FAN-01"].pk)
    market.claimed(task, borealis)
    with borealis.acting():
        assert Agreement.objects.filter(tenant=aurora.id, status="active").exists()
    key = aurora.client()
    requested(aurora)
    assert key.get("/api/v1/sites").status_code == 401
    owner = signed_in(aurora)
    assert owner.get("/api/v1/alarms").status_code == 403
    assert owner.post("/api/v1/companies", {"code": "x", "name": "X"}).status_code == 403
    assert owner.get("/api/v1/organisation/closure").json()["closure"]["reason"] == "we stop mining"
    with aurora.acting():
        assert not Agreement.objects.exclude(status="terminated").filter(tenant=aurora.id).exists()
    with borealis.acting():
        assert not Tenant.objects.filter(pk=aurora.id).exists()
        assert FeedEvent.objects.filter(tenant=borealis.id, kind="rights.agreement_ended").exists()
    answer = owner.delete("/api/v1/organisation/closure")
    assert answer.status_code == 200
    assert owner.get("/api/v1/alarms").status_code == 200
    with borealis.acting():
        assert Tenant.objects.filter(pk=aurora.id).exists()


def test_mandate_lasts_until_the_purge(aurora, delta):
    """No owner ends a regulator's mandate by leaving."""
    window = (datetime.now(UTC), datetime.now(UTC) + timedelta(days=90))
    clause = {"site": aurora.sites["north"], "permissions": ["view_alarms"], "during": window}
    with as_platform("tests", "lay a mandate"):
        mandate = lay_mandate(
            owner=aurora.tenant,
            regulator=delta.tenant,
            title="Watch",
            statute="Act",
            purpose="safety",
            clauses=[clause],
        )
    closure = requested(aurora)
    with delta.acting():
        mandate.refresh_from_db()
        assert mandate.status == "active"
    purging.purge(closure, datetime.now(UTC) + LATER)
    with delta.acting():
        mandate.refresh_from_db()
        assert (mandate.status, mandate.end_reason) == ("terminated", closing.REASON)
        assert not Site.objects.filter(tenant=aurora.id).exists()


def test_members_other_than_owners_have_nothing_left(aurora):
    with as_platform("tests", "a viewer"):
        viewer = User.objects.create_user(f"v-{aurora.tenant.slug}@example.com", PASSWORD, name="Viewer")
        admit_member(tenant=aurora.tenant, user=viewer, roles=["viewer"])
    requested(aurora)
    client = Client()
    client.login(username=viewer.email, password=PASSWORD)
    assert client.get("/api/v1/sites").status_code == 403


def test_closing_is_confirmed_by_the_short_name(aurora):
    client = aurora.client()
    answer = client.post("/api/v1/organisation/closure", {"slug": "other", "reason": "x"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/slug")
    assert client.delete("/api/v1/organisation/closure").status_code == 409
    body = {"slug": aurora.tenant.slug, "reason": "x"}
    assert client.post("/api/v1/organisation/closure", body).status_code == 201


def test_nothing_is_purged_within_the_grace_period(aurora):
    requested(aurora)
    assert aurora.id not in purging.purge_due(datetime.now(UTC) + timedelta(days=29))
    with aurora.acting():
        assert Site.objects.filter(tenant=aurora.id).exists()


def test_purge_deletes_all_but_what_has_to_stay(aurora, cassia):
    Places.of_aurora(aurora)
    with aurora.acting():
        enter(kind="test.entered", subject=aurora.id, payload={"a": 1})
    with cassia.acting():
        before = Tenant.objects.filter(pk=cassia.id).count()
    closure = requested(aurora)
    purging.purge(closure, datetime.now(UTC) + LATER)
    with as_platform("tests", "look at what is left"):
        closure.refresh_from_db()
        receipt = closure.receipt
        left = {model._meta.label: purging._count(model, aurora.id) for model in contents.owned_models()}
        assert {label: rows for label, rows in left.items() if rows} == {
            label: kept["rows"] for label, kept in receipt["kept"].items()
        }
        assert receipt["deleted"]["edge_bridge.Alarm"] >= 1
        assert receipt["deleted"]["tenants.Membership"] >= 1
        assert "optimization.PlanRun" not in receipt["kept"]
        assert receipt["kept"]["tenants.LedgerEntry"]["why"] == KEPT["tenants.LedgerEntry"].reason
        # Named by the clause of an agreement, so it stays; its equipment does not.
        assert [site.code for site in Site.objects.filter(tenant=aurora.id)] == ["north"]
        user = User.objects.get(pk=aurora.user.pk)
        assert (user.email, user.name, user.is_active) == (f"former-{user.pk}@gone.invalid", "A former member", False)
        assert receipt["people_forgotten"] >= 1
        assert LedgerEntry.objects.filter(tenant=aurora.id, kind="test.entered").exists()
    with cassia.acting():
        assert Tenant.objects.filter(pk=cassia.id).count() == before


def test_member_of_another_organisation_keeps_their_name(aurora, borealis):
    with as_platform("tests", "a member of both"):
        admit_member(tenant=borealis.tenant, user=aurora.user, roles=["viewer"])
    purging.purge(requested(aurora), datetime.now(UTC) + LATER)
    with borealis.acting():
        assert User.objects.get(pk=aurora.user.pk).email == aurora.user.email


def test_purge_that_was_cut_short_goes_on_with_its_receipt(aurora, monkeypatch):
    closure = requested(aurora)
    delete, batches = purging._delete_batch, iter(range(9))

    def dying(*which):
        if next(batches) == 2:
            raise ConnectionError("the worker was killed")
        return delete(*which)

    monkeypatch.setattr(purging, "_delete_batch", dying)
    monkeypatch.setattr(purging, "BATCH_ROWS", 3)
    with pytest.raises(ConnectionError):
        purging.purge(closure, datetime.now(UTC) + LATER)
    monkeypatch.undo()
    with as_platform("tests", "the receipt so far"):
        assert sum(Closure.objects.get(pk=closure.pk).receipt["deleted"].values()) == 6
    assert aurora.id in purging.purge_due(datetime.now(UTC) + LATER)
    with as_platform("tests", "the receipt"):
        receipt = Closure.objects.get(pk=closure.pk).receipt
    assert (receipt["deleted"]["tenants.Equipment"], receipt["deleted"]["tenants.Site"]) == (4, 2)
    assert receipt["people_forgotten"] == 1


def test_rows_kept_for_a_time_go_when_it_is_over(aurora):
    closure = requested(aurora)
    assert not purging._has_more(_purged(closure, LATER), datetime.now(UTC) + 2 * LATER)
    assert purging._has_more(_purged(closure, LATER), datetime.now(UTC) + timedelta(days=1100))
    assert not purging._has_more(_purged(closure, timedelta(days=4000)), datetime.now(UTC) + timedelta(days=4001))


def _purged(closure, after):
    closure.purged_at = datetime.now(UTC) + after
    return closure


def test_every_table_that_refuses_deletion_is_kept():
    """What a trigger refuses is not tried: the rules say so, and nothing goes around it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger"
            " WHERE NOT tgisinternal AND tgtype & 8 = 8 AND tgfoid = 'tenants_refuse_change'::regproc"
        )
        refusing = {row[0] for row in cursor.fetchall()}
    names = {model._meta.db_table: model._meta.label for model in contents.owned_models()}
    assert refusing
    assert {names[table] for table in refusing if table in names} <= set(KEPT)
    assert set(KEPT) <= set(names.values())
    assert all(rule.days is None or rule.days > 365 for rule in KEPT.values())

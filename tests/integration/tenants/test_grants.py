"""What an agreement opens, and that nothing else does."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from guardian.shortcuts import get_objects_for_user

from tenants import access
from tenants.agreements import actions as agreeing
from tenants.context import on_behalf_of
from tenants.data import Conflict, Forbidden, NotFound
from tenants.models import Agreement, FeedEvent, Site, SiteGroupObjectPermission


def opened_to(partner, owner, permissions=("view_alarms",), until=None, site="north"):
    with owner.acting():
        window = (datetime.now(UTC) - timedelta(seconds=1), until)
        return agreeing.agree_by_offer(
            owner_id=owner.id,
            partner_id=partner.id,
            title="Watch North",
            purpose="maintenance",
            clauses=[{"site": owner.sites[site], "permissions": list(permissions), "during": window}],
        )


def test_partner_gets_the_site_only_with_the_permission_that_was_opened(aurora, borealis, cassia):
    opened_to(borealis, aurora)
    north = aurora.sites["north"].pk
    with borealis.acting():
        assert access.get_site(north, needs="view_alarms").name == "Aurora North"
        with pytest.raises(NotFound):
            access.get_site(north, needs="view_telemetry")
        with pytest.raises(NotFound):
            access.get_site(aurora.sites["north-mill"].pk, needs="view_alarms")
    with cassia.acting(), pytest.raises(NotFound):
        access.get_site(north, needs="view_alarms")


def test_role_without_the_capability_is_refused_before_any_look_up(aurora):
    with aurora.acting("finance"), pytest.raises(Forbidden):
        access.get_site(aurora.sites["north"].pk, needs="view_alarms")


def test_guardian_answers_as_the_policy_does_through_suspension_and_end(aurora, borealis):
    agreement = opened_to(borealis, aurora)

    def seen() -> set:
        with borealis.acting():
            by_guardian = get_objects_for_user(borealis.user, "view_alarms", Site, accept_global_perms=False)
            ids = {site.pk for site in by_guardian}
            assert ids == access.granted("sites", "view_alarms")
            return ids

    assert seen() == {aurora.sites["north"].pk}
    with aurora.acting():
        agreeing.suspend_agreement(agreement=agreement)
    assert seen() == set()
    with aurora.acting():
        agreeing.resume_agreement(agreement=agreement)
    assert seen() == {aurora.sites["north"].pk}
    with aurora.acting():
        agreeing.end_agreement(agreement=agreement, reason="done")
        assert not SiteGroupObjectPermission.objects.filter(agreement=agreement).exists()
    assert seen() == set()


def test_grant_expires_without_a_job(aurora, borealis):
    with aurora.acting():
        window = (datetime.now(UTC) - timedelta(hours=2), datetime.now(UTC) - timedelta(hours=1))
        agreement = agreeing.agree_by_offer(
            owner_id=aurora.id,
            partner_id=borealis.id,
            title="Past",
            purpose="maintenance",
            clauses=[{"site": aurora.sites["north"], "permissions": ["view_alarms"], "during": window}],
        )
        assert SiteGroupObjectPermission.objects.filter(agreement=agreement).count() == 1
    with borealis.acting():
        assert access.granted("sites", "view_alarms") == set()


def test_second_activation_is_refused(aurora, borealis):
    agreement = opened_to(borealis, aurora)
    with aurora.acting(), pytest.raises(Conflict):
        agreeing.activate_agreement(agreement=agreement)


def test_partner_can_neither_write_grants_nor_move_rows(aurora, borealis):
    agreement = opened_to(borealis, aurora)
    with borealis.acting():
        assert Agreement.objects.filter(pk=agreement.pk).update(title="mine") == 0
        assert Site.objects.filter(pk=aurora.sites["north"].pk).update(name="taken") == 0
        assert SiteGroupObjectPermission.objects.all().delete()[0] == 0


def test_both_parties_are_told_in_their_own_gapless_feeds(aurora, borealis, cassia):
    agreement = opened_to(borealis, aurora)
    with aurora.acting():
        agreeing.end_agreement(agreement=agreement, reason="done")
    for party in (aurora, borealis):
        with party.acting():
            rows = list(FeedEvent.objects.order_by("seq").values_list("seq", "kind"))
        assert rows == [(1, "rights.agreement_activated"), (2, "rights.agreement_ended")]
    with cassia.acting():
        assert not FeedEvent.objects.exists()


def test_without_identity_every_table_reads_zero_rows(aurora):
    assert Site.objects.count() == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tenants_site")
        assert cursor.fetchone() == (0,)


def test_acting_for_an_owner_ends_where_it_began_also_when_nested_or_broken(aurora, borealis, cassia):
    def me() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT wall.tenant()")
            return cursor.fetchone()[0]

    with borealis.acting():
        with on_behalf_of(aurora.id):
            with on_behalf_of(cassia.id):
                assert me() == cassia.id
            assert me() == aurora.id
        with pytest.raises(Conflict), on_behalf_of(aurora.id):
            raise Conflict("refused")
        assert me() == borealis.id
        with pytest.raises(IntegrityError), transaction.atomic(), on_behalf_of(aurora.id):
            Site.objects.create(tenant_id=aurora.id, code="north", name="twice", kind="mine")
        assert me() == borealis.id


def test_identities_do_not_nest(aurora, cassia):
    with aurora.acting(), pytest.raises(RuntimeError), cassia.acting():
        pass

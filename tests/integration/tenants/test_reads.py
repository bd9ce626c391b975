"""Whatever a partner is given is recorded in the owner's name at the commit, and what a clause hides stays hidden."""

import hashlib

import pytest
from django.db import connection
from django.db.models import F, Max, Subquery
from django.test.utils import CaptureQueriesContext

from edge_bridge import queries as edge
from edge_bridge.models import Alarm, AlarmChange, Latest, Reading, Series
from tenants.context import on_behalf_of
from tenants.data import NotFound, reader_of
from tenants.feed.log import head_now, page_now, read_page
from tenants.models import Equipment, SharedRead, Site, UsageEvent
from tests import personas
from tests.integration.edge.scenes import the_alarm
from tests.integration.tenants.read_scenes import kinds_of, reads_of, share, with_alarm_and_readings

ALARMS = "/api/v1/alarms"


def test_partners_list_leaves_one_record_for_each_kind_that_both_parties_see_and_no_outsider(aurora, borealis, cassia):
    with_alarm_and_readings(aurora)
    agreement = share(aurora, borealis, "view_alarms")
    client = borealis.client()
    shown = client.get(ALARMS, {"shared": True}, headers={"x-purpose": "repair"}).json()["results"]
    records = {read.kind: read for read in reads_of(aurora)}
    assert set(records) == {"alarm", "equipment", "site"}
    alarm = records["alarm"]
    assert (alarm.reader_id, alarm.user_id, alarm.user_name) == (borealis.id, borealis.user.pk, borealis.user.name)
    assert (alarm.agreement_id, alarm.permission, alarm.purpose) == (agreement.pk, "view_alarms", "repair")
    assert alarm.via.startswith("key:") and alarm.n_rows == 1
    ids = sorted(row["id"] for row in shown)
    assert (alarm.first_id, alarm.last_id) == (ids[0], ids[-1])
    assert alarm.ids_hash == hashlib.sha256("\n".join(ids).encode()).hexdigest()
    assert [read.pk for read in reads_of(borealis)] == [read.pk for read in reads_of(aurora)]
    assert reads_of(cassia) == []


def test_owner_is_told_over_http_right_after_the_read(aurora, borealis, cassia):
    with_alarm_and_readings(aurora)
    share(aurora, borealis, "view_alarms", "view_telemetry")
    partner, owner = borealis.client(), aurora.client()
    series = partner.get(f"/api/v1/equipment/{aurora.equipment['PUMP-07'].pk}/series").json()["results"][0]
    partner.get(f"/api/v1/series/{series['id']}/readings")
    told = owner.get("/api/v1/shared-reads", {"kind": "reading", "reader": borealis.id}).json()["results"]
    assert [(read["n_rows"], read["reader_name"], read["user_name"]) for read in told] == [
        (3, "Borealis", "Borealis owner")
    ]
    assert owner.get("/api/v1/shared-reads", {"kind": "alarm"}).json()["results"] == []
    assert owner.get("/api/v1/shared-reads", {"until": told[0]["read_at"], "kind": "reading"}).json()["results"] == []
    assert owner.get("/api/v1/shared-reads", {"since": "tomorrow"}).status_code == 422
    assert cassia.client().get("/api/v1/shared-reads").json()["results"] == []


def test_own_list_costs_no_statement_more_and_a_shared_one_costs_one(aurora, borealis):
    with_alarm_and_readings(aurora)
    share(aurora, borealis, "view_alarms")
    counts = {}
    for name, party, is_shared in (("own", aurora, False), ("shared", borealis, True)):
        with CaptureQueriesContext(connection) as captured, party.acting():
            assert len(list(edge.alarms(shared=is_shared))) == 1
        counts[name] = [query["sql"] for query in captured if "SELECT" in query["sql"]]
    assert not [sql for sql in counts["own"] if "grouppermission" in sql or "record_reads" in sql]
    # The grants are asked for once, instead of once for sites and once for equipment; then comes the record.
    assert len([sql for sql in counts["shared"] if "tenants_sitegroupobjectpermission" in sql]) == 1
    assert len([sql for sql in counts["shared"] if "record_reads" in sql]) == 1
    assert len([sql for sql in counts["shared"] if "wall.meter" not in sql]) == len(counts["own"]) + 2


def test_read_of_several_owners_rows_is_recorded_with_each_and_metered_for_each_agreement(aurora, borealis):
    agreements, owners = {}, (aurora, personas.aurora())
    for owner in owners:
        with_alarm_and_readings(owner)
        agreements[owner.id] = share(owner, borealis, "view_alarms").pk
    with borealis.acting():
        assert {alarm.tenant_id for alarm in edge.alarms(shared=True)} == set(agreements)
    for owner in owners:
        assert {(read.tenant_id, read.agreement_id) for read in reads_of(owner)} == {(owner.id, agreements[owner.id])}
        assert kinds_of(owner) == {"alarm": 1, "equipment": 1, "site": 1}
    with borealis.acting():
        uses = UsageEvent.objects.filter(tenant=borealis.id, meter="shared_reads")
        assert {use.counterpart_id: (use.agreement_id, use.quantity) for use in uses} == {
            owner_id: (agreement_id, 3) for owner_id, agreement_id in agreements.items()
        }
        assert len(uses) == 2


def test_read_that_ends_in_a_refusal_is_not_recorded(aurora, borealis):
    with_alarm_and_readings(aurora)
    share(aurora, borealis, "view_alarms")
    with pytest.raises(NotFound), borealis.acting():
        assert Alarm.objects.get().value
        raise NotFound
    assert reads_of(aurora) == []


@pytest.mark.parametrize("model", [Site, Equipment, Alarm, AlarmChange, Series, Latest, Reading])
def test_every_shared_table_is_recorded_however_its_rows_are_loaded(aurora, borealis, model):
    with_alarm_and_readings(aurora)
    share(aurora, borealis, "view_alarms", "view_telemetry")
    kind = model._meta.verbose_name.replace(" ", "_")
    ways = [
        lambda: list(model.objects.all()),
        lambda: list(model.objects.iterator()),
        lambda: list(model._base_manager.all()),
        lambda: list(model.objects.raw(f"SELECT * FROM {model._meta.db_table}")),
    ]
    for way in ways if model is not Reading else ways[:3]:
        with borealis.acting():
            found = len(way())
        newest = [read for read in reads_of(aurora) if read.kind == kind][-1]
        assert newest.n_rows == found > 0
    n_before = len(reads_of(aurora))
    with aurora.acting():
        assert list(model.objects.all())
    assert len(reads_of(aurora)) == n_before


def test_rows_that_come_with_others_are_recorded_too(aurora, borealis):
    with_alarm_and_readings(aurora)
    share(aurora, borealis, "view_alarms", equipment="GAS-T0-01")
    with borealis.acting():
        assert AlarmChange.objects.select_related("alarm__equipment__site").get().alarm.site.name
    assert kinds_of(aurora) == {"alarm_change": 1, "alarm": 1, "equipment": 1, "site": 1}


def test_columns_figures_and_copies_of_fields_that_may_be_hidden_are_for_own_rows(aurora, borealis):
    with_alarm_and_readings(aurora)
    share(aurora, borealis, "view_alarms")
    for read in (
        lambda rows: list(rows.values("value")),
        lambda rows: list(rows.values_list("pk", flat=True)),
        lambda rows: rows.aggregate(Max("value")),
        lambda rows: rows.annotate(copy=F("value")).get(),
        lambda rows: rows.annotate(copy=Subquery(AlarmChange.objects.values("value")[:1])).get(),
    ):
        with borealis.acting():
            with pytest.raises(RuntimeError, match="own"):
                read(Alarm.objects.all())
            assert not Alarm.objects.own().exists()
        with aurora.acting():
            assert read(Alarm.objects.own())
    with borealis.acting():
        assert Alarm.objects.filter(equipment__in=Equipment.objects.values("pk")).count() == 1


def test_hidden_fields_are_null_named_and_can_not_be_written_back(aurora, borealis):
    with_alarm_and_readings(aurora)
    share(aurora, borealis, "view_alarms", field_mask=["limit", "name", "tag", "value"])
    shown = borealis.client().get(ALARMS, {"shared": True}).json()["results"][0]
    assert [shown[name] for name in ("tag", "value", "limit", "site_name")] == [None] * 4
    assert shown["masked"] == ["tag", "value", "limit", "site_name"] and shown["rule"] == "ch4"
    site = borealis.client().get(f"/api/v1/sites/{aurora.sites['north'].pk}").json()
    assert (site["name"], site["masked"], site["code"]) == (None, ["name"], "north")
    with borealis.acting():
        alarm = Alarm.objects.get()
        alarm.refresh_from_db()
        assert alarm.value is None and Alarm.objects.defer("value").get().value is None
        with pytest.raises(RuntimeError, match="hidden"):
            alarm.save()


def test_partner_acknowledges_what_is_partly_hidden_and_nothing_is_lost(aurora, borealis):
    with_alarm_and_readings(aurora)
    share(aurora, borealis, "view_alarms", "acknowledge_alarms", field_mask=["limit", "name", "tag", "value"])
    alarm = the_alarm(aurora)
    answer = borealis.client().post(f"{ALARMS}/{alarm.pk}/acknowledge", {"comment": "seen"}).json()
    assert (answer["state"], answer["value"]) == ("ACKED", None)
    assert [change["value"] for change in answer["changes"]] == [None, None]
    with aurora.acting():
        kept = Alarm.objects.get()
        assert (kept.value, kept.tag, kept.limit) == (alarm.value, alarm.tag, alarm.limit)
        assert [change.value for change in AlarmChange.objects.order_by("pk")] == [alarm.value] * 2


def test_field_is_hidden_only_if_every_clause_that_opens_the_row_hides_it(aurora, borealis):
    with_alarm_and_readings(aurora)
    share(aurora, borealis, "view_alarms", field_mask=["tag", "value"])
    second = share(aurora, borealis, "view_alarms", equipment="GAS-T0-01", field_mask=["value"])
    with borealis.acting():
        assert Alarm.objects.get().masked == ("value",)
    assert [read.agreement_id for read in reads_of(aurora)] == [second.pk]


def test_record_can_be_neither_made_by_the_reader_nor_changed(aurora, borealis):
    with_alarm_and_readings(aurora)
    share(aurora, borealis, "view_alarms")
    with borealis.acting():
        list(Alarm.objects.all())
    for party in (aurora, borealis):
        with party.acting():
            assert SharedRead.objects.update(n_rows=0) == 0
            assert SharedRead.objects.all().delete()[0] == 0
    assert [read.n_rows for read in reads_of(aurora)] == [1]


def test_what_is_read_in_the_owners_name_is_whole_and_not_recorded(aurora, borealis):
    with_alarm_and_readings(aurora)
    share(aurora, borealis, "view_alarms", field_mask=["value"])
    with borealis.acting(), on_behalf_of(aurora.id):
        assert Alarm.objects.get().value == 1.2
    assert reads_of(aurora) == []


def test_feed_is_recorded_by_the_page_without_hidden_fields_and_own_events_are_not(aurora, borealis):
    share(aurora, borealis, "view_alarms", field_mask=["name", "value"])
    with borealis.acting():
        start = head_now()
    with_alarm_and_readings(aurora)
    asked = {"after": start.seq, "epoch": start.epoch}
    frames = borealis.client().get("/api/v1/feed/events", asked).json()["frames"]
    body = next(frame["body"] for frame in frames if frame["t"] == "ev")
    assert body["masked"] == ["detail", "site_name", "value"] and not {"site_name", "value"} & set(body)
    assert [(read.kind, read.n_rows, read.user_id) for read in reads_of(aurora)] == [("feed", 1, borealis.user.pk)]
    reader = reader_of(borealis.id)
    read_page(reader, start.seq, start.epoch, 10, [])
    newest = reads_of(aurora)[-1]
    assert (newest.kind, newest.user_id, newest.via, newest.purpose) == ("feed", None, "feed:tailer", "*")
    with aurora.acting():
        assert page_now(0, head_now().epoch).entries
    assert len(reads_of(aurora)) == 2

"""An archive holds what an organisation owns and nothing else, and comes back whole or not at all."""

import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from threading import Thread
from uuid import UUID

import pytest
from django.db import connection

from edge_bridge.models import Alarm, Reading
from marketplace.models import Claim
from tenants.actions import admit_member, register_site
from tenants.context import acting_as, as_platform
from tenants.data import Invalid
from tenants.ledger.actions import enter
from tenants.models import Membership, Site, Tenant, User
from tenants.organisation import contents
from tenants.organisation.exporting import write_archive
from tenants.organisation.importing import import_archive
from tests import database, personas
from tests.integration.marketplace import scenes as market
from tests.places import Places

UUIDS = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def exported(organisation):
    target = io.BytesIO()
    with acting_as(organisation.actor(), snapshot=True):
        write_archive(target)
    return target.getvalue()


def files_of(archive):
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def packed(files):
    """The files as an archive whose manifest is right about them."""
    manifest = json.loads(files["manifest.json"])
    manifest["files"] = [
        {
            "name": name,
            "rows": content.count(b"\n"),
            "size_bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        for name, content in files.items()
        if name != "manifest.json"
    ]
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files.items():
            out.writestr(name, json.dumps(manifest) if name == "manifest.json" else content)
    return target.getvalue()


def other(found, by=5):
    """Another id in the same place of their order."""
    return str(UUID(int=UUID(found.decode()).int ^ by)).encode()


def transplanted(archive, keep=(), by=5):
    """The archive of an organisation that is alike but isn't here: other ids but those to keep, addresses and slugs."""

    def moved(match):
        return match[0] if match[0] in keep else other(match[0], by)

    files = {name: UUIDS.sub(moved, content) for name, content in files_of(archive).items()}
    for name in ("people.ndjson", "organisation.ndjson", "neighbours.ndjson"):
        files[name] = re.sub(rb'"(slug|email)":"', rb'"\1":"moved-', files[name])
    return files


@pytest.fixture(scope="module")
def filled():
    """Aurora with a row or more in most of its tables; no test of this module changes it."""
    aurora = personas.aurora()
    Places.of_aurora(aurora)
    for name in ("first", "second"):
        with aurora.acting():
            enter(kind="test.entered", subject=aurora.id, payload={"name": name})
    _readings(aurora)
    return aurora


@pytest.fixture(scope="module")
def moved(filled):
    """The files of an archive that may be imported here; what a test does with them fails, or is the last."""
    return transplanted(exported(filled))


def test_every_table_of_an_organisation_is_in_the_archive_or_left_out_with_a_reason():
    labels = {model._meta.label for model in contents.owned_models()}
    assert set(contents.LEFT_OUT) <= labels
    assert {table.label for table in contents.tables()} == labels - set(contents.LEFT_OUT)
    assert all(len(reason) > 10 for reason in contents.LEFT_OUT.values())


def test_no_secret_is_in_an_archive():
    kept = {(table.label, column.name) for table in contents.tables() for column in table.columns}
    assert [each for each in sorted(kept) if re.search(r"secret|password|token_hash", each[1])] == []


def test_every_reference_leads_to_something_that_an_import_has():
    """To another table of the archive, or to people, organisations, groups, permissions and shared rows."""
    held = {table.name for table in contents.tables()} | {name for name, _ in contents.SHARED_ROWS}
    held |= {"tenants_tenant", "tenants_user", "auth_group", "auth_permission"}
    lost = [
        f"{model._meta.label}.{field.name}"
        for model in contents.owned_models()
        if model._meta.label not in contents.LEFT_OUT
        for field in model._meta.local_concrete_fields
        if field.remote_field and field.remote_field.model._meta.db_table not in held
    ]
    assert lost == []


def test_archive_says_what_it_holds(filled):
    files = files_of(exported(filled))
    manifest = json.loads(files["manifest.json"])
    assert manifest["organisation"]["id"] == str(filled.id)
    assert set(manifest["schema"]) >= {"tenants", "edge_bridge", "optimization", "marketplace"}
    for entry in manifest["files"]:
        assert entry["sha256"] == hashlib.sha256(files[entry["name"]]).hexdigest()
        assert entry["rows"] == files[entry["name"]].count(b"\n")
    assert sum(entry["rows"] > 0 for entry in manifest["files"]) >= 15


def test_archive_holds_own_rows_only_however_much_a_partner_opened(aurora, borealis):
    """Borealis has claimed a task of Aurora's, sees its alarms, and has a site of the same code itself."""
    alarm = market.alarm_of(aurora)
    task = market.published(aurora, alarm_id=alarm.pk)
    market.claimed(task, borealis)
    with borealis.acting():
        register_site(code="north", name="Aurora North", kind="mine")
        seen = Alarm.objects.filter(tenant=aurora.id).first()
        assert seen is not None and seen.pk == alarm.pk
    files = files_of(exported(borealis))
    rows = [
        json.loads(line)
        for name, content in files.items()
        if name.startswith(("tables/", "elsewhere/"))
        for line in content.splitlines()
    ]
    assert {row["tenant_id"] for row in rows} == {str(borealis.id)}
    assert not any(str(each.pk).encode() in b"".join(files.values()) for each in (alarm, aurora.sites["north"]))
    assert files["tables/tenants_site.ndjson"].count(b"\n") == 1
    assert json.loads(files["neighbours.ndjson"])["id"] == str(aurora.id)
    claim = json.loads(files["elsewhere/marketplace_claim.ndjson"])
    assert (claim["task_id"], claim["owner_id"]) == (str(task.pk), str(aurora.id))


def test_row_that_needs_another_organisation_is_set_aside_unless_the_operator_joins_them(aurora, borealis):
    task = market.published(aurora, equipment_id=aurora.equipment["FAN-01"].pk)
    claim = market.claimed(task, borealis)
    archive = exported(borealis)
    alone = import_archive(io.BytesIO(packed(transplanted(archive))), who="tests")
    assert alone.set_aside["elsewhere/marketplace_claim.ndjson"] == 1
    with as_platform("tests", "Borealis' record of the claim is lost"):
        Claim.objects.filter(pk=claim.pk).delete()
    files = transplanted(archive, keep={str(each).encode() for each in (aurora.id, task.pk, claim.agreement_id)}, by=9)
    files["organisation.ndjson"] = files["organisation.ndjson"].replace(b"moved-", b"beside-")
    files["people.ndjson"] = files["people.ndjson"].replace(b"moved-", b"beside-")
    beside = import_archive(io.BytesIO(packed(files)), who="tests", joins=True)
    assert "elsewhere/marketplace_claim.ndjson" not in beside.set_aside


def test_people_of_others_are_not_in_the_archive(filled, borealis):
    with as_platform("tests", "a user of two organisations"):
        admit_member(tenant=borealis.tenant, user=filled.user, roles=["viewer"])
    people = files_of(exported(filled))["people.ndjson"].decode()
    assert filled.user.email in people
    assert borealis.user.email not in people
    assert "password" not in people


def test_snapshot_does_not_see_what_is_written_meanwhile(aurora):
    def write():
        with aurora.acting():
            Site.objects.filter(tenant=aurora.id).update(name="Renamed")
        connection.close()

    target = io.BytesIO()
    with acting_as(aurora.actor(), snapshot=True):
        assert Site.objects.filter(tenant=aurora.id, name="Renamed").count() == 0
        meanwhile = Thread(target=write)
        meanwhile.start()
        meanwhile.join()
        write_archive(target)
    assert b"Renamed" not in files_of(target.getvalue())["tables/tenants_site.ndjson"]
    assert b"Renamed" in files_of(exported(aurora))["tables/tenants_site.ndjson"]


def test_archive_comes_back_with_the_same_bytes_in_a_fresh_system(filled, tmp_path):
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    first.write_bytes(exported(filled))
    name = database.make("archive")
    try:
        environment = database.environment(name)
        _command(environment, "import_organisation", str(first))
        _command(environment, "export_organisation", filled.tenant.slug, str(second))
    finally:
        database.drop(name)
    before, after = files_of(first.read_bytes()), files_of(second.read_bytes())
    tables = [name for name in before if name.startswith("tables/")]
    assert {name: after[name] for name in tables} == {name: before[name] for name in tables}
    assert after["people.ndjson"] == before["people.ndjson"]
    assert before["tables/edge_bridge_reading.ndjson"].count(b"\n") >= 3


def _readings(organisation):
    from edge_bridge.models import Series

    with organisation.acting():
        series = Series.objects.filter(tenant=organisation.id).first()
        day = datetime.now(UTC) - timedelta(days=400)
        for hours, value in ((0, 0.1), (24, 1e-300), (24, 3.0)):
            Reading(
                tenant_id=organisation.id,
                series=series,
                measured_at=day + timedelta(hours=hours),
                value=value,
                quality=0,
            ).save(force_insert=True)


def _command(environment, *words):
    done = subprocess.run(
        [sys.executable, "manage.py", *words], cwd=database.ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def lines(files, name):
    return files[name].splitlines(keepends=True)


def _truncated(files):
    return packed(files)[:-2000]


def _changed_byte(files):
    whole = bytearray(packed(files))
    at = whole.index(b"tables/tenants_site.ndjson") + 40
    whole[at] ^= 0xFF
    return bytes(whole)


def _other_hash(files):
    manifest = json.loads(files["manifest.json"])
    good = packed(files)
    content = zipfile.ZipFile(io.BytesIO(good)).read("manifest.json")
    said = json.loads(content)["files"][-1]["sha256"]
    assert manifest
    files = files_of(good)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as out:
        for name, text in files.items():
            out.writestr(name, text.replace(said.encode(), b"0" * 64) if name == "manifest.json" else text)
    return target.getvalue()


def _unknown_table(files):
    return packed({**files, "tables/pg_authid.ndjson": b"{}\n"})


def _missing_table(files):
    return packed({name: content for name, content in files.items() if name != "tables/tenants_site.ndjson"})


def _path(files):
    return packed({**files, "../../etc/cron.d/x": b"{}\n"})


def _foreign_row(files):
    rows = lines(files, "tables/tenants_site.ndjson")
    rows[1] = re.sub(rb'"tenant_id":"[^"]*"', b'"tenant_id":"00000000-0000-7000-8000-000000000000"', rows[1])
    return packed({**files, "tables/tenants_site.ndjson": b"".join(rows)})


def _bad_value(files):
    rows = lines(files, "tables/tenants_site.ndjson")
    rows[1] = rows[1].replace(b'"units":"metric"', b'"units":null')
    return packed({**files, "tables/tenants_site.ndjson": b"".join(rows)})


def _dangling(files):
    rows = lines(files, "tables/tenants_equipment.ndjson")
    rows[0] = re.sub(rb'"site_id":"[^"]*"', b'"site_id":"00000000-0000-7000-8000-000000000000"', rows[0])
    return packed({**files, "tables/tenants_equipment.ndjson": b"".join(rows)})


def _no_json(files):
    return packed({**files, "tables/tenants_site.ndjson": b"{\n"})


def _column_that_is_sql(files):
    row = json.loads(files["people.ndjson"].splitlines()[0])
    row['is_staff") SELECT true --'] = True
    return packed({**files, "people.ndjson": json.dumps(row).encode() + b"\n"})


def _no_columns(files):
    return packed({**files, "people.ndjson": b"{}\n"})


def _too_deep(files):
    return packed({**files, "tables/tenants_site.ndjson": b"[" * 200_000 + b"\n"})


def _other_version(files):
    manifest = json.loads(files["manifest.json"])
    manifest["schema"]["tenants"] = "0001_initial"
    return packed({**files, "manifest.json": json.dumps(manifest).encode()})


def _ring_of_ledger(files):
    rows = lines(files, "tables/tenants_ledgerentry.ndjson")
    return packed({**files, "tables/tenants_ledgerentry.ndjson": b"".join(rows[1:])})


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_truncated, "no whole archive"),
        (_changed_byte, "tables/tenants_site.ndjson"),
        (_other_hash, "bytes were changed"),
        (_unknown_table, "pg_authid.ndjson' is not a file of an archive"),
        (_missing_table, "tenants_site.ndjson' is missing"),
        (_path, "cron.d/x' is not a file of an archive"),
        (_foreign_row, "tenants_site.ndjson, row 2: the row belongs to 00000000"),
        (_bad_value, "tenants_site.ndjson, row 2: null value in column"),
        (_dangling, "refers to one that is not in the archive"),
        (_no_json, "tenants_site.ndjson, row 1: this is no JSON"),
        (_column_that_is_sql, "people.ndjson, row 1: the column 'is_staff"),
        (_no_columns, "people.ndjson, row 1: the column 'created_at' is missing"),
        (_too_deep, "tenants_site.ndjson, row 1: this is no JSON"),
        (_other_version, "another version"),
        (_ring_of_ledger, "tenants_ledgerentry.ndjson, row 1: Entry 2 does not go on"),
    ],
)
def test_damaged_archive_is_refused_by_name_and_leaves_nothing(filled, moved, damage, words):
    with pytest.raises(Invalid) as refused:
        import_archive(io.BytesIO(damage(moved)), who="tests")
    assert words in refused.value.detail
    with as_platform("tests", "nothing is left of it"):
        assert not Tenant.objects.filter(slug=f"moved-{filled.tenant.slug}").exists()


def test_organisation_that_is_here_already_is_refused(aurora):
    with pytest.raises(Invalid, match="is here already"):
        import_archive(io.BytesIO(exported(aurora)), who="tests")


def test_bomb_is_refused_before_it_unpacks(moved):
    files = {**moved, "tables/tenants_site.ndjson": b" " * 30_000_000 + b"\n"}
    with pytest.raises(Invalid, match="are allowed"):
        import_archive(io.BytesIO(packed(files)), who="tests", limit_bytes=20_000_000)


def test_archive_that_says_less_than_it_holds_is_refused(moved):
    whole = packed(moved)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files_of(whole).items():
            out.writestr(name, content * 2 if name == "tables/tenants_site.ndjson" else content)
    with pytest.raises(Invalid, match=r"tenants_site.ndjson': the manifest says"):
        import_archive(io.BytesIO(target.getvalue()), who="tests")


def test_address_of_somebody_else_is_refused(moved, borealis):
    people = re.sub(rb'"email":"[^"]*"', b'"email":"' + borealis.user.email.encode() + b'"', moved["people.ndjson"])
    files = {**moved, "people.ndjson": people}
    with pytest.raises(Invalid, match="is somebody else here"):
        import_archive(io.BytesIO(packed(files)), who="tests")


def test_organisation_that_was_imported_works(filled, moved):
    report = import_archive(io.BytesIO(packed(moved)), who="tests")
    assert report.people_made == moved["people.ndjson"].count(b"\n")
    with as_platform("tests", "look at what was imported"):
        user = User.objects.get(email__startswith="moved-", pk=UUID(other(str(filled.user.pk).encode()).decode()))
        membership = Membership.objects.get(user=user)
        assert not user.has_usable_password()
        assert Tenant.objects.get(pk=membership.tenant_id).slug.startswith("moved-")
        assert Site.objects.filter(tenant=membership.tenant_id).count() == 2

"""Founding, joining and leaving a plan of several organisations, and the wall around what each brings."""

import threading
from uuid import uuid4

import pytest
from django.db import IntegrityError, ProgrammingError, connection

from optimization.joint import actions
from optimization.joint.access import get_joint_plan
from optimization.models import JointPart, JointPlan, JointSeat, PlanShare
from tenants.models import FeedEvent
from tests import personas
from tests.integration.optimization.joint_scenes import SHARES, URL, form, scene
from tests.unit.optimization import joint_documents as documents

TABLES = ("jointplan", "jointseat", "jointpart", "planshare")


def seats(made, who):
    found = made.clients[who].get(made.url).json()["seats"]
    return {seat["participant_name"]: seat for seat in found}


def pointers(answer, status=422):
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), answer.content
    return [error["pointer"] for error in answer.json().get("errors", [])]


def test_participant_reads_frame_and_names_and_no_figure():
    made = scene()
    assert made.bring("aurora").status_code == 201
    body = made.clients["delta"].get(made.url).json()
    assert body["plan"]["coordinator_name"] == "Aurora"
    assert body["frame"]["periods"] == made.document["periods"]
    found = seats(made, "delta")
    assert {name: (seat["is_filled"], seat["is_yours"]) for name, seat in found.items()} == {
        "Aurora": (True, False),
        "Borealis": (False, False),
        "Delta": (False, True),
    }
    assert found["Aurora"]["mines"] == ["North", "South"]
    assert "digest" not in found["Aurora"]
    assert [row["id"] for row in made.clients["delta"].get(URL).json()["results"]] == [body["plan"]["id"]]


def test_invitation_and_answer_are_told_to_those_concerned():
    made = scene()
    made.bring("borealis")
    for who, kinds in (("delta", ["plan.invited"]), ("aurora", ["plan.invited", "plan.part"])):
        with made.organisations[who].acting():
            rows = FeedEvent.objects.filter(kind__startswith="plan.").order_by("seq")
            assert [row.kind for row in rows] == kinds
    with made.organisations["borealis"].acting():
        event = FeedEvent.objects.get(kind="plan.part")
    assert (event.body["participant_name"], event.body["status"], event.body["version"]) == (
        "Borealis",
        "contributed",
        1,
    )


def test_own_versions_are_read_back_and_those_of_others_are_not_there():
    made = scene()
    made.bring_all()
    changed = documents.parts(made.document)["aurora"]
    changed["mines"][0]["pc"] = 5
    answer = made.bring("aurora", changed)
    assert answer.json()["version"] == 2
    assert made.clients["aurora"].get(answer["Location"]).json()["document"] == changed
    listed = made.clients["aurora"].get(f"{made.url}/part").json()["results"]
    assert [row["version"] for row in listed] == [2, 1]
    assert len(made.clients["delta"].get(f"{made.url}/part").json()["results"]) == 1
    assert made.clients["delta"].get(answer["Location"]).status_code == 404


def test_digest_can_not_be_tried_with_guessed_figures():
    made = scene()
    digests = {made.bring("delta").json()["digest"] for _ in range(2)}
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"frame": []}, "/frame"),
        ({"frame": None}, "/frame"),
        ({"frame": {}}, "/frame/uncertainty"),
        ({"frame": {"periods": ["p"], "uncertainty": {"kind": "box"}, "more": 1}}, "/frame"),
        ({"frame": {"periods": ["p"], "uncertainty": {"kind": "polyhedron"}}}, "/frame/uncertainty/kind"),
        ({"frame": {"periods": [], "uncertainty": {"kind": "box"}}}, "/frame/periods"),
        (
            {"frame": {"periods": ["p"], "uncertainty": {"kind": "box"}, "options": {"gap": 2}}},
            "/frame/options/gap",
        ),
        ({"frame": {"periods": ["p"], "uncertainty": {"kind": "box"}, "options": []}}, "/frame/options"),
        ({"seats": []}, "/seats"),
        ({"seats": [{"participant": "x"}]}, "/seats/0/participant"),
    ],
)
def test_bad_plan_is_refused_with_the_place_of_the_bad_value(aurora, change, pointer):
    organisations = dict.fromkeys(("aurora", "borealis", "delta"), aurora)
    body = form(organisations, documents.whole())
    body["seats"] = [{"participant": str(aurora.id), "mines": ["m"], "centres": ["c"], "users": ["u"]}]
    found = pointers(aurora.client().post(URL, body | change))
    assert any(each.startswith(pointer) for each in found), found
    with aurora.acting():
        assert not JointPlan.objects.exists()


def test_seats_name_each_name_once_and_organisations_that_are_there(aurora, borealis):
    body = form({"aurora": aurora, "borealis": borealis, "delta": borealis}, documents.whole())
    client = aurora.client()
    assert pointers(client.post(URL, body)) == ["/seats/2/participant"]
    body["seats"][2]["participant"] = str(uuid4())
    assert pointers(client.post(URL, body)) == ["/seats/2/participant"]
    body["seats"][2] = {"participant": str(personas.delta().id), "users": ["North"]}
    assert pointers(client.post(URL, body)) == ["/seats/2/users/0"]


def test_coordinator_without_a_seat_brings_nothing(aurora, borealis):
    body = form({"aurora": aurora, "borealis": borealis, "delta": aurora}, documents.whole())
    body["seats"] = [{"participant": str(borealis.id), "mines": ["m"], "centres": ["c"], "users": ["u"]}]
    client = aurora.client()
    url = client.post(URL, body)["Location"]
    assert client.post(f"{url}/part", {}).status_code == 403


def test_part_for_anothers_names_is_refused_with_its_place():
    made = scene()
    own = documents.parts(made.document)
    assert "/mines/0/name" in pointers(made.bring("delta", own["aurora"]))
    lanes = {"user_lanes": own["borealis"]["user_lanes"]}
    assert pointers(made.bring("aurora", own["aurora"] | lanes)) == ["/user_lanes/0", "/user_lanes/1"]
    with made.organisations["delta"].acting():
        assert not JointPart.objects.exists()
    assert not any(seat["is_filled"] for seat in seats(made, "aurora").values())


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"7", b'{"mines": [1]}', b'{"budget": 1}'])
def test_part_that_is_none_is_a_problem_and_never_an_error_of_ours(body):
    made = scene()
    answer = made.clients["aurora"].post(f"{made.url}/part", body, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json"), answer.content


def test_negative_zero_keeps_its_digest():
    made = scene()
    part = documents.parts(made.document)["delta"]
    part["demands"][0]["D"] = [-0.0, 0.1]
    answer = made.bring("delta", part)
    with made.organisations["delta"].acting():
        row = JointPart.objects.get(pk=answer.json()["id"])
    assert actions.part_digest(row.pk, row.document) == answer.json()["digest"]


def test_two_contributions_at_once_become_two_versions():
    made = scene()
    delta = made.organisations["delta"]
    part, ready, failures = documents.parts(made.document)["delta"], threading.Barrier(2), []

    def bring():
        try:
            with delta.acting():
                joint = get_joint_plan(made.url.rpartition("/")[2], needs="run_plans")
                ready.wait(10)
                actions.contribute(joint=joint, part=part)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=bring) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with delta.acting():
        rows = list(JointPart.objects.order_by("version"))
        seat = JointSeat.objects.get()
    assert [row.version for row in rows] == [1, 2]
    assert (seat.version, seat.digest) == (2, rows[1].digest)


def test_plan_waits_for_every_seat_and_names_who_is_awaited():
    made = scene()
    made.bring("aurora")
    answer = made.act("aurora", "solve")
    assert answer.status_code == 409
    assert "Borealis" in answer.json()["detail"]
    made.bring("borealis")
    made.bring("delta")
    assert made.clients["aurora"].generic("POST", f"{made.url}/solve").status_code == 202


def test_withdrawn_seat_is_not_waited_for_and_what_needs_it_says_so():
    made = scene()
    made.bring("aurora")
    made.bring("borealis")
    delta = str(made.organisations["delta"].id)
    assert made.act("borealis", "withdraw", participant=delta).status_code == 403
    assert pointers(made.act("aurora", "withdraw", participant=str(uuid4()))) == ["/participant"]
    assert made.act("aurora", "withdraw", participant=delta).status_code == 200
    assert made.act("delta", "withdraw").status_code == 409
    answer = made.act("aurora", "solve")
    assert (answer.status_code, "no user left" in answer.json()["detail"]) == (409, True)
    made.bring("delta")
    assert seats(made, "aurora")["Delta"]["is_filled"]


def test_only_the_coordinator_solves_and_closes():
    made = scene()
    made.bring_all()
    for verb in ("solve", "close"):
        assert made.act("delta", verb).status_code == 403


def test_closed_plan_takes_no_part_no_leave_and_no_solve():
    made = scene()
    made.bring_all()
    assert made.act("aurora", "close").json()["plan"]["closed_at"]
    answers = [made.bring("delta"), made.act("delta", "withdraw"), made.act("aurora", "solve")]
    answers.append(made.act("aurora", "close"))
    assert [(answer.status_code, "closed" in answer.json()["detail"]) for answer in answers] == [(409, True)] * 4


@pytest.mark.parametrize(
    ("options", "pointer"), [({"gap": 2}, "/options/gap"), ([], "/options"), ({"x": 1}, "/options")]
)
def test_bad_options_of_a_solve_are_refused(options, pointer):
    made = scene()
    made.bring_all()
    assert pointers(made.act("aurora", "solve", options=options)) == [pointer]


def test_request_sent_again_with_its_key_has_one_effect():
    made = scene()
    made.bring_all()
    key = {"HTTP_IDEMPOTENCY_KEY": "once"}
    answers = [made.clients["aurora"].post(f"{made.url}/solve", {}, **key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len(made.clients["aurora"].get("/api/v1/plans").json()["results"]) == 1


def test_viewer_neither_founds_brings_withdraws_nor_solves():
    made = scene()
    viewer = made.organisations["aurora"].client(["view_plans"])
    body = form(made.organisations, made.document)
    assert viewer.get(made.url).status_code == viewer.get(f"{made.url}/part").status_code == 200
    refused = [viewer.post(URL, body), viewer.post(f"{made.url}/part", {})]
    refused += [viewer.post(f"{made.url}/{verb}", {}) for verb in ("withdraw", "solve", "close")]
    assert {answer.status_code for answer in refused} == {403}
    assert made.organisations["aurora"].client(["run_plans"]).get(made.url).status_code == 403


def test_outsider_finds_foreign_and_absent_plans_alike(cassia):
    made = scene()
    part = made.bring("aurora")["Location"]
    outsider, absent = cassia.client(), f"{URL}/{uuid4()}"
    for method, path in [
        ("get", ""),
        ("get", "/part"),
        *(("post", f"/{v}") for v in ("part", "withdraw", "solve", "close")),
    ]:
        foreign = getattr(outsider, method)(f"{made.url}{path}", {})
        missing = getattr(outsider, method)(f"{absent}{path}", {})
        assert (foreign.status_code, foreign.content) == (404, missing.content), path
    assert outsider.get(part).status_code == 404
    assert outsider.get(URL).json()["results"] == outsider.get(SHARES).json()["results"] == []


def count(organisation, table):
    with organisation.acting(), connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("cloudmining_app",)
        cursor.execute(f"SELECT count(*) FROM optimization_{table}")
        return cursor.fetchone()[0]


def test_outsider_reads_no_row_of_any_table_by_sql(cassia):
    """Also one that sits in a plan of its own: a seat opens that plan and no other."""
    made = scene()
    made.bring_all()
    assert {table: count(cassia, table) for table in TABLES} == dict.fromkeys(TABLES, 0)
    body = form(dict.fromkeys(("aurora", "borealis", "delta"), cassia), made.document)
    body["seats"] = [{"participant": str(cassia.id), "mines": ["m"], "centres": ["c"], "users": ["u"]}]
    assert cassia.client().post(URL, body).status_code == 201
    assert {table: count(cassia, table) for table in TABLES} == {
        "jointplan": 1, "jointseat": 1, "jointpart": 0, "planshare": 0,
    }  # fmt: skip


def test_participant_reads_by_sql_the_plan_its_own_seat_and_its_own_parts():
    made = scene()
    made.bring_all()
    assert {table: count(made.organisations["delta"], table) for table in TABLES} == {
        "jointplan": 1, "jointseat": 1, "jointpart": 1, "planshare": 0,
    }  # fmt: skip


def test_coordinator_reads_by_sql_no_part_but_its_own():
    made = scene()
    made.bring_all()
    aurora = made.organisations["aurora"]
    assert (count(aurora, "jointseat"), count(aurora, "jointpart")) == (3, 1)


def test_part_comes_by_sql_only_from_who_has_a_seat_in_that_very_plan(cassia):
    made = scene()
    other = scene()
    with cassia.acting(), pytest.raises(ProgrammingError, match="row-level security"):
        put_part(cassia, made)
    delta = made.organisations["delta"]
    with pytest.raises(ProgrammingError, match="row-level security"), delta.acting():
        put_part(delta, other)


def put_part(who, made):
    JointPart.objects.create(
        tenant_id=who.id,
        owner_id=made.organisations["aurora"].id,
        joint_id=made.url.rpartition("/")[2],
        version=7,
        document={},
        digest="0",
    )


def test_share_is_written_by_sql_into_no_other_organisation(cassia):
    made = scene()
    with pytest.raises(ProgrammingError, match="row-level security"), cassia.acting():
        PlanShare.objects.create(
            tenant_id=made.organisations["delta"].id,
            owner_id=cassia.id,
            run_id=uuid4(),
            joint_id=uuid4(),
            status="solved",
        )


@pytest.mark.parametrize(
    "statement",
    ["UPDATE optimization_jointseat SET mines = '{Elsewhere}'", "UPDATE optimization_jointplan SET frame = '{}'"],
)
def test_what_a_plan_and_its_seats_say_never_changes(statement):
    made = scene()
    aurora = made.organisations["aurora"]
    with pytest.raises(IntegrityError, match="never change"), aurora.acting(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("table", ["jointplan", "jointseat", "jointpart"])
def test_nothing_of_a_plan_is_deleted(table):
    made = scene()
    made.bring_all()
    with made.organisations["aurora"].acting(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM optimization_{table}")
        assert cursor.rowcount == 0


def test_part_never_changes():
    made = scene()
    made.bring_all()
    with made.organisations["delta"].acting():
        assert JointPart.objects.update(document={}) == 0

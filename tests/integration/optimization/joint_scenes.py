"""A plan of three: a mining group with two mines, a service firm with a centre, a steel works."""

from dataclasses import dataclass
from typing import Any

from rest_framework.test import APIClient

from optimization.actions import cancel_plan
from optimization.joint import actions
from optimization.joint_parts import Seat
from optimization.models import PlanShare
from tests import personas
from tests.personas import Organisation
from tests.unit.optimization import joint_documents as documents

URL = "/api/v1/joint-plans"
SHARES = "/api/v1/plan-shares"
WHO = ("aurora", "borealis", "delta")


@dataclass
class Scene:
    """The organisations by the names of `joint_documents`, their clients, and the plan's address once founded."""

    organisations: dict[str, Organisation]
    clients: dict[str, APIClient]
    document: dict[str, Any]
    url: str = ""

    def bring(self, who: str, part: object = None) -> Any:
        part = documents.parts(self.document)[who] if part is None else part
        return self.clients[who].post(f"{self.url}/part", part)

    def bring_all(self) -> None:
        for who in WHO:
            answer = self.bring(who)
            assert answer.status_code == 201, answer.content

    def act(self, who: str, verb: str, **body: Any) -> Any:
        return self.clients[who].post(f"{self.url}/{verb}", body)

    def shares(self, who: str) -> list[dict[str, Any]]:
        return self.clients[who].get(SHARES).json()["results"]


def form(organisations: dict[str, Organisation], document: dict[str, Any]) -> dict[str, Any]:
    seats = [
        {
            "participant": str(organisations[seat.participant].id),
            **{f"{kind}s": list(seat.names(kind)) for kind in ("mine", "centre", "user")},
        }
        for seat in documents.SEATS
    ]
    frame = documents.frame(document) | {"options": {"gap": 0.001, "time_limit_s": 30}}
    return {"name": "Spring", "frame": frame, "seats": seats}


def scene(document: dict[str, Any] | None = None) -> Scene:
    """Aurora has founded the plan and nobody has answered. Delta is a steel works here."""
    steel = personas.organisation("Delta", "final_user")
    organisations = {"aurora": personas.aurora(), "borealis": personas.borealis(), "delta": steel}
    made = Scene(
        organisations, {who: found.client() for who, found in organisations.items()}, document or documents.whole()
    )
    answer = made.clients["aurora"].post(URL, form(organisations, made.document))
    assert answer.status_code == 201, answer.content
    made.url = answer["Location"]
    return made


def alone(aurora: Organisation) -> dict[str, Any]:
    """A plan in which Aurora has the only seat, with its part and a share: the arguments of their addresses."""
    seat = Seat(str(aurora.id), ("North", "South"), ("Harbour",), ("Steelworks", "Foundry"))
    document = documents.whole()
    with aurora.acting():
        joint = actions.found_joint_plan(name="Alone", frame=documents.frame(document), seats=[seat])
        whole = {key: value for part in documents.parts(document).values() for key, value in part.items()}
        part = actions.contribute(joint=joint, part=whole)
        run = actions.solve_joint_plan(joint=joint, name="", options={})
        cancel_plan(run=run)  # so that no worker of a later test has it to do
        share = PlanShare.objects.create(
            tenant_id=aurora.id, owner_id=aurora.id, run=run, joint=joint, status="failed", message="Told."
        )
    return {"joint_id": joint.pk, "part_id": part.pk, "share_id": share.pk}

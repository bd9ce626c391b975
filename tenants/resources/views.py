"""The register of people over HTTP: parse, one action or query, render."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from tenants.access import get_own_site
from tenants.resources import access, actions, queries, relocations
from tenants.resources import serializers as shapes
from tenants.resources.data import expiry_band
from tenants.rest.base import ActorView, ListView

VIEW, USE, MANAGE = "view_resources", "use_resources", "manage_resources"
MOST_EXPIRIES: Final = 500


def parsed(shape: type[BaseSerializer[Any]], data: Any, **options: Any) -> dict[str, Any]:
    """The validated values; a bad one raises with a pointer to each."""
    form = shape(data=data, **options)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


class PersonList(ListView):
    needs = {"GET": VIEW, "POST": MANAGE}
    serializer_class = shapes.PersonSerializer
    rows = staticmethod(queries.persons)

    @extend_schema(request=shapes.PersonSerializer, responses={201: shapes.PersonSerializer})
    def post(self, request: Request) -> Response:
        said = self.parsed(request)
        site_id = said.pop("home_site_id", None)
        site = get_own_site(site_id, needs=MANAGE) if site_id else None
        return Response(shapes.PersonSerializer(actions.register_person(**said, home_site=site)).data, status=201)


class PersonDetail(ActorView):
    needs = {"GET": VIEW, "PATCH": MANAGE}

    @extend_schema(responses=shapes.PersonDetailSerializer)
    def get(self, request: Request, person_id: UUID) -> Response:
        return _shown(access.get_person(person_id))

    @extend_schema(request=shapes.ChangedPersonSerializer, responses=shapes.PersonDetailSerializer)
    def patch(self, request: Request, person_id: UUID) -> Response:
        """Name, address, user and last day; the home site changes by a move."""
        person = access.get_person(person_id, needs=MANAGE)
        said = parsed(shapes.ChangedPersonSerializer, request.data, partial=True)
        return _shown(actions.change_person(person=person, **said))


class PersonAssess(ActorView):
    needs = {"POST": MANAGE}

    @extend_schema(request=shapes.PersonSkillSerializer, responses=shapes.PersonDetailSerializer)
    def post(self, request: Request, person_id: UUID) -> Response:
        """The level that the person has in a skill now."""
        person = access.get_person(person_id, needs=MANAGE)
        said = parsed(shapes.PersonSkillSerializer, request.data)
        actions.assess_person(person=person, skill=access.get_skill(said.pop("skill_id"), needs=MANAGE), **said)
        return _shown(person)


class PersonCertificateList(ActorView):
    needs = {"POST": MANAGE}

    @extend_schema(request=shapes.CertificateSerializer, responses={201: shapes.CertificateSerializer})
    def post(self, request: Request, person_id: UUID) -> Response:
        person = access.get_person(person_id, needs=MANAGE)
        made = actions.add_certificate(person=person, **parsed(shapes.CertificateSerializer, request.data))
        return Response(shapes.CertificateSerializer(made).data, status=201)


class PersonTrainingList(ActorView):
    needs = {"POST": MANAGE}

    @extend_schema(request=shapes.TrainingSerializer, responses={201: shapes.TrainingSerializer})
    def post(self, request: Request, person_id: UUID) -> Response:
        person = access.get_person(person_id, needs=MANAGE)
        made = actions.add_training(person=person, **parsed(shapes.TrainingSerializer, request.data))
        return Response(shapes.TrainingSerializer(made).data, status=201)


class PersonMove(ActorView):
    needs = {"POST": MANAGE}

    @extend_schema(request=shapes.MovePersonSerializer, responses={201: shapes.RelocationSerializer})
    def post(self, request: Request, person_id: UUID) -> Response:
        """Another home site, or none; where the person was is kept."""
        person = access.get_person(person_id, needs=MANAGE)
        said = parsed(shapes.MovePersonSerializer, request.data)
        site = get_own_site(said["site"], needs=MANAGE) if said["site"] else None
        moved = relocations.move_person(person=person, to_site=site, reason=said["reason"])
        return Response(shapes.RelocationSerializer(moved).data, status=201)


class PersonErase(ActorView):
    needs = {"POST": MANAGE}

    @extend_schema(request=None, responses=shapes.PersonDetailSerializer)
    def post(self, request: Request, person_id: UUID) -> Response:
        """Remove for good what is personal; the code stays, since past bookings name it."""
        return _shown(actions.erase_person(person=access.get_person(person_id, needs=MANAGE)))


class SkillList(ListView):
    needs = {"GET": VIEW, "POST": MANAGE}
    serializer_class = shapes.SkillSerializer
    rows = staticmethod(queries.skills)

    @extend_schema(request=shapes.SkillSerializer, responses={201: shapes.SkillSerializer})
    def post(self, request: Request) -> Response:
        made = actions.register_skill(**self.parsed(request))
        return Response(shapes.SkillSerializer(made).data, status=201)


class RequirementList(ListView):
    needs = {"GET": VIEW, "POST": MANAGE}
    serializer_class = shapes.RequirementSerializer
    rows = staticmethod(queries.requirements)

    @extend_schema(request=shapes.RequirementSerializer, responses=shapes.RequirementSerializer)
    def post(self, request: Request) -> Response:
        """What a site wants of a skill from now on, instead of what it wanted before."""
        said = self.parsed(request)
        site = get_own_site(said.pop("site_id"), needs=MANAGE)
        skill = access.get_skill(said.pop("skill_id"), needs=MANAGE)
        return Response(shapes.RequirementSerializer(actions.require_skill(site=site, skill=skill, **said)).data)


class RequirementDetail(ActorView):
    needs = {"DELETE": MANAGE}

    @extend_schema(responses={204: None})
    def delete(self, request: Request, requirement_id: UUID) -> Response:
        actions.drop_requirement(requirement=access.get_requirement(requirement_id, needs=MANAGE))
        return Response(status=204)


class SkillsMatrix(ActorView):
    needs = {"GET": VIEW}

    @extend_schema(parameters=[shapes.MatrixFilterSerializer], responses=shapes.MatrixSerializer)
    def get(self, request: Request) -> Response:
        """For each site and skill: needed, there and missing, counted today."""
        wanted = parsed(shapes.MatrixFilterSerializer, request.query_params)
        cells = queries.matrix(today=datetime.now(UTC).date(), site_id=wanted.get("site"))
        return Response(shapes.MatrixSerializer({"cells": cells}).data)


class CertificateList(ListView):
    needs = {"GET": VIEW}
    serializer_class = shapes.CertificateSerializer
    rows = staticmethod(queries.certificates)


class CertificateExpiries(ActorView):
    needs = {"GET": VIEW}

    @extend_schema(parameters=[shapes.ExpiryFilterSerializer], responses=shapes.ExpiriesSerializer)
    def get(self, request: Request) -> Response:
        """Certificates that have expired or soon will and were not renewed, the earliest first."""
        wanted, today = parsed(shapes.ExpiryFilterSerializer, request.query_params), datetime.now(UTC).date()
        rows = list(queries.expiring(today=today, **wanted)[: MOST_EXPIRIES + 1])
        for row in rows:
            row.band = expiry_band(row.expires_on, today)
        body = {"certificates": rows[:MOST_EXPIRIES], "more": len(rows) > MOST_EXPIRIES}
        return Response(shapes.ExpiriesSerializer(body).data)


def _shown(person: Any) -> Response:
    return Response(shapes.PersonDetailSerializer(person).data)

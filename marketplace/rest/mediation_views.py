"""Mediators over HTTP: how the parties to a dispute agree on one, and what the mediator reads and says."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from marketplace.contracts import api as contracting
from marketplace.models import Mediation
from marketplace.rest import contract_serializers as shapes
from marketplace.rest.contract_views import STEP, ContractStep
from tenants.rest.base import ActorView, ListView
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentView

OF_MEDIATOR: dict[str, Any] = {"responses": {204: None}, "parameters": [IDEMPOTENCY_KEY]}


@extend_schema_view(post=extend_schema(request=shapes.ProposeMediatorSerializer, **STEP))
class ProposeMediator(ContractStep):
    """Either party to a dispute names a third organisation; it sees nothing before the other party agrees."""

    needs = {"POST": "manage_agreements"}
    form = shapes.ProposeMediatorSerializer
    does = contracting.propose_mediator


@extend_schema_view(post=extend_schema(request=None, **STEP))
class AgreeToMediator(ContractStep):
    """The other party agrees: the mediator reads the dispute from now on."""

    needs = {"POST": "manage_agreements"}
    form = Serializer
    does = contracting.agree_to_mediator


@extend_schema_view(post=extend_schema(request=None, **STEP))
class DeclineMediator(ContractStep):
    """The other party refuses the one who is proposed, or who proposed takes it back."""

    needs = {"POST": "manage_agreements"}
    form = Serializer
    does = contracting.decline_mediator


class MediationList(ListView):
    """Open disputes in which the organisation is the mediator, newest first."""

    needs = {"GET": "view_tasks"}
    serializer_class = shapes.MediationSerializer
    rows = contracting.mediations


class MediationDetail(ActorView):
    needs = {"GET": "view_tasks"}

    @extend_schema(responses=shapes.MediationDetailSerializer)
    def get(self, request: Request, mediation_id: UUID) -> Response:
        """The terms of the contract, what was submitted with its evidence, and what both parties say; nothing else."""
        mediation: Any = contracting.get_mediation(mediation_id)
        mediation.milestones = contracting.milestones_of(mediation.contract)
        return Response(shapes.MediationDetailSerializer(mediation).data)


class MediatorStep(IdempotentView):
    """A step of the mediator; a subclass says which. The answer is empty: stepping down leaves nothing to see."""

    needs = {"POST": "manage_agreements"}

    def mediation(self, mediation_id: UUID) -> Mediation:
        return contracting.get_mediation(mediation_id, needs="manage_agreements")


class Recommend(MediatorStep):
    """How the dispute should end, once; it binds nobody."""

    @extend_schema(request=shapes.ContractWordsSerializer, **OF_MEDIATOR)
    def post(self, request: Request, mediation_id: UUID) -> Response:
        mediation, form = self.mediation(mediation_id), shapes.ContractWordsSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        contracting.recommend(mediation=mediation, **form.validated_data)
        return Response(status=204)


class StepDown(MediatorStep):
    """The mediator does not want to, and sees nothing of it any more."""

    @extend_schema(request=None, **OF_MEDIATOR)
    def post(self, request: Request, mediation_id: UUID) -> Response:
        contracting.step_down(mediation=self.mediation(mediation_id))
        return Response(status=204)

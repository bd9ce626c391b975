"""Contracts over HTTP: parse, one action or query, render. Every step answers the contract as it stands then."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from marketplace.contracts import api as contracting
from marketplace.contracts import queries
from marketplace.contracts.statement import as_csv
from marketplace.models import Contract
from marketplace.rest import contract_serializers as shapes
from marketplace.rest.serializers import ExtendSerializer
from tenants.rest.base import ActorView, ListView
from tenants.rest.files import CSV, FileView, answers, file_answer
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentView
from tenants.rest.preconditions import refuse_changed

IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description="The version you read, as its ETag.")
STEP: dict[str, Any] = {"responses": shapes.ContractDetailSerializer, "parameters": [IF_MATCH, IDEMPOTENCY_KEY]}
CHANGED = "The contract has changed since you read it; read it again and decide anew."


class ContractList(ListView):
    """Contracts of the organisation, as buyer or as firm, newest first."""

    needs = {"GET": "view_tasks"}
    serializer_class = shapes.ContractSerializer
    queryset = Contract.objects.none()

    def get_queryset(self) -> QuerySet[Contract]:
        asked = shapes.ContractFilterSerializer(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        return asked.narrowed(queries.contracts_taken_part_in())

    @extend_schema(parameters=[shapes.ContractFilterSerializer], responses=shapes.ContractSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)


class ContractDetail(ActorView):
    needs = {"GET": "view_tasks"}

    @extend_schema(responses=shapes.ContractDetailSerializer)
    def get(self, request: Request, contract_id: UUID) -> Response:
        return _answer(contracting.get_contract(contract_id))


class ContractTerms(ActorView):
    """The buyer sets tax rate and tolerance, while nothing was received."""

    needs = {"PUT": "settle"}

    @extend_schema(
        request=shapes.ContractTermsSerializer, responses=shapes.ContractDetailSerializer, parameters=[IF_MATCH]
    )
    def put(self, request: Request, contract_id: UUID) -> Response:
        contract = _unchanged(request, contracting.get_contract(contract_id, needs="settle"))
        contracting.set_terms(contract=contract, **_parsed(shapes.ContractTermsSerializer, request.data))
        return _answer(contract)


class MilestoneStep(IdempotentView):
    """A step of one milestone; a subclass says which."""

    form: ClassVar[type[Serializer[Any]]]
    does: ClassVar[Any]

    def post(self, request: Request, milestone_id: UUID) -> Response:
        milestone = contracting.get_milestone(milestone_id, needs=self.needs["POST"])
        _unchanged(request, milestone.contract)
        type(self).does(milestone=milestone, **_parsed(self.form, request.data))
        return _answer(milestone.contract)


@extend_schema_view(post=extend_schema(request=shapes.ContractNoteSerializer, **STEP))
class SubmitMilestone(MilestoneStep):
    """The firm says that it is done; what the readings say of the rule of acceptance is kept with it."""

    needs = {"POST": "claim_tasks"}
    form = shapes.ContractNoteSerializer
    does = contracting.submit_milestone


@extend_schema_view(post=extend_schema(request=None, **STEP))
class AcceptMilestone(MilestoneStep):
    """The buyer accepts; the last one fulfils the contract and shuts the data."""

    needs = {"POST": "post_tasks"}
    form = Serializer
    does = contracting.accept_milestone


@extend_schema_view(post=extend_schema(request=shapes.ContractReasonSerializer, **STEP))
class ReworkMilestone(MilestoneStep):
    needs = {"POST": "post_tasks"}
    form = shapes.ContractReasonSerializer
    does = contracting.request_milestone_rework


@extend_schema_view(post=extend_schema(request=shapes.ReceiveMilestoneSerializer, **STEP))
class ReceiveMilestone(MilestoneStep):
    """The buyer has received what was accepted, all of it or less, and owes it."""

    needs = {"POST": "settle"}
    form = shapes.ReceiveMilestoneSerializer
    does = contracting.receive_milestone


@extend_schema_view(post=extend_schema(request=shapes.PayMilestoneSerializer, **STEP))
class PayMilestone(MilestoneStep):
    """The buyer has paid what is payable of it now."""

    needs = {"POST": "settle"}
    form = shapes.PayMilestoneSerializer
    does = contracting.pay_milestone


@extend_schema_view(post=extend_schema(request=None, **STEP))
class ReleaseMilestone(MilestoneStep):
    """The buyer gives up the retention before the end of the warranty."""

    needs = {"POST": "settle"}
    form = Serializer
    does = contracting.release_retention


class InvoiceList(IdempotentView):
    """The firm sends an invoice; contract, receipt and invoice are matched at once."""

    needs = {"POST": "settle"}

    @extend_schema(request=shapes.SendInvoiceSerializer, **STEP | {"responses": {201: shapes.ContractDetailSerializer}})
    def post(self, request: Request, contract_id: UUID) -> Response:
        contract = _unchanged(request, contracting.get_contract(contract_id, needs="settle"))
        given = _parsed(shapes.SendInvoiceSerializer, request.data)
        lines = [contracting.Billed(line["milestone"], line["net_minor"], line["tax_minor"]) for line in given["lines"]]
        contracting.send_invoice(contract=contract, number=given["number"], lines=lines)
        return _answer(contract, status.HTTP_201_CREATED)


class ReturnInvoice(IdempotentView):
    """The buyer sends back an invoice that does not agree."""

    needs = {"POST": "settle"}

    @extend_schema(request=shapes.ContractReasonSerializer, **STEP)
    def post(self, request: Request, invoice_id: UUID) -> Response:
        invoice = contracting.get_invoice(invoice_id, needs="settle")
        _unchanged(request, invoice.contract)
        contracting.return_invoice(invoice=invoice, **_parsed(shapes.ContractReasonSerializer, request.data))
        return _answer(invoice.contract)


class ContractStep(IdempotentView):
    """A step of the whole contract; a subclass says which."""

    form: ClassVar[type[Serializer[Any]]]
    does: ClassVar[Any]

    def post(self, request: Request, contract_id: UUID) -> Response:
        contract = _unchanged(request, contracting.get_contract(contract_id, needs=self.needs["POST"]))
        type(self).does(contract=contract, **_parsed(self.form, request.data))
        return _answer(contract)


@extend_schema_view(post=extend_schema(request=ExtendSerializer, **STEP))
class ExtendContract(ContractStep):
    """The buyer leaves the data open for so many hours more; what is due stays."""

    needs = {"POST": "post_tasks"}
    form = ExtendSerializer
    does = contracting.extend_access


@extend_schema_view(post=extend_schema(request=shapes.ContractReasonSerializer, **STEP))
class DisputeContract(ContractStep):
    """Either party stops the contract; the data is shut with it."""

    needs = {"POST": "manage_agreements"}
    form = shapes.ContractReasonSerializer
    does = contracting.open_dispute


@extend_schema_view(post=extend_schema(request=shapes.ContractWordsSerializer, **STEP))
class NoteDispute(ContractStep):
    """What a party says in the mediation."""

    needs = {"POST": "comment"}
    form = shapes.ContractWordsSerializer
    does = contracting.add_note


@extend_schema_view(post=extend_schema(request=None, **STEP))
class WithdrawDispute(ContractStep):
    """The party that opened the dispute is content; the contract goes on and the data opens for the time left."""

    needs = {"POST": "manage_agreements"}
    form = Serializer
    does = contracting.withdraw_dispute


@extend_schema_view(post=extend_schema(request=shapes.ContractReasonSerializer, **STEP))
class TerminateContract(ContractStep):
    """Either party ends it before the work is done; what was accepted is still settled."""

    needs = {"POST": "manage_agreements"}
    form = shapes.ContractReasonSerializer
    does = contracting.terminate_contract


@extend_schema_view(post=extend_schema(request=shapes.RateContractSerializer, **STEP))
class RateContract(ContractStep):
    """What the organisation says of the other once the contract is closed; blind until both have."""

    needs = {"POST": "comment"}
    form = shapes.RateContractSerializer
    does = contracting.rate


class ContractJournal(ActorView):
    """The books of the contract; the platform's fee only for the buyer."""

    needs = {"GET": "view_usage"}

    @extend_schema(responses=shapes.JournalSerializer)
    def get(self, request: Request, contract_id: UUID) -> Response:
        contract = contracting.get_contract(contract_id, needs="view_usage")
        found = {"balances": queries.balances_of(contract), "entries": queries.journal_of(contract).order_by("pk")}
        return Response(shapes.JournalSerializer(found).data)


class ContractStatementView(ActorView):
    needs = {"GET": "view_usage"}

    @extend_schema(responses=shapes.ContractStatementSerializer)
    def get(self, request: Request, contract_id: UUID) -> Response:
        statement = contracting.statement_of(contracting.get_contract(contract_id, needs="view_usage"))
        return Response(shapes.ContractStatementSerializer(statement).data)


class ContractStatementCsv(FileView):
    needs = {"GET": "view_usage"}

    @extend_schema(responses=answers(CSV))
    def get(self, request: Request, contract_id: UUID) -> HttpResponse:
        contract = contracting.get_contract(contract_id, needs="view_usage")
        return file_answer(as_csv(contracting.statement_of(contract)), CSV, f"contract-{contract.pk}.csv")


def _parsed(form_class: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    form = form_class(data=data)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


def _unchanged(request: Request, contract: Contract) -> Contract:
    refuse_changed(request, _etag(contract), CHANGED)
    return contract


def _answer(contract: Contract, code: int = status.HTTP_200_OK) -> Response:
    fresh: Any = queries.contracts().get(pk=contract.pk)
    fresh.milestones = queries.milestones_of(fresh)
    fresh.invoices = queries.invoices_of(fresh).order_by("pk")
    fresh.disputes = queries.disputes_of(fresh)
    fresh_data = shapes.ContractDetailSerializer(fresh).data
    return Response(fresh_data, status=code, headers={"ETag": _etag(fresh)})


def _etag(contract: Contract) -> str:
    return f'"{contract.version}"'

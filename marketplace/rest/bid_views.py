"""Bids over HTTP: parse, one action or query, render.

No `Idempotency-Key` where a body holds a bid or a passphrase, since the answer to it would be kept. A bid sent again is
a new version of it, and says the same.
"""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from marketplace import access as tasks
from marketplace.bids import access, actions, awarding, complaining, queries
from marketplace.models import Bid
from marketplace.rest.bid_serializers import (
    BidContentSerializer,
    BidReasonSerializer,
    BidReceiptSerializer,
    BidScoresSerializer,
    BidSerializer,
    ComplainSerializer,
    ComplaintDecisionSerializer,
    ComplaintSerializer,
)
from marketplace.rest.views import IF_MATCH
from tenants.rest.base import ActorView, ListView
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentView
from tenants.rest.preconditions import refuse_changed

CHANGED = "The bid has changed since you read it; read it again and decide anew."


class BidList(ListView):
    """The bids that the organisation made, newest first."""

    needs = {"GET": "view_tasks"}
    serializer_class = BidSerializer
    rows = queries.own_bids

    def paginate_queryset(self, queryset: Any) -> list[Bid]:
        return queries.held(super().paginate_queryset(queryset) or [])


class TaskBids(BidList):
    """Bids on a task: all for its owner, for others their own."""

    queryset = Bid.objects.none()

    def get_queryset(self) -> QuerySet[Bid]:
        return queries.bids_on(tasks.get_task(self.kwargs["task_id"]).pk)

    @extend_schema(responses=BidSerializer(many=True))
    def get(self, request: Request, task_id: UUID) -> Response:
        return super().get(request)


class PlaceBid(ActorView):
    """Bid on an open task, or send a new version of the bid there is."""

    needs = {"POST": "claim_tasks"}

    @extend_schema(request=BidContentSerializer, responses={201: BidReceiptSerializer})
    def post(self, request: Request, task_id: UUID) -> Response:
        form = BidContentSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        receipt = actions.place_bid(task=tasks.get_task(task_id, needs="claim_tasks"), content=form.content)
        return Response(BidReceiptSerializer(receipt).data, status=status.HTTP_201_CREATED)


class BidDetail(ActorView):
    needs = {"GET": "view_tasks"}

    @extend_schema(responses=BidSerializer)
    def get(self, request: Request, bid_id: UUID) -> Response:
        return _answer(access.get_bid(bid_id))


class WithdrawBid(IdempotentView):
    """By the firm, while the bidding is open."""

    needs = {"POST": "claim_tasks"}

    @extend_schema(request=None, responses=BidSerializer, parameters=[IF_MATCH, IDEMPOTENCY_KEY])
    def post(self, request: Request, bid_id: UUID) -> Response:
        bid = _unchanged(request, access.get_own_bid(bid_id))
        actions.withdraw_bid(bid=bid)
        return _answer(bid)


class JudgeBid(IdempotentView):
    """The owner shortlists a bid, or lets a disqualified one stand again."""

    needs = {"POST": "post_tasks"}
    steps: ClassVar[dict[str, Any]] = {"shortlist": awarding.shortlist_bid, "reinstate": awarding.reinstate_bid}
    step = ""

    @extend_schema(request=None, responses=BidSerializer, parameters=[IF_MATCH, IDEMPOTENCY_KEY])
    def post(self, request: Request, bid_id: UUID) -> Response:
        bid = _unchanged(request, access.get_bid_to_judge(bid_id))
        self.steps[self.step](bid=bid)
        return _answer(bid)


class JudgeBidBecause(IdempotentView):
    """The owner disqualifies a bid, or awards the task to it, and says why: every firm is told its own part."""

    needs = {"POST": "post_tasks"}
    steps: ClassVar[dict[str, Any]] = {"disqualify": awarding.disqualify_bid, "award": awarding.award_bid}
    step = ""

    @extend_schema(request=BidReasonSerializer, responses=BidSerializer, parameters=[IF_MATCH, IDEMPOTENCY_KEY])
    def post(self, request: Request, bid_id: UUID) -> Response:
        bid = _unchanged(request, access.get_bid_to_judge(bid_id))
        self.steps[self.step](bid=bid, reason=_parsed(BidReasonSerializer, request)["reason"])
        return _answer(bid)


class ScoreBid(ActorView):
    """Points by the owner's own criteria; those that are named replace what was given before."""

    needs = {"PUT": "post_tasks"}

    @extend_schema(request=BidScoresSerializer, responses=BidSerializer, parameters=[IF_MATCH])
    def put(self, request: Request, bid_id: UUID) -> Response:
        bid = _unchanged(request, access.get_bid_to_judge(bid_id))
        given = _parsed(BidScoresSerializer, request)["scores"]
        awarding.score_bid(bid=bid, scores=[awarding.Score(**score) for score in given])
        return _answer(bid)


class Complain(IdempotentView):
    """A firm whose bid did not win, within the standstill."""

    needs = {"POST": "claim_tasks"}

    @extend_schema(request=ComplainSerializer, responses={201: ComplaintSerializer}, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, bid_id: UUID) -> Response:
        bid = access.get_own_bid(bid_id)
        complaint = complaining.complain(bid=bid, text=_parsed(ComplainSerializer, request)["text"])
        return Response(ComplaintSerializer(complaint).data, status=status.HTTP_201_CREATED)


class TaskComplaints(ListView):
    """Complaints about the award of a task: all for its owner, for others their own."""

    needs = {"GET": "view_tasks"}
    serializer_class = ComplaintSerializer

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        return queries.complaints(tasks.get_task(self.kwargs["task_id"]).pk)

    @extend_schema(responses=ComplaintSerializer(many=True))
    def get(self, request: Request, task_id: UUID) -> Response:
        return super().get(request)


class DecideComplaint(IdempotentView):
    """Upheld, the award is annulled; rejected, it goes on."""

    needs = {"POST": "post_tasks"}

    @extend_schema(request=ComplaintDecisionSerializer, responses=ComplaintSerializer, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, complaint_id: UUID) -> Response:
        complaint = access.get_complaint_to_decide(complaint_id)
        complaining.decide_complaint(complaint=complaint, **_parsed(ComplaintDecisionSerializer, request))
        return Response(ComplaintSerializer(complaint).data)


def _parsed(form_class: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    form = form_class(data=request.data)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


def _unchanged(request: Request, bid: Bid) -> Bid:
    refuse_changed(request, f'"{bid.version}"', CHANGED)
    return bid


def _answer(bid: Bid) -> Response:
    (fresh,) = queries.held(queries.bids().filter(pk=bid.pk))
    return Response(BidSerializer(fresh).data, headers={"ETag": f'"{fresh.version}"'})

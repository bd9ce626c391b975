"""Kept rules over HTTP: parse, one action or query, render."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from edge_bridge.catalogue import actions, queries, trying
from edge_bridge.catalogue import serializers as shapes
from edge_bridge.catalogue.access import get_rule, get_trial
from edge_bridge.catalogue.data import kinds, templates
from edge_bridge.catalogue.delivery import rules_for
from edge_bridge.ingest.batches import refuse
from edge_bridge.ingest.http import DeviceAuthentication
from edge_bridge.models import KeptRule, RulesInUse, RuleTrial
from edge_bridge.protocol import encode
from tenants.api import acting_as, get_site
from tenants.rest.base import ActorView, ListView
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentView


class RuleList(IdempotentView, ListView):
    needs = {"GET": "view_alarms", "POST": "manage_rules"}
    serializer_class = shapes.KeptRuleSerializer
    queryset = KeptRule.objects.none()

    def get_queryset(self) -> QuerySet[KeptRule]:
        return queries.rules(**_parsed(shapes.RuleFilterSerializer, self.request.query_params))

    @extend_schema(parameters=[shapes.RuleFilterSerializer])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request)

    @extend_schema(
        request=shapes.NewRuleSerializer, parameters=[IDEMPOTENCY_KEY], responses={201: shapes.KeptRuleDetailSerializer}
    )
    def post(self, request: Request) -> Response:
        """Draft a rule; nothing judges by it before it is enabled."""
        said = _parsed(shapes.NewRuleSerializer, request.data)
        site = get_site(said.pop("site"), needs="manage_rules")
        return _rendered(actions.make_rule(site=site, **said), status=201)


class RulesFromTemplate(IdempotentView):
    needs = {"POST": "manage_rules"}

    @extend_schema(
        request=shapes.FromTemplateSerializer, parameters=[IDEMPOTENCY_KEY], responses={201: shapes.KeptRulesSerializer}
    )
    def post(self, request: Request) -> Response:
        """Draft a rule for each sensor of a hazard, with the figures of one instrument."""
        said = _parsed(shapes.FromTemplateSerializer, request.data)
        site = get_site(said["site"], needs="manage_rules")
        sensors = [actions.Sensor(**sensor) for sensor in said["sensors"]]
        rules = actions.make_rules_from_template(site=site, key=said["template"], sensors=sensors, kind=said["kind"])
        return Response(shapes.KeptRulesSerializer({"rules": rules}).data, status=201)


class RuleDetail(ActorView):
    needs = {"GET": "view_alarms"}

    @extend_schema(responses=shapes.KeptRuleDetailSerializer)
    def get(self, request: Request, rule_id: UUID) -> Response:
        return _rendered(get_rule(rule_id))


class RuleVersions(IdempotentView):
    needs = {"POST": "manage_rules"}

    @extend_schema(
        request=shapes.NewRuleVersionSerializer,
        parameters=[IDEMPOTENCY_KEY],
        responses={201: shapes.KeptRuleDetailSerializer},
    )
    def post(self, request: Request, rule_id: UUID) -> Response:
        """Change what the rule says. What is in force stays so until the new version is enabled."""
        rule = get_rule(rule_id, needs="manage_rules")
        return _rendered(actions.change_rule(rule=rule, **_parsed(shapes.NewRuleVersionSerializer, request.data)), 201)


class RuleEnable(ActorView):
    needs = {"POST": "manage_rules"}

    @extend_schema(request=shapes.RuleEnablingSerializer, responses=shapes.KeptRuleDetailSerializer)
    def post(self, request: Request, rule_id: UUID) -> Response:
        """Put a version in force at the gateways of the site."""
        rule = get_rule(rule_id, needs="manage_rules")
        said = _parsed(shapes.RuleEnablingSerializer, request.data)
        return _rendered(actions.enable_rule(rule=rule, n=said["version"], reason=said["reason"]))


class _Ending(ActorView):
    needs = {"POST": "manage_rules"}
    end: Callable[..., KeptRule]

    @extend_schema(request=shapes.RuleReasonSerializer, responses=shapes.KeptRuleDetailSerializer)
    def post(self, request: Request, rule_id: UUID) -> Response:
        rule = get_rule(rule_id, needs="manage_rules")
        return _rendered(type(self).end(rule=rule, **_parsed(shapes.RuleReasonSerializer, request.data)))


class RuleDisable(_Ending):
    """Let no gateway judge by the rule until it is enabled again."""

    end = staticmethod(actions.disable_rule)


class RuleRetire(_Ending):
    """End the rule for good; its history stays."""

    end = staticmethod(actions.retire_rule)


class RuleCalls(ActorView):
    needs = {"PUT": "manage_rules"}

    @extend_schema(request=shapes.RuleCallsSerializer, responses=shapes.KeptRuleDetailSerializer)
    def put(self, request: Request, rule_id: UUID) -> Response:
        """Say how the rule's alarms call operators; holds from the next acknowledgement on."""
        rule = get_rule(rule_id, needs="manage_rules")
        said = _parsed(shapes.RuleCallsSerializer, request.data)
        return _rendered(actions.set_calls(rule=rule, is_safety=said.pop("safety"), **said))


class TrialList(IdempotentView, ListView):
    needs = {"GET": "view_alarms", "POST": "manage_rules"}
    serializer_class = shapes.BacktestSerializer
    queryset = RuleTrial.objects.none()

    def get_queryset(self) -> QuerySet[RuleTrial]:
        return queries.trials(get_rule(self.kwargs["rule_id"]))

    @extend_schema(
        request=shapes.NewBacktestSerializer, parameters=[IDEMPOTENCY_KEY], responses={202: shapes.BacktestSerializer}
    )
    def post(self, request: Request, rule_id: UUID) -> Response:
        """Ask for a backtest on stored readings. Follow it on the feed or at its `Location`."""
        rule = get_rule(rule_id, needs="manage_rules")
        said = _parsed(shapes.NewBacktestSerializer, request.data)
        labels = [trying.Label(**{"due": label["end"], **label}) for label in said.pop("labels")]
        trial = trying.request_trial(rule=rule, n=said.pop("version"), labels=labels, **said)
        where = reverse("rule-trial-detail", args=[trial.pk])
        return Response(shapes.BacktestSerializer(trial).data, status=202, headers={"Location": where})


class TrialDetail(ActorView):
    needs = {"GET": "view_alarms"}

    @extend_schema(responses=shapes.BacktestDetailSerializer)
    def get(self, request: Request, trial_id: UUID) -> Response:
        return Response(shapes.BacktestDetailSerializer(get_trial(trial_id)).data)


class TrialCancel(ActorView):
    needs = {"POST": "manage_rules"}

    @extend_schema(request=None, responses=shapes.BacktestDetailSerializer)
    def post(self, request: Request, trial_id: UUID) -> Response:
        trial = trying.cancel_trial(trial=get_trial(trial_id, needs="manage_rules"))
        return Response(shapes.BacktestDetailSerializer(trial).data)


class TemplateList(ActorView):
    needs = {"GET": "view_alarms"}

    @extend_schema(responses=shapes.RuleTemplatesSerializer)
    def get(self, request: Request) -> Response:
        """Limits as instruments give them, with where the figures are from and whether they were verified."""
        return Response(shapes.RuleTemplatesSerializer({"templates": list(templates().values())}).data)


class KindList(ActorView):
    needs = {"GET": "view_alarms"}

    @extend_schema(responses=shapes.RuleKindsSerializer)
    def get(self, request: Request) -> Response:
        """What kinds of rule there are, and which parameters each takes."""
        return Response(shapes.RuleKindsSerializer({"kinds": kinds()}).data)


class RulesInUseList(ListView):
    """What the gateways say that they judge by, and what they refused."""

    needs = {"GET": "view_alarms"}
    serializer_class = shapes.RulesInUseSerializer
    queryset = RulesInUse.objects.none()

    def get_queryset(self) -> QuerySet[RulesInUse]:
        return queries.reports()

    def paginate_queryset(self, queryset: QuerySet[RulesInUse]) -> list[RulesInUse] | None:
        rows = super().paginate_queryset(queryset)
        return rows and list(queries.marked_current(rows))


class EdgeRules(APIView):
    """For gateways: the rules of their site, or 304 if they have them."""

    authentication_classes = [DeviceAuthentication]
    needs = {"GET": "send_readings"}

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return refuse

    @extend_schema(
        operation_id="edge_rules_retrieve",
        parameters=[OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER)],
        responses={
            200: OpenApiResponse(OpenApiTypes.OBJECT, "rule_set: each rule as a table"),
            304: OpenApiResponse(None, "the rules are those of `If-None-Match`"),
        },
    )
    def get(self, request: Request) -> Response:
        with acting_as(request.auth):
            offered = rules_for(request.user)
        etag = f'"{offered.digest}"'
        if request.headers.get("If-None-Match") == etag:
            return Response(status=304, headers={"ETag": etag})
        return Response(json.loads(encode(offered)), headers={"ETag": etag})


def _parsed(form: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    bound = form(data=data)
    bound.is_valid(raise_exception=True)
    return dict(bound.validated_data)


def _rendered(rule: KeptRule, status: int = 200) -> Response:
    return Response(shapes.KeptRuleDetailSerializer(rule).data, status=status)

"""Alarms over HTTP: parse, one action or query, render."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from edge_bridge import access, queries
from edge_bridge.alarms import actions, policies, table
from edge_bridge.alarms.access import get_own_alarm, get_set_aside, get_suppression_rule
from edge_bridge.alarms.aside import set_aside_where
from edge_bridge.alarms.health import Health, alarm_health, as_csv
from edge_bridge.alarms.serializers import (
    AcknowledgeSerializer,
    AlarmDetailSerializer,
    AlarmFilterSerializer,
    AlarmReasonSerializer,
    AlarmSerializer,
    AssignSerializer,
    CommentSerializer,
    EscalationSerializer,
    EscalationStepSerializer,
    HealthSerializer,
    HealthSpanSerializer,
    SetAsideAlarmSerializer,
    SetAsideFilterSerializer,
    ShelveSerializer,
    SuppressionRuleSerializer,
)
from edge_bridge.catalogue.access import get_rule
from edge_bridge.models import Alarm, EscalationStep, Quarantine, SuppressionRule
from tenants.api import actor, get_equipment, get_site
from tenants.rest.base import ActorView, ListView
from tenants.rest.files import CSV, FileView, answers, file_answer


class AlarmList(ListView):
    needs = {"GET": "view_alarms"}
    serializer_class = AlarmSerializer
    queryset = Alarm.objects.none()  # names the model to the schema's generator, which has no identity

    def get_queryset(self) -> QuerySet[Alarm]:
        return queries.alarms_where(**_parsed(AlarmFilterSerializer, self.request.query_params))

    @extend_schema(parameters=[AlarmFilterSerializer], responses=AlarmSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)


class AlarmFile(FileView):
    needs = {"GET": "view_alarms"}

    @extend_schema(parameters=[AlarmFilterSerializer], responses=answers(CSV))
    def get(self, request: Request) -> HttpResponse:
        """The same as a table, the newest 10,000."""
        found = queries.alarms_where(**_parsed(AlarmFilterSerializer, request.query_params))
        return file_answer(table.as_csv(found), CSV, "alarms.csv")


class AlarmDetail(ActorView):
    needs = {"GET": "view_alarms"}

    @extend_schema(responses=AlarmDetailSerializer)
    def get(self, request: Request, alarm_id: UUID) -> Response:
        return _rendered(access.get_alarm(alarm_id))


class AlarmAcknowledge(ActorView):
    needs = {"POST": "acknowledge_alarms"}

    @extend_schema(request=AcknowledgeSerializer, responses=AlarmDetailSerializer)
    def post(self, request: Request, alarm_id: UUID) -> Response:
        alarm = access.get_alarm(alarm_id, needs="acknowledge_alarms")
        return _rendered(actions.acknowledge_alarm(alarm=alarm, **_parsed(AcknowledgeSerializer, request.data)))


class AlarmShelve(ActorView):
    """Let it call nobody until a moment."""

    needs = {"POST": "shelve_alarms"}

    @extend_schema(request=ShelveSerializer, responses=AlarmDetailSerializer)
    def post(self, request: Request, alarm_id: UUID) -> Response:
        alarm = get_own_alarm(alarm_id, needs="shelve_alarms")
        return _rendered(actions.shelve_alarm(alarm=alarm, **_parsed(ShelveSerializer, request.data)))


class AlarmOutOfService(ActorView):
    """Let it call nobody until somebody returns it."""

    needs = {"POST": "manage_rules"}

    @extend_schema(request=AlarmReasonSerializer, responses=AlarmDetailSerializer)
    def post(self, request: Request, alarm_id: UUID) -> Response:
        alarm = get_own_alarm(alarm_id, needs="manage_rules")
        return _rendered(actions.take_out_of_service(alarm=alarm, **_parsed(AlarmReasonSerializer, request.data)))


class AlarmClear(ActorView):
    """End an alarm whose source is gone: its gateway revoked or begun anew, its machine moved or retired."""

    needs = {"POST": "manage_rules"}

    @extend_schema(request=AlarmReasonSerializer, responses=AlarmDetailSerializer)
    def post(self, request: Request, alarm_id: UUID) -> Response:
        alarm = get_own_alarm(alarm_id, needs="manage_rules")
        return _rendered(actions.clear_by_hand(alarm=alarm, **_parsed(AlarmReasonSerializer, request.data)))


class SetAsideList(ListView):
    """Alarms that had no place when they came, since their machine is not registered or stands elsewhere, and why."""

    needs = {"GET": "view_alarms"}
    serializer_class = SetAsideAlarmSerializer
    queryset = Quarantine.objects.none()

    def get_queryset(self) -> QuerySet[Quarantine]:
        return set_aside_where(**_parsed(SetAsideFilterSerializer, self.request.query_params))

    @extend_schema(parameters=[SetAsideFilterSerializer], responses=SetAsideAlarmSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)


class SetAsideDismiss(ActorView):
    """Let one be that will never have a place."""

    needs = {"POST": "manage_rules"}

    @extend_schema(request=AlarmReasonSerializer, responses=SetAsideAlarmSerializer)
    def post(self, request: Request, set_aside_id: UUID) -> Response:
        entry = get_set_aside(set_aside_id)
        dismissed = actions.dismiss_set_aside(entry=entry, **_parsed(AlarmReasonSerializer, request.data))
        return Response(SetAsideAlarmSerializer(dismissed).data)


class AlarmReturn(ActorView):
    """End its shelf, or its time out of service."""

    needs = {"POST": "shelve_alarms"}

    @extend_schema(request=None, responses=AlarmDetailSerializer)
    def post(self, request: Request, alarm_id: UUID) -> Response:
        return _rendered(actions.return_alarm(alarm=get_own_alarm(alarm_id, needs="shelve_alarms")))


class AlarmAssign(ActorView):
    needs = {"POST": "acknowledge_alarms"}

    @extend_schema(request=AssignSerializer, responses=AlarmDetailSerializer)
    def post(self, request: Request, alarm_id: UUID) -> Response:
        alarm = get_own_alarm(alarm_id, needs="acknowledge_alarms")
        user_id = _parsed(AssignSerializer, request.data)["user"]
        return _rendered(actions.assign_alarm(alarm=alarm, user_id=user_id))


class AlarmComment(ActorView):
    needs = {"POST": "comment"}

    @extend_schema(request=CommentSerializer, responses=AlarmDetailSerializer)
    def post(self, request: Request, alarm_id: UUID) -> Response:
        alarm = access.get_alarm(alarm_id, needs="comment")
        return _rendered(actions.comment_alarm(alarm=alarm, **_parsed(CommentSerializer, request.data)))


class SuppressionRuleList(ListView):
    needs = {"GET": "view_alarms", "POST": "manage_rules"}
    serializer_class = SuppressionRuleSerializer
    queryset = SuppressionRule.objects.none()

    def get_queryset(self) -> QuerySet[SuppressionRule]:
        return SuppressionRule.objects.filter(tenant=actor().tenant_id)

    @extend_schema(request=SuppressionRuleSerializer, responses={201: SuppressionRuleSerializer})
    def post(self, request: Request) -> Response:
        said = self.parsed(request)
        site = get_site(said["site_id"], needs="manage_rules")
        rule = _in_states(site, said) if said["states"] else _by_cause(site, said)
        return Response(SuppressionRuleSerializer(rule).data, status=201)


def _by_cause(site: Any, said: dict[str, Any]) -> SuppressionRule:
    return policies.make_suppression(site=site, cause=said["cause"], effect=said["effect"], reason=said["reason"])


def _in_states(site: Any, said: dict[str, Any]) -> SuppressionRule:
    rule_id, equipment_id = said["rule_id"], said["equipment_id"]
    return policies.suppress_in_states(
        site=site,
        states=said["states"],
        reason=said["reason"],
        rule=rule_id and get_rule(rule_id, needs="manage_rules"),
        tag=said["tag"],
        equipment=equipment_id and get_equipment(equipment_id, needs="manage_rules"),
    )


class SuppressionRuleEnd(ActorView):
    needs = {"POST": "manage_rules"}

    @extend_schema(request=None, responses=SuppressionRuleSerializer)
    def post(self, request: Request, suppression_rule_id: UUID) -> Response:
        rule = policies.end_suppression(rule=get_suppression_rule(suppression_rule_id))
        return Response(SuppressionRuleSerializer(rule).data)


class EscalationList(ListView):
    """Every step of every policy; a PUT replaces the steps of one."""

    needs = {"GET": "view_alarms", "PUT": "manage_rules"}
    serializer_class = EscalationStepSerializer
    queryset = EscalationStep.objects.none()

    def get_queryset(self) -> QuerySet[EscalationStep]:
        return EscalationStep.objects.filter(tenant=actor().tenant_id)

    @extend_schema(request=EscalationSerializer, responses=EscalationStepSerializer(many=True))
    def put(self, request: Request) -> Response:
        said = _parsed(EscalationSerializer, request.data)
        site = None if said["site"] is None else get_site(said["site"], needs="manage_rules")
        steps = [policies.Step(**step) for step in said["steps"]]
        rows = policies.set_escalation(site=site, severity=said["severity"], steps=steps)
        return Response(EscalationStepSerializer(rows, many=True).data)


class AlarmHealth(ActorView):
    """How many alarms an operator's position had, hour by hour, and which of them make the most of it."""

    needs = {"GET": "view_alarms"}

    @extend_schema(parameters=[HealthSpanSerializer], responses=HealthSerializer)
    def get(self, request: Request) -> Response:
        return Response(HealthSerializer(_health(request)).data)


class AlarmHealthCsv(FileView):
    needs = {"GET": "view_alarms"}

    @extend_schema(parameters=[HealthSpanSerializer], responses=answers(CSV))
    def get(self, request: Request) -> HttpResponse:
        return file_answer(as_csv(_health(request)), CSV, "alarm-health.csv")


def _health(request: Request) -> Health:
    said = _parsed(HealthSpanSerializer, request.query_params)
    site = get_site(said.pop("site"), needs="view_alarms")
    return alarm_health(site, **said, tenant_id=actor().tenant_id)


def _parsed(form: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    bound = form(data=data)
    bound.is_valid(raise_exception=True)
    return dict(bound.validated_data)


def _rendered(alarm: Alarm) -> Response:
    alarm.newest_changes = queries.changes_of(alarm)
    return Response(AlarmDetailSerializer(alarm).data)

"""Commands over HTTP: parse, one action or query, render."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from edge_bridge.commands import actions, queries, types
from edge_bridge.commands.access import get_command, get_command_type, get_own_command
from edge_bridge.commands.serializers import (
    CommandDetailSerializer,
    CommandFilterSerializer,
    CommandReasonSerializer,
    CommandSerializer,
    CommandTypeSerializer,
    RequestCommandSerializer,
)
from edge_bridge.models import Command, CommandType
from tenants.rest.base import ActorView, ListView
from tenants.rest.idempotency import IdempotentView


class CommandList(IdempotentView, ListView):
    """`POST` asks for a command; with an `Idempotency-Key` it is asked for once however often it is sent."""

    needs = {"GET": "send_commands", "POST": "send_commands"}
    serializer_class = CommandSerializer
    queryset = Command.objects.none()

    def get_queryset(self) -> QuerySet[Command]:
        return queries.commands_where(**_parsed(CommandFilterSerializer, self.request.query_params))

    @extend_schema(parameters=[CommandFilterSerializer], responses=CommandSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)

    @extend_schema(request=RequestCommandSerializer, responses={201: CommandDetailSerializer})
    def post(self, request: Request) -> Response:
        return _rendered(actions.request_command(**_parsed(RequestCommandSerializer, request.data)), status=201)


class CommandDetail(ActorView):
    needs = {"GET": "send_commands"}

    @extend_schema(responses=CommandDetailSerializer)
    def get(self, request: Request, command_id: UUID) -> Response:
        return _rendered(get_command(command_id))


class CommandApprove(ActorView):
    """By somebody of the owner's, who is not the one who asked for it."""

    needs = {"POST": "approve_commands"}

    @extend_schema(request=None, responses=CommandDetailSerializer)
    def post(self, request: Request, command_id: UUID) -> Response:
        command = get_own_command(command_id, needs="approve_commands")
        return _rendered(actions.approve_command(command=command))


class CommandReject(ActorView):
    needs = {"POST": "approve_commands"}

    @extend_schema(request=CommandReasonSerializer, responses=CommandDetailSerializer)
    def post(self, request: Request, command_id: UUID) -> Response:
        command = get_own_command(command_id, needs="approve_commands")
        return _rendered(actions.reject_command(command=command, **_parsed(CommandReasonSerializer, request.data)))


class CommandWithdraw(ActorView):
    """Before it is sent."""

    needs = {"POST": "send_commands"}

    @extend_schema(request=CommandReasonSerializer, responses=CommandDetailSerializer)
    def post(self, request: Request, command_id: UUID) -> Response:
        command = get_command(command_id)
        return _rendered(actions.withdraw_command(command=command, **_parsed(CommandReasonSerializer, request.data)))


class CommandTypeList(ListView):
    needs = {"GET": "send_commands", "POST": "manage_rules"}
    serializer_class = CommandTypeSerializer
    queryset = CommandType.objects.none()

    def get_queryset(self) -> QuerySet[CommandType]:
        return queries.types()

    @extend_schema(request=CommandTypeSerializer, responses={201: CommandTypeSerializer})
    def post(self, request: Request) -> Response:
        kind = types.make_command_type(**self.parsed(request))
        return Response(CommandTypeSerializer(kind).data, status=201)


class CommandTypeRetire(ActorView):
    needs = {"POST": "manage_rules"}

    @extend_schema(request=None, responses=CommandTypeSerializer)
    def post(self, request: Request, command_type_id: UUID) -> Response:
        kind = types.retire_command_type(kind=get_command_type(command_type_id))
        return Response(CommandTypeSerializer(kind).data)


class MachineCommandTypeList(ActorView):
    """What may be asked for on a machine, an own one or one that was opened for commands."""

    needs = {"GET": "send_commands"}

    @extend_schema(operation_id="equipment_command_types_list", responses=CommandTypeSerializer(many=True))
    def get(self, request: Request, equipment_id: UUID) -> Response:
        return Response(CommandTypeSerializer(queries.types_open_for(equipment_id), many=True).data)


def _parsed(form: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    bound = form(data=data)
    bound.is_valid(raise_exception=True)
    return dict(bound.validated_data)


def _rendered(command: Command, status: int = 200) -> Response:
    command.life = queries.changes_of(command)
    return Response(CommandDetailSerializer(command).data, status=status)

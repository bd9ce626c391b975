"""Materials, bookings, relocations and tables over HTTP: parse, one action or query, render."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.access import get_own_equipment, get_own_site
from tenants.models import Booking, StockLevel, StockMove
from tenants.resources import access, bookings, queries, relocations, stock, tables
from tenants.resources import serializers as shapes
from tenants.resources.data import Window
from tenants.resources.views import MANAGE, USE, VIEW, parsed
from tenants.rest.base import ActorView, ListView
from tenants.rest.files import CSV, CsvParser, FileView, answers, file_answer
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentView
from tenants.rest.parsers import StrictJSONParser

MOVES: dict[str, Callable[..., StockMove]] = {
    "receipt": stock.receive,
    "issue": stock.issue,
    "adjustment": stock.adjust,
}
TABLE = {CSV: OpenApiTypes.STR, "application/json": shapes.TableSerializer}


class MaterialList(ListView):
    needs = {"GET": VIEW, "POST": MANAGE}
    serializer_class = shapes.MaterialSerializer
    rows = staticmethod(queries.materials)

    @extend_schema(request=shapes.MaterialSerializer, responses={201: shapes.MaterialSerializer})
    def post(self, request: Request) -> Response:
        made = stock.register_material(**self.parsed(request))
        return Response(shapes.MaterialSerializer(made).data, status=201)


class StockLevelList(ListView):
    needs = {"GET": VIEW}
    serializer_class = shapes.StockLevelSerializer
    queryset = StockLevel.objects.none()  # names the model to the schema's generator, which has no identity

    def get_queryset(self) -> QuerySet[StockLevel]:
        return queries.stock_levels().filter(**parsed(shapes.StockFilterSerializer, self.request.query_params))

    @extend_schema(parameters=[shapes.StockFilterSerializer], responses=shapes.StockLevelSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)


class StockMoveList(IdempotentView, ListView):
    needs = {"GET": VIEW, "POST": USE}
    serializer_class = shapes.StockMoveSerializer
    queryset = StockMove.objects.none()

    def get_queryset(self) -> QuerySet[StockMove]:
        return queries.stock_moves().filter(**parsed(shapes.StockFilterSerializer, self.request.query_params))

    @extend_schema(parameters=[shapes.StockFilterSerializer], responses=shapes.StockMoveSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)

    @extend_schema(
        request=shapes.NewMoveSerializer, parameters=[IDEMPOTENCY_KEY], responses={201: shapes.StockMoveSerializer}
    )
    def post(self, request: Request) -> Response:
        """Receive, issue or adjust. 409 says what is there if it is not enough."""
        said = parsed(shapes.NewMoveSerializer, request.data)
        site, material = _place(said.pop("site")), access.get_material(said.pop("material"), needs=USE)
        moved = MOVES[said.pop("kind")](site=site, material=material, **said)
        return Response(shapes.StockMoveSerializer(moved).data, status=201)


class StockTransferList(IdempotentView):
    needs = {"POST": USE}

    @extend_schema(
        request=shapes.NewTransferSerializer,
        parameters=[IDEMPOTENCY_KEY],
        responses={201: shapes.StockMoveSerializer(many=True)},
    )
    def post(self, request: Request) -> Response:
        """From one site to another: both moves, or neither."""
        said = parsed(shapes.NewTransferSerializer, request.data)
        places = {"from_site": _place(said.pop("from_site")), "to_site": _place(said.pop("to_site"))}
        material = access.get_material(said.pop("material"), needs=USE)
        pair = stock.transfer(**places, material=material, **said)
        return Response(shapes.StockMoveSerializer(pair, many=True).data, status=201)


class StockCheck(ActorView):
    needs = {"GET": VIEW}

    @extend_schema(responses=shapes.StockCheckSerializer)
    def get(self, request: Request) -> Response:
        """Adds all moves up again and names each level that differs."""
        return Response(shapes.StockCheckSerializer({"faults": queries.stock_faults()}).data)


# Bookings and relocations ---------------------------------------------------------------------------------------------


class BookingList(IdempotentView, ListView):
    needs = {"GET": VIEW, "POST": USE}
    serializer_class = shapes.BookingSerializer
    queryset = Booking.objects.none()

    def get_queryset(self) -> QuerySet[Booking]:
        return queries.bookings(**parsed(shapes.BookingFilterSerializer, self.request.query_params))

    @extend_schema(parameters=[shapes.BookingFilterSerializer], responses=shapes.BookingSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)

    @extend_schema(
        request=shapes.BookingSerializer, parameters=[IDEMPOTENCY_KEY], responses={201: shapes.BookingSerializer}
    )
    def post(self, request: Request) -> Response:
        """Book a person or a piece of equipment. 409 names the booking in the way, or the certificate that fails."""
        return Response(shapes.BookingSerializer(_booked(self.parsed(request))).data, status=201)


class BookingDetail(ActorView):
    needs = {"GET": VIEW}

    @extend_schema(responses=shapes.BookingSerializer)
    def get(self, request: Request, booking_id: UUID) -> Response:
        return Response(shapes.BookingSerializer(access.get_booking(booking_id)).data)


class BookingCancel(ActorView):
    needs = {"POST": USE}

    @extend_schema(request=shapes.ReasonSerializer, responses=shapes.BookingSerializer)
    def post(self, request: Request, booking_id: UUID) -> Response:
        booking = access.get_booking(booking_id, needs=USE)
        said = parsed(shapes.ReasonSerializer, request.data)
        return Response(shapes.BookingSerializer(bookings.cancel_booking(booking=booking, **said)).data)


class RelocationList(ListView):
    needs = {"GET": VIEW}
    serializer_class = shapes.RelocationSerializer
    rows = staticmethod(queries.relocations)


class EquipmentMove(ActorView):
    needs = {"POST": MANAGE}

    @extend_schema(request=shapes.MoveEquipmentSerializer, responses={201: shapes.RelocationSerializer})
    def post(self, request: Request, equipment_id: UUID) -> Response:
        """To another site. What was measured before stays with the old one, and so does who may see it."""
        equipment = get_own_equipment(equipment_id, needs=MANAGE)
        said = parsed(shapes.MoveEquipmentSerializer, request.data)
        site = get_own_site(said["site"], needs=MANAGE)
        moved = relocations.move_equipment(equipment=equipment, to_site=site, reason=said["reason"])
        return Response(shapes.RelocationSerializer(moved).data, status=201)


class EquipmentStatus(ActorView):
    needs = {"POST": MANAGE}

    @extend_schema(request=shapes.StatusSerializer, responses=shapes.StatusSerializer)
    def post(self, request: Request, equipment_id: UUID) -> Response:
        equipment = get_own_equipment(equipment_id, needs=MANAGE)
        said = parsed(shapes.StatusSerializer, request.data)
        return Response(shapes.StatusSerializer(bookings.set_status(equipment=equipment, **said)).data)


def _place(site_id: UUID) -> Any:
    return get_own_site(site_id, needs=USE)


def _booked(said: dict[str, Any]) -> Booking:
    during = said.pop("during")
    person_id, equipment_id = said.pop("person_id", None), said.pop("equipment_id", None)
    skill_id = said.pop("skill_id", None)
    common = {"site": _place(said.pop("site_id")), "window": Window(during["lower"], during["upper"])}
    if equipment_id is not None:
        said.pop("certificates", None)
        equipment = get_own_equipment(equipment_id, needs=USE)
        return bookings.book_equipment(equipment=equipment, **common, **said)
    skill = access.get_skill(skill_id, needs=USE) if skill_id else None
    return bookings.book_person(person=access.get_person(person_id, needs=USE), skill=skill, **common, **said)


# Tables ---------------------------------------------------------------------------------------------------------------


class TableView(FileView):
    """GET answers the table as CSV, POST takes one. What is bad in it is told by row and column."""

    needs = {"GET": VIEW, "POST": MANAGE}
    parser_classes = [StrictJSONParser, CsvParser]
    name: ClassVar[str]
    out: ClassVar[Callable[[], bytes]]
    take: ClassVar[Callable[..., tables.Taken]]

    @extend_schema(responses=answers(CSV))
    def get(self, request: Request) -> HttpResponse:
        return file_answer(type(self).out(), CSV, f"{self.name}.csv")

    @extend_schema(request=TABLE, responses=shapes.TakenSerializer)
    def post(self, request: Request) -> Response:
        text = parsed(shapes.TableSerializer, request.data)["csv"]
        taken = type(self).take(text, **self.options())
        return Response({outcome: taken[outcome] for outcome in ("added", "changed", "same")})

    def options(self) -> dict[str, Any]:
        return {}


class PersonTable(TableView):
    name = "people"
    out, take = staticmethod(tables.persons_out), staticmethod(tables.take_persons)


class CertificateTable(TableView):
    name = "certificates"
    out, take = staticmethod(tables.certificates_out), staticmethod(tables.take_certificates)


class StockTable(TableView):
    """Taking a table is a stock count: what differs is adjusted, for the reason that the address gives."""

    name = "stock"
    out, take = staticmethod(tables.stock_out), staticmethod(tables.take_stock)

    def options(self) -> dict[str, Any]:
        return parsed(shapes.CountSerializer, self.request.query_params)

    @extend_schema(parameters=[shapes.CountSerializer], request=TABLE, responses=shapes.TakenSerializer)
    def post(self, request: Request) -> Response:
        return super().post(request)

"""The public door of people and stock for the other apps."""

from tenants.resources.access import get_booking, get_material, get_person, get_skill
from tenants.resources.bookings import (
    ENDS_WITH_BOOKINGS,
    book_equipment,
    book_person,
    cancel_booking,
    lift_bookings,
)
from tenants.resources.data import LEVELS, UNITS, Cell, Validity, Window, expiry_band, first_uncovered
from tenants.resources.queries import (
    active_persons,
    bookings,
    expiring,
    materials,
    matrix,
    skills,
    stock_levels,
)
from tenants.resources.stock import adjust, issue, receive, transfer
from tenants.resources.tables import take_certificates, take_persons, take_stock

__all__ = [
    "ENDS_WITH_BOOKINGS",
    "LEVELS",
    "UNITS",
    "Cell",
    "Validity",
    "Window",
    "active_persons",
    "adjust",
    "book_equipment",
    "book_person",
    "bookings",
    "cancel_booking",
    "expiring",
    "expiry_band",
    "first_uncovered",
    "get_booking",
    "get_material",
    "get_person",
    "get_skill",
    "issue",
    "lift_bookings",
    "materials",
    "matrix",
    "receive",
    "skills",
    "stock_levels",
    "take_certificates",
    "take_persons",
    "take_stock",
    "transfer",
]

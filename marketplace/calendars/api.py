"""The public door of calendars."""

from marketplace.calendars.access import reader_of_calendar
from marketplace.calendars.actions import make_address, revoke_address
from marketplace.calendars.ics import calendar_of
from marketplace.calendars.queries import appointments, own_address

__all__ = ["appointments", "calendar_of", "make_address", "own_address", "reader_of_calendar", "revoke_address"]

"""Alarms, series and devices are fetched and authorised in one step, as in `tenants.access`."""

from uuid import UUID

from edge_bridge.models import Alarm, Device, Series
from edge_bridge.queries import MACHINE_IN_SIGHT
from tenants.api import actor, granted, require
from tenants.data import NotFound


def get_alarm(alarm_id: UUID, *, needs: str = "view_alarms") -> Alarm:
    """An own alarm, or one of a site or equipment opened with `needs`."""
    require(needs)
    alarm = Alarm.objects.select_related("equipment", "site").filter(MACHINE_IN_SIGHT, pk=alarm_id).first()
    if alarm is None or not _is_open(alarm, needs):
        raise NotFound
    return alarm


def get_series(series_id: UUID) -> Series:
    require("view_telemetry")
    series = Series.objects.select_related("equipment").filter(pk=series_id).first()
    if series is None or not _is_open(series, "view_telemetry"):
        raise NotFound
    return series


def get_device(device_id: UUID, *, needs: str = "manage") -> Device:
    """A gateway's credential of the actor's own organisation."""
    require(needs)
    device = Device.objects.select_related("site").filter(pk=device_id).first()
    if device is None:
        raise NotFound
    return device


def _is_open(row: Alarm | Series, needs: str) -> bool:
    return (
        row.tenant_id == actor().tenant_id
        or row.equipment_id in granted("equipment", needs)
        or row.site_id in granted("sites", needs)
    )

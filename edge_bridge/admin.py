"""What the two administrations show of the edge. Readings and roll-ups are not here: Django's admin has no composite
keys."""

from django.contrib import admin

import edge_bridge.catalogue.admin  # noqa: F401
from edge_bridge import models
from tenants.admin_sites import ReadOnly, show


class ChangeInline(admin.TabularInline):
    model = models.AlarmChange
    extra = 0
    fields = readonly_fields = ("event", "from_state", "to_state", "value", "occurred_at", "by_user", "via", "comment")

    def has_view_permission(self, request: object, obj: object = None) -> bool:
        return True

    def has_add_permission(self, request: object, obj: object = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission


class AlarmAdmin(ReadOnly):
    list_display = ("alarm_type", "severity", "state", "equipment", "value", "limit", "raised_at", "cleared_at")
    list_filter = ("state", "severity")
    search_fields = ("alarm_type", "equipment__code")
    list_select_related = ("equipment",)
    inlines = (ChangeInline,)


class AlarmChangeAdmin(ReadOnly):
    list_display = ("alarm", "event", "from_state", "to_state", "occurred_at", "via")
    search_fields = ("event",)  # a filter would list the values of rows that partners opened


class SuppressionRuleAdmin(ReadOnly):
    list_display = ("while_words", "what_words", "site", "reason", "created_at", "ended_at")
    list_select_related = ("site", "rule", "equipment")
    search_fields = ("cause", "effect", "tag")


class EscalationStepAdmin(ReadOnly):
    list_display = ("severity", "site", "after_s", "role", "user")
    list_filter = ("severity",)


class CommandTypeAdmin(ReadOnly):
    list_display = ("name", "equipment_kind", "tag", "min_value", "max_value", "needs_two_persons", "retired_at")
    search_fields = ("name", "equipment_kind")


class CommandChangeInline(ChangeInline):
    model = models.CommandChange
    fields = readonly_fields = ("event", "from_state", "to_state", "detail", "value", "occurred_at", "by_user", "via")


class CommandAdmin(ReadOnly):
    list_display = ("type_name", "equipment", "value", "state", "requested_at", "not_after", "changed_at")
    list_filter = ("state",)
    search_fields = ("type_name", "equipment__code")
    list_select_related = ("equipment",)
    inlines = (CommandChangeInline,)


class CommandChangeAdmin(ReadOnly):
    list_display = ("command", "event", "from_state", "to_state", "occurred_at", "via")
    search_fields = ("event",)


class CommandRouteAdmin(ReadOnly):
    list_display = ("equipment", "edge", "boot", "born_at")


class DeviceAdmin(ReadOnly):
    list_display = ("name", "site", "created_at", "last_seen_at", "revoked_at")
    exclude = ("secret_hash",)


class SeriesAdmin(ReadOnly):
    list_display = ("equipment", "tag", "unit")
    search_fields = ("tag", "equipment__code")
    list_select_related = ("equipment",)


class LatestAdmin(ReadOnly):
    list_display = ("series", "value", "quality", "measured_at")


class DirtyMinuteAdmin(ReadOnly):
    list_display = ("begins_at", "received_at")


class ReadingRetentionAdmin(ReadOnly):
    list_display = ("raw_days", "minute_days", "hour_days", "set_by", "set_at")


class ReadingRemovalAdmin(ReadOnly):
    list_display = ("size_s", "before_at", "n_removed", "removed_at")
    list_filter = ("size_s",)


class WatermarkAdmin(ReadOnly):
    list_display = ("edge", "boot", "lane", "through", "stored", "quarantined", "missing", "heartbeat_at")
    list_filter = ("lane",)


class StreamHourAdmin(ReadOnly):
    list_display = ("begins_at", "watermark", "sent", "stored", "quarantined", "lost", "produced", "off_by")
    list_select_related = ("watermark",)


class GapAdmin(ReadOnly):
    list_display = ("watermark", "first_seq", "seq", "reason", "count")
    list_filter = ("reason",)


class QuarantineAdmin(ReadOnly):
    list_display = ("seq", "reason", "site", "received_at")
    search_fields = ("reason",)


class StateIntervalAdmin(ReadOnly):
    list_display = ("equipment", "state", "stop_reason", "begins_at", "ends_at")
    list_select_related = ("equipment",)


class HauledLoadAdmin(ReadOnly):
    list_display = ("equipment", "dumped_at", "payload_t", "kind")
    list_select_related = ("equipment",)


class RolledDayAdmin(ReadOnly):
    list_display = ("equipment", "day", "n_readings", "rolled_at")


class StopCorrectionAdmin(ReadOnly):
    list_display = ("equipment", "begins_at", "ends_at", "category", "reason", "made_by")


class ShiftRowAdmin(ReadOnly):
    list_display = ("site", "name", "begins", "ends")


class PlannedRateAdmin(ReadOnly):
    list_display = ("equipment", "t_per_h")


class ShiftHandoverAdmin(ReadOnly):
    list_display = ("site", "shift", "begins_at", "outgoing", "outgoing_at", "incoming", "incoming_at")


show(
    {
        models.Alarm: AlarmAdmin,
        models.AlarmChange: AlarmChangeAdmin,
        models.Command: CommandAdmin,
        models.CommandChange: CommandChangeAdmin,
        models.CommandRoute: CommandRouteAdmin,
        models.CommandType: CommandTypeAdmin,
        models.Device: DeviceAdmin,
        models.EscalationStep: EscalationStepAdmin,
        models.SuppressionRule: SuppressionRuleAdmin,
        models.Series: SeriesAdmin,
        models.StateInterval: StateIntervalAdmin,
        models.HauledLoad: HauledLoadAdmin,
        models.RolledDay: RolledDayAdmin,
        models.StopCorrection: StopCorrectionAdmin,
        models.ShiftRow: ShiftRowAdmin,
        models.PlannedRate: PlannedRateAdmin,
        models.ShiftHandover: ShiftHandoverAdmin,
        models.Latest: LatestAdmin,
        models.Watermark: WatermarkAdmin,
        models.DirtyMinute: DirtyMinuteAdmin,
        models.ReadingRetention: ReadingRetentionAdmin,
        models.ReadingRemoval: ReadingRemovalAdmin,
        models.Gap: GapAdmin,
        models.StreamHour: StreamHourAdmin,
        models.Quarantine: QuarantineAdmin,
    }
)

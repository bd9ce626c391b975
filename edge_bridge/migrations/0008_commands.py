"""What may be set at a mine, who asked for it and who allowed it, and what became of it.

The database holds the table of `edge_bridge.commands.life` too, and what was asked for never changes: no statement can
turn an approved command into another one.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tenants.models.base
from tenants.policies import OWN, Wall, own_or_granted

STATES = [
    (word, word)
    for word in (
        *("requested", "approved", "sent", "delivered", "done", "failed", "refused", "expired", "rejected"),
        *("withdrawn", "unknown"),
    )
]
# State → where it leads; each event is named like its state. As `edge_bridge.commands.life.TRANSITIONS` has them.
STEPS = {
    "requested": ("approved", "rejected", "withdrawn", "refused", "expired"),
    "approved": ("sent", "withdrawn", "refused", "expired"),
    "sent": ("delivered", "unknown", "done", "failed", "refused", "expired"),
    "delivered": ("unknown", "done", "failed", "refused", "expired"),
    "unknown": ("done", "failed", "refused", "expired"),
}
MOVES = ", ".join(f"('{before}', '{after}')" for before, found in STEPS.items() for after in found)
WORDS = ", ".join(f"'{word}'" for word, _ in STATES)

STEP_CHECK = f"""
ALTER TABLE edge_bridge_commandchange ADD CONSTRAINT command_change_in_table CHECK (
  (event IN ({WORDS}) AND from_state = to_state)
  OR (event = to_state AND (from_state, to_state) IN ({MOVES})))
"""
ASKED = (
    *("id", "tenant_id", "site_id", "equipment_id", "type_id", "type_name", "edge", "boot", "tag", "unit", "value"),
    *("reason", "needs_two_persons", "not_after", "requested_by_id", "requested_for_id", "requested_at"),
)
TRIGGERS = f"""
CREATE FUNCTION wall.command_takes_steps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF (NEW.state <> 'requested' OR NEW.approved_at IS NOT NULL) AND NOT wall.importing() THEN
      RAISE EXCEPTION 'a command begins by being requested' USING ERRCODE = 'check_violation',
        CONSTRAINT = 'command_takes_steps';
    END IF;
    RETURN NEW;
  END IF;
  IF OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN ({MOVES}) THEN
    RAISE EXCEPTION 'no event takes a command from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation',
      CONSTRAINT = 'command_takes_steps';
  END IF;
  IF ({", ".join(f"OLD.{column}" for column in ASKED)})
     IS DISTINCT FROM ({", ".join(f"NEW.{column}" for column in ASKED)})
     OR (OLD.approved_at IS NOT NULL
         AND (OLD.approved_by_id, OLD.approved_at) IS DISTINCT FROM (NEW.approved_by_id, NEW.approved_at)) THEN
    RAISE EXCEPTION 'what was asked for, and who allowed it, never changes' USING ERRCODE = 'check_violation',
      CONSTRAINT = 'command_takes_steps';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER command_takes_steps BEFORE INSERT OR UPDATE ON edge_bridge_command FOR EACH ROW
  EXECUTE FUNCTION wall.command_takes_steps();
"""
DROP_TRIGGERS = """
DROP TRIGGER command_takes_steps ON edge_bridge_command;
DROP FUNCTION wall.command_takes_steps();
"""
NOBODY = "false"
OF_SEEN_COMMAND = (
    f"CASE WHEN {OWN} THEN true ELSE EXISTS (SELECT FROM edge_bridge_command c WHERE c.id = command_id) END"
)


class Migration(migrations.Migration):
    dependencies = [
        ("edge_bridge", "0007_readings"),
        ("tenants", "0017_feed"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CommandType",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("equipment_kind", models.CharField(max_length=40)),
                ("tag", models.CharField(max_length=64)),
                ("unit", models.CharField(blank=True, default="", help_text="A UCUM code.", max_length=64)),
                ("min_value", models.FloatField()),
                ("max_value", models.FloatField()),
                ("needs_two_persons", models.BooleanField(default=True)),
                (
                    "interlock_alarms",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), default=list, size=20
                    ),
                ),
                (
                    "interlock_zone",
                    models.CharField(choices=[("site", "site"), ("process", "process")], default="site", max_length=10),
                ),
                ("read_back_tag", models.CharField(max_length=64)),
                ("tolerance", models.FloatField(default=0.0)),
                ("settles_s", models.IntegerField(default=60)),
                ("expires_s", models.IntegerField(default=300)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
                (
                    "made_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("retired_at", None)),
                        fields=("tenant", "equipment_kind", "name"),
                        name="command_type_once",
                        violation_error_message="There is such a type already; retire it first.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("min_value__lte", models.F("max_value"))), name="command_type_range"
                    ),
                    models.CheckConstraint(condition=models.Q(("tolerance__gte", 0)), name="command_type_tolerance"),
                    models.CheckConstraint(
                        condition=models.Q(("expires_s__gte", 5), ("expires_s__lte", 86400)), name="command_type_life"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("settles_s__gte", 0), ("settles_s__lte", 3600)),
                        name="command_type_settling",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Command",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("type_name", models.CharField(max_length=64)),
                ("edge", models.CharField(max_length=64)),
                ("boot", models.UUIDField()),
                ("tag", models.CharField(max_length=64)),
                ("unit", models.CharField(blank=True, default="", max_length=64)),
                ("value", models.FloatField()),
                ("reason", models.CharField(max_length=300)),
                ("needs_two_persons", models.BooleanField()),
                ("not_after", models.DateTimeField()),
                ("requested_at", models.DateTimeField()),
                ("state", models.CharField(choices=STATES, default="requested", max_length=10)),
                ("approved_at", models.DateTimeField(blank=True, null=True)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("changed_at", models.DateTimeField()),
                ("detail", models.CharField(blank=True, default="", max_length=500)),
                ("read_back", models.FloatField(blank=True, null=True)),
                ("settles_at", models.DateTimeField(blank=True, null=True)),
                (
                    "approved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "equipment",
                    tenants.models.base.TenantForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="commands", to="tenants.equipment"
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "requested_for",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant"
                    ),
                ),
                (
                    "site",
                    tenants.models.base.TenantForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.site"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
                (
                    "type",
                    tenants.models.base.TenantForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="edge_bridge.commandtype"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["approved", "sent"])),
                        fields=["tenant", "site", "edge", "boot"],
                        name="command_waiting",
                    ),
                    models.Index(
                        condition=models.Q(("state__in", ["approved", "delivered", "requested", "sent"])),
                        fields=["not_after"],
                        name="command_ending",
                    ),
                    models.Index(
                        condition=models.Q(("settles_at__isnull", False)),
                        fields=["settles_at"],
                        name="command_settling",
                    ),
                    models.Index(fields=["site", "-id"], name="command_of_site_newest"),
                    models.Index(fields=["equipment", "-id"], name="command_of_machine_newest"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["approved", "delivered", "requested", "sent"])),
                        fields=("tenant", "equipment", "tag"),
                        name="command_open_once",
                        violation_error_message="Another command for this is open; wait for its end, or withdraw it.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("needs_two_persons", False),
                            ("approved_by", None),
                            models.Q(("approved_by", models.F("requested_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="command_by_two_persons",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["requested", "rejected", "withdrawn", "refused", "expired"]),
                            ("approved_at__isnull", False),
                            _connector="OR",
                        ),
                        name="command_acts_when_approved",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("needs_two_persons", False),
                            ("approved_at", None),
                            ("approved_by__isnull", False),
                            _connector="OR",
                        ),
                        name="command_approved_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["sent", "delivered", "done", "failed", "unknown"]), _negated=True),
                            ("sent_at__isnull", False),
                            _connector="OR",
                        ),
                        name="command_acts_when_sent",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CommandChange",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("event", models.CharField(max_length=10)),
                ("from_state", models.CharField(choices=STATES, max_length=10)),
                ("to_state", models.CharField(choices=STATES, max_length=10)),
                ("detail", models.CharField(blank=True, default="", max_length=500)),
                ("value", models.FloatField(blank=True, null=True)),
                ("occurred_at", models.DateTimeField(help_text="By the edge's clock where it is its word.")),
                ("recorded_at", models.DateTimeField()),
                ("via", models.CharField(max_length=100)),
                (
                    "by_tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant"
                    ),
                ),
                (
                    "by_user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "command",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="edge_bridge.command",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["command", "id"], name="command_change_in_order")]},
        ),
        migrations.CreateModel(
            name="CommandRoute",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("edge", models.CharField(max_length=64)),
                ("boot", models.UUIDField()),
                ("born_at", models.DateTimeField()),
                (
                    "equipment",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.equipment",
                    ),
                ),
                (
                    "site",
                    tenants.models.base.TenantForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.site"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("tenant", "equipment"), name="command_route_once")],
            },
        ),
        Wall("CommandType", write=NOBODY, insert=OWN, update=OWN),
        Wall("CommandRoute"),
        Wall(
            "Command",
            read=own_or_granted("send_commands", changed_at="changed_at"),
            write=NOBODY,
            insert=OWN,
            update=OWN,
        ),
        Wall("CommandChange", read=OF_SEEN_COMMAND, write=NOBODY, insert=OWN),
        migrations.RunSQL(STEP_CHECK, "ALTER TABLE edge_bridge_commandchange DROP CONSTRAINT command_change_in_table"),
        migrations.RunSQL(TRIGGERS, DROP_TRIGGERS),
    ]

"""Alarms are shelved, suppressed, escalated, folded, and raised by the cloud itself; their steps obey the state table.

The database holds the table of `edge_bridge.alarm` too: no statement takes an alarm, or writes a step of its history,
where no event leads.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q

import tenants.models.base
from tenants.policies import Wall

SEVERITIES = [(word, word) for word in ("low", "medium", "high", "critical")]

# (event, from, to), as `edge_bridge.alarm.TRANSITIONS` has them.
STEPS = [
    ("raised", "NORM", "UNACK"),
    ("raised", "RTNUN", "UNACK"),
    ("re_alarmed", "UNACK", "UNACK"),
    ("re_alarmed", "ACKED", "UNACK"),
    ("re_alarmed", "SHLVD", "UNACK"),
    ("cleared", "UNACK", "RTNUN"),
    ("cleared", "ACKED", "NORM"),
    ("acknowledged", "UNACK", "ACKED"),
    ("acknowledged", "RTNUN", "NORM"),
    *[(event, state, state) for event in ("raised", "cleared") for state in ("SHLVD", "DSUPR", "OOSRV")],
    *[("returned_standing", state, "UNACK") for state in ("SHLVD", "DSUPR", "OOSRV")],
    *[("returned_normal", state, "NORM") for state in ("SHLVD", "DSUPR", "OOSRV")],
    *[
        (event, state, to)
        for event, to in (("shelved", "SHLVD"), ("suppressed", "DSUPR"), ("taken_out_of_service", "OOSRV"))
        for state in ("NORM", "UNACK", "ACKED", "RTNUN", "SHLVD", "DSUPR", "OOSRV")
        if state != to
    ],
]
NOTES = ("updated", "commented", "assigned", "escalated", "folded")


def _tuples(rows):
    return ", ".join("(" + ", ".join(f"'{word}'" for word in row) + ")" for row in sorted(rows))


STEP_CHECK = f"""
ALTER TABLE edge_bridge_alarmchange ADD CONSTRAINT alarm_change_in_table CHECK (
  (event IN ({", ".join(f"'{note}'" for note in NOTES)}) AND from_state = to_state)
  OR (event, from_state, to_state) IN ({_tuples(STEPS)}))
"""

STATE_TRIGGER = f"""
CREATE FUNCTION wall.alarm_takes_steps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'no event takes an alarm from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation',
    CONSTRAINT = 'alarm_takes_steps';
END $$;
CREATE TRIGGER alarm_takes_steps BEFORE UPDATE ON edge_bridge_alarm FOR EACH ROW
  WHEN (OLD.state IS DISTINCT FROM NEW.state
    AND (OLD.state, NEW.state) NOT IN ({_tuples({(before, after) for _, before, after in STEPS})}))
  EXECUTE FUNCTION wall.alarm_takes_steps();
"""

# Rows come and go as JSON, since the plans of statements inside a function are kept. A loop, so that each row is
# found by the index that makes it unique, and locks are taken in one order.
ROW_FUNCTIONS = """
CREATE FUNCTION wall.claim_alarms(place uuid, wanted jsonb, fresh jsonb) RETURNS SETOF public.edge_bridge_alarm
LANGUAGE plpgsql AS $$
DECLARE
  one record;
BEGIN
  INSERT INTO public.edge_bridge_alarm
    SELECT * FROM jsonb_populate_recordset(NULL::public.edge_bridge_alarm, fresh) ON CONFLICT DO NOTHING;
  FOR one IN SELECT * FROM jsonb_to_recordset(wanted) AS w(equipment uuid, alarm_type text) LOOP
    RETURN QUERY SELECT * FROM public.edge_bridge_alarm a
      WHERE a.tenant_id = wall.tenant() AND a.equipment_id = one.equipment AND a.site_id = place
        AND a.alarm_type = one.alarm_type AND a.state <> 'NORM'
      FOR UPDATE;
  END LOOP;
END $$;

CREATE FUNCTION wall.lock_alarm(one uuid) RETURNS SETOF public.edge_bridge_alarm LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY SELECT * FROM public.edge_bridge_alarm a WHERE a.id = one FOR UPDATE;
END $$;

CREATE FUNCTION wall.keep_alarms(changed jsonb, history jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  one public.edge_bridge_alarm;
BEGIN
  FOR one IN SELECT * FROM jsonb_populate_recordset(NULL::public.edge_bridge_alarm, changed) LOOP
    UPDATE public.edge_bridge_alarm a SET
        severity = one.severity, state = one.state, tag = one.tag, value = one.value, "limit" = one."limit",
        rule = one.rule, historical = one.historical, raised_at = one.raised_at, occurred_at = one.occurred_at,
        received_at = one.received_at, cleared_at = one.cleared_at, annunciated_at = one.annunciated_at,
        acknowledged_at = one.acknowledged_at, acknowledged_by_id = one.acknowledged_by_id,
        acknowledged_for_id = one.acknowledged_for_id, silenced_reason = one.silenced_reason,
        shelved_until = one.shelved_until, assigned_to_id = one.assigned_to_id,
        escalation_step = one.escalation_step, escalated_to = one.escalated_to,
        folded_into_id = one.folded_into_id, n_folded = one.n_folded
      WHERE a.id = one.id;
  END LOOP;
  INSERT INTO public.edge_bridge_alarmchange
    SELECT * FROM jsonb_populate_recordset(NULL::public.edge_bridge_alarmchange, history);
END $$;

-- What else there is to know at a site before alarms are taken: its suppressions (locked, so that no cause goes while
-- its effect comes), the flood that stands, and how many alarms came after `since`, counted up to `most`.
CREATE FUNCTION wall.alarms_around(place uuid, since uuid, most integer,
  OUT suppressions jsonb, OUT flood uuid, OUT n_recent integer) LANGUAGE plpgsql AS $$
BEGIN
  SELECT jsonb_agg(jsonb_build_array(r.cause, r.effect, r.reason)) INTO suppressions
    FROM (SELECT * FROM public.edge_bridge_suppressionrule s
           WHERE s.tenant_id = wall.tenant() AND s.site_id = place AND s.ended_at IS NULL
           ORDER BY s.id FOR NO KEY UPDATE) r;
  SELECT a.id INTO flood FROM public.edge_bridge_alarm a
   WHERE a.tenant_id = wall.tenant() AND a.site_id = place AND a.alarm_type = 'alarm_flood' AND a.state <> 'NORM'
     AND a.equipment_id IS NULL AND a.cleared_at IS NULL;
  SELECT count(*) INTO n_recent FROM (
    SELECT FROM public.edge_bridge_alarm a
     WHERE a.tenant_id = wall.tenant() AND a.site_id = place AND a.id > since AND NOT a.historical
       AND a.equipment_id IS NOT NULL
     LIMIT most) found;
END $$;
"""
DROP_ROW_FUNCTIONS = """
DROP FUNCTION wall.claim_alarms(uuid, jsonb, jsonb);
DROP FUNCTION wall.lock_alarm(uuid);
DROP FUNCTION wall.keep_alarms(jsonb, jsonb);
DROP FUNCTION wall.alarms_around(uuid, uuid, integer);
"""

# A row that was shelved before shelves had an end, or closed without its time, would break the checks below. The wall
# is forced upon the owner of the tables too, hence it opens for the moment.
MENDED = """
ALTER TABLE edge_bridge_alarm NO FORCE ROW LEVEL SECURITY;
UPDATE edge_bridge_alarm SET silenced_reason = 'before reasons were kept' WHERE state IN ('SHLVD', 'DSUPR', 'OOSRV');
UPDATE edge_bridge_alarm SET shelved_until = now() WHERE state = 'SHLVD';
UPDATE edge_bridge_alarm SET annunciated_at = received_at WHERE state IN ('UNACK', 'RTNUN');
UPDATE edge_bridge_alarm SET cleared_at = occurred_at WHERE state IN ('NORM', 'RTNUN') AND cleared_at IS NULL;
UPDATE edge_bridge_alarm SET cleared_at = NULL WHERE state IN ('UNACK', 'ACKED') AND cleared_at IS NOT NULL;
ALTER TABLE edge_bridge_alarm FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("edge_bridge", "0005_plans"),
        ("tenants", "0016_loose_ends"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="EscalationStep",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("severity", models.CharField(choices=SEVERITIES, max_length=10)),
                ("after_s", models.IntegerField()),
                ("role", models.CharField(blank=True, default="", max_length=20)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "site",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.site",
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
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "site", "severity", "after_s"),
                        name="escalation_step_once",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=Q(("after_s__gte", 10), ("after_s__lte", 86400)), name="escalation_within_a_day"
                    ),
                    models.CheckConstraint(
                        condition=Q(
                            Q(("role", ""), ("user__isnull", False)),
                            Q(Q(("role", ""), _negated=True), ("user", None)),
                            _connector="OR",
                        ),
                        name="escalation_to_role_or_user",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SuppressionRule",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("cause", models.CharField(max_length=64)),
                ("effect", models.CharField(max_length=64)),
                ("reason", models.CharField(max_length=300)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
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
                "constraints": [
                    models.UniqueConstraint(
                        condition=Q(("ended_at", None)),
                        fields=("tenant", "site", "cause", "effect"),
                        name="suppression_rule_once",
                    ),
                    models.CheckConstraint(
                        condition=Q(("cause", F("effect")), _negated=True), name="suppression_of_another_type"
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="alarm",
            name="annunciated_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="alarm",
            name="assigned_to",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="alarm",
            name="escalated_to",
            field=models.CharField(blank=True, default="", help_text="`role:<name>` or `user:<id>`.", max_length=60),
        ),
        migrations.AddField(
            model_name="alarm",
            name="escalation_step",
            field=models.SmallIntegerField(default=0, help_text="How many steps of its policy were taken."),
        ),
        migrations.AddField(
            model_name="alarm",
            name="folded_into",
            field=tenants.models.base.TenantForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="folded",
                to="edge_bridge.alarm",
            ),
        ),
        migrations.AddField(
            model_name="alarm",
            name="n_folded",
            field=models.IntegerField(default=0, help_text="Of a flood: how many alarms were folded into it."),
        ),
        migrations.AddField(
            model_name="alarm",
            name="shelved_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="alarm",
            name="silenced_reason",
            field=models.CharField(blank=True, default="", max_length=300),
        ),
        migrations.AddField(
            model_name="device",
            name="silent_at",
            field=models.DateTimeField(
                blank=True, help_text="Since when its silence is an alarm; null again with its next batch.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="alarm",
            name="device",
            field=tenants.models.base.TenantForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="edge_bridge.device",
            ),
        ),
        migrations.AlterField(
            model_name="alarm",
            name="equipment",
            field=tenants.models.base.TenantForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="alarms",
                to="tenants.equipment",
            ),
        ),
        migrations.AddIndex(
            model_name="alarm",
            index=models.Index(
                condition=Q(("state__in", ["UNACK", "RTNUN"])),
                fields=["tenant", "annunciated_at"],
                name="alarm_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="alarm",
            index=models.Index(
                condition=Q(("shelved_until__isnull", False)), fields=["shelved_until"], name="alarm_shelf_ending"
            ),
        ),
        migrations.AddIndex(
            model_name="alarm",
            index=models.Index(
                condition=Q(("folded_into__isnull", False)), fields=["folded_into"], name="alarm_folded"
            ),
        ),
        migrations.AddIndex(
            model_name="alarmchange",
            index=models.Index(
                condition=Q(("to_state", "UNACK")), fields=["tenant", "recorded_at"], name="alarm_change_called"
            ),
        ),
        migrations.RunSQL(MENDED, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="alarm",
            constraint=models.UniqueConstraint(
                condition=Q(Q(("state", "NORM"), _negated=True), ("equipment", None)),
                fields=("tenant", "site", "device", "alarm_type"),
                name="alarm_of_site_active_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="alarm",
            constraint=models.CheckConstraint(
                condition=Q(("equipment", None), ("device__isnull", False), _connector="OR"),
                name="alarm_of_equipment_has_gateway",
            ),
        ),
        migrations.AddConstraint(
            model_name="alarm",
            constraint=models.CheckConstraint(
                condition=Q(
                    Q(("shelved_until__isnull", False), ("state", "SHLVD")),
                    Q(Q(("state", "SHLVD"), _negated=True), ("shelved_until", None)),
                    _connector="OR",
                ),
                name="alarm_shelf_has_end",
            ),
        ),
        migrations.AddConstraint(
            model_name="alarm",
            constraint=models.CheckConstraint(
                condition=Q(
                    Q(("state__in", ["SHLVD", "DSUPR", "OOSRV"]), _negated=True),
                    Q(("silenced_reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="alarm_silenced_with_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="alarm",
            constraint=models.CheckConstraint(
                condition=Q(
                    Q(Q(("state__in", ["UNACK", "ACKED"]), _negated=True), ("cleared_at", None), _connector="OR"),
                    Q(
                        Q(("state__in", ["RTNUN", "NORM"]), _negated=True),
                        ("cleared_at__isnull", False),
                        _connector="OR",
                    ),
                ),
                name="alarm_cleared_as_state_says",
            ),
        ),
        migrations.AddConstraint(
            model_name="alarm",
            constraint=models.CheckConstraint(
                condition=Q(("folded_into", F("id")), _negated=True), name="alarm_not_folded_into_itself"
            ),
        ),
        Wall("SuppressionRule"),
        Wall("EscalationStep"),
        migrations.RunSQL(
            "ALTER TABLE edge_bridge_alarm ADD CONSTRAINT edge_bridge_alarm_folded_into_id_wall FOREIGN KEY "
            "(tenant_id, folded_into_id) REFERENCES edge_bridge_alarm (tenant_id, id) DEFERRABLE INITIALLY DEFERRED",
            "ALTER TABLE edge_bridge_alarm DROP CONSTRAINT edge_bridge_alarm_folded_into_id_wall",
        ),
        migrations.RunSQL(STEP_CHECK, "ALTER TABLE edge_bridge_alarmchange DROP CONSTRAINT alarm_change_in_table"),
        migrations.RunSQL(
            STATE_TRIGGER,
            "DROP TRIGGER alarm_takes_steps ON edge_bridge_alarm; DROP FUNCTION wall.alarm_takes_steps()",
        ),
        migrations.RunSQL(ROW_FUNCTIONS, DROP_ROW_FUNCTIONS),
    ]

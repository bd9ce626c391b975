"""Rules say how their alarms call: which guard people, which are announced again; states of machines suppress others."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

import tenants.models.base

KEEP_ALARMS = """
CREATE OR REPLACE FUNCTION wall.keep_alarms(changed jsonb, history jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  one public.edge_bridge_alarm;
BEGIN
  FOR one IN SELECT * FROM jsonb_populate_recordset(NULL::public.edge_bridge_alarm, changed) LOOP
    UPDATE public.edge_bridge_alarm a SET
        severity = one.severity, state = one.state, tag = one.tag, value = one.value, "limit" = one."limit",
        rule = one.rule, historical = one.historical, raised_at = one.raised_at, occurred_at = one.occurred_at,
        received_at = one.received_at, cleared_at = one.cleared_at, changed_at = one.changed_at,
        annunciated_at = one.annunciated_at,
        acknowledged_at = one.acknowledged_at, acknowledged_by_id = one.acknowledged_by_id,
        acknowledged_for_id = one.acknowledged_for_id, silenced_reason = one.silenced_reason,
        shelved_until = one.shelved_until, assigned_to_id = one.assigned_to_id,
        escalation_step = one.escalation_step, escalated_to = one.escalated_to,
        folded_into_id = one.folded_into_id, n_folded = one.n_folded, re_alarm_at = one.re_alarm_at,
        n_re_alarms = one.n_re_alarms
      WHERE a.id = one.id;
  END LOOP;
  INSERT INTO public.edge_bridge_alarmchange
    SELECT * FROM jsonb_populate_recordset(NULL::public.edge_bridge_alarmchange, history);
END $$;
"""
KEEP_ALARMS_BEFORE = KEEP_ALARMS.replace(
    """, re_alarm_at = one.re_alarm_at,
        n_re_alarms = one.n_re_alarms""",
    "",
)

AROUND = """
CREATE OR REPLACE FUNCTION wall.alarms_around(place uuid, since uuid, most integer,
  OUT suppressions jsonb, OUT flood uuid, OUT n_recent integer) LANGUAGE plpgsql AS $$
BEGIN
  SELECT jsonb_agg(<RULE>) INTO suppressions
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
RULE = """jsonb_build_object('reason', r.reason, 'cause', r.cause, 'effect', r.effect, 'states', r.states,
      'rule', coalesce((SELECT k.name FROM public.edge_bridge_keptrule k WHERE k.id = r.rule_id), ''),
      'tag', r.tag, 'equipment', r.equipment_id)"""
RULE_BEFORE = "jsonb_build_array(r.cause, r.effect, r.reason)"

# Rules of before that are about a hazard to people: from a template, or on the tag of a gas or of dust.
MARK = """
ALTER TABLE edge_bridge_keptrule NO FORCE ROW LEVEL SECURITY;
ALTER TABLE edge_bridge_ruleversion NO FORCE ROW LEVEL SECURITY;
UPDATE edge_bridge_keptrule k SET is_safety = true WHERE EXISTS (
  SELECT FROM edge_bridge_ruleversion v WHERE v.rule_id = k.id AND (v.template <> '' OR lower(v.settings->>'tag') IN
    ('ch4', 'o2', 'co2', 'co', 'no2', 'so2', 'h2s', 'nh3', 'h2', 'dust', 'methane', 'oxygen', 'carbon_monoxide')));
ALTER TABLE edge_bridge_keptrule FORCE ROW LEVEL SECURITY;
ALTER TABLE edge_bridge_ruleversion FORCE ROW LEVEL SECURITY;
"""


def wall(column, target):
    name = f"edge_bridge_suppressionrule_{column}_wall"
    return migrations.RunSQL(
        f"ALTER TABLE edge_bridge_suppressionrule ADD CONSTRAINT {name} FOREIGN KEY (tenant_id, {column}) "
        f"REFERENCES {target} (tenant_id, id) DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE edge_bridge_suppressionrule DROP CONSTRAINT {name}",
    )


def optional(to):
    protect = django.db.models.deletion.PROTECT
    return tenants.models.base.TenantForeignKey(to=to, on_delete=protect, null=True, blank=True, related_name="+")


NONE_OF_STATES = Q(("equipment", None), ("rule", None), ("tag", ""))
BY_CAUSE = (
    Q(("states", []))
    & Q(("cause", ""), _negated=True)
    & Q(("effect", ""), _negated=True)
    & Q(("cause", F("effect")), _negated=True)
    & NONE_OF_STATES
)
OF_RULE_OR_TAG = Q(("equipment", None), ("rule__isnull", False), ("tag", "")) | (
    Q(("rule", None)) & Q(("tag", ""), _negated=True)
)
IN_STATES = Q(("states", []), _negated=True) & Q(("cause", ""), ("effect", "")) & OF_RULE_OR_TAG


class Migration(migrations.Migration):
    dependencies = [("edge_bridge", "0012_alarm_changes"), ("tenants", "0018_places_of_work")]

    operations = [
        migrations.AddField("keptrule", "is_safety", models.BooleanField(default=False)),
        migrations.AddField("keptrule", "re_alarm_s", models.IntegerField(null=True, blank=True)),
        migrations.AddConstraint(
            "keptrule",
            models.CheckConstraint(
                condition=Q(("re_alarm_s", None)) | Q(("re_alarm_s__gte", 60), ("re_alarm_s__lte", 86400)),
                name="rule_re_alarms_within_a_day",
            ),
        ),
        migrations.AddField("alarm", "re_alarm_at", models.DateTimeField(null=True, blank=True)),
        migrations.AddField(
            "alarm",
            "n_re_alarms",
            models.SmallIntegerField(default=0, help_text="How often it was announced again while it stood."),
        ),
        migrations.AddConstraint(
            "alarm",
            models.CheckConstraint(
                condition=Q(("re_alarm_at", None)) | Q(("state", "ACKED")), name="alarm_re_alarms_if_acked"
            ),
        ),
        migrations.AddIndex(
            "alarm",
            models.Index(
                fields=["tenant", "re_alarm_at"],
                condition=Q(("re_alarm_at__isnull", False)),
                name="alarm_re_alarming",
            ),
        ),
        migrations.RemoveConstraint("suppressionrule", "suppression_rule_once"),
        migrations.RemoveConstraint("suppressionrule", "suppression_of_another_type"),
        migrations.AlterField("suppressionrule", "cause", models.CharField(max_length=64, blank=True, default="")),
        migrations.AlterField("suppressionrule", "effect", models.CharField(max_length=64, blank=True, default="")),
        migrations.AddField(
            "suppressionrule",
            "states",
            django.contrib.postgres.fields.ArrayField(
                models.CharField(max_length=20), default=list, blank=True, size=None
            ),
        ),
        migrations.AddField("suppressionrule", "rule", optional("edge_bridge.keptrule")),
        migrations.AddField("suppressionrule", "tag", models.CharField(max_length=64, blank=True, default="")),
        migrations.AddField("suppressionrule", "equipment", optional("tenants.equipment")),
        migrations.AddConstraint(
            "suppressionrule",
            models.UniqueConstraint(
                fields=["tenant", "site", "cause", "effect"],
                condition=Q(("ended_at", None), ("states", [])),
                name="suppression_rule_once",
            ),
        ),
        migrations.AddConstraint(
            "suppressionrule",
            models.UniqueConstraint(
                fields=["tenant", "site", "rule", "tag", "equipment"],
                condition=Q(("ended_at", None)) & Q(("states", []), _negated=True),
                nulls_distinct=False,
                name="suppression_in_states_once",
            ),
        ),
        migrations.AddConstraint(
            "suppressionrule",
            models.CheckConstraint(condition=BY_CAUSE | IN_STATES, name="suppression_by_cause_or_states"),
        ),
        wall("rule_id", "edge_bridge_keptrule"),
        wall("equipment_id", "tenants_equipment"),
        migrations.RunSQL(KEEP_ALARMS, KEEP_ALARMS_BEFORE),
        migrations.RunSQL(AROUND.replace("<RULE>", RULE), AROUND.replace("<RULE>", RULE_BEFORE)),
        migrations.RunSQL(MARK, migrations.RunSQL.noop),
    ]

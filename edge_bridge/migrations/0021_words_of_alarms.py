"""An alarm keeps why it was raised in words, which so far stood in its history alone; of those before nothing is said."""

from django.db import migrations, models

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
        n_re_alarms = one.n_re_alarms, rule_version = one.rule_version, clause = one.clause,
        clause_words = one.clause_words, clause_status = one.clause_status, clause_source = one.clause_source,
        detail = one.detail
      WHERE a.id = one.id;
  END LOOP;
  INSERT INTO public.edge_bridge_alarmchange
    SELECT * FROM jsonb_populate_recordset(NULL::public.edge_bridge_alarmchange, history);
END $$;
"""
KEEP_ALARMS_BEFORE = KEEP_ALARMS.replace(
    """,
        detail = one.detail""",
    "",
)


class Migration(migrations.Migration):
    dependencies = [("edge_bridge", "0020_first_heard_at")]

    operations = [
        migrations.AddField(
            "alarm",
            "detail",
            models.CharField(
                max_length=500, blank=True, default="", help_text="Why, in the words of what judged; of its value."
            ),
        ),
        migrations.RunSQL(KEEP_ALARMS, KEEP_ALARMS_BEFORE),
    ]

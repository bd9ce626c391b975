"""A clause's delay counts from the last thing that anybody did about an alarm, and not only from the edge's last word.

Every step and every note sets `changed_at`; an alarm that was only raised has none.
"""

from django.db import migrations, models

from tenants.policies import own_or_granted

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
        folded_into_id = one.folded_into_id, n_folded = one.n_folded
      WHERE a.id = one.id;
  END LOOP;
  INSERT INTO public.edge_bridge_alarmchange
    SELECT * FROM jsonb_populate_recordset(NULL::public.edge_bridge_alarmchange, history);
END $$;
"""
KEEP_ALARMS_BEFORE = KEEP_ALARMS.replace(" changed_at = one.changed_at,", "")


def policy(*columns):
    shown = own_or_granted("view_alarms", changed_at=f"greatest({', '.join(columns)})")
    return f"ALTER POLICY wall_select ON edge_bridge_alarm USING ({shown})"


# Alarms of before have no `changed_at`; of them an acknowledgement is known.
BEFORE = ("occurred_at", "received_at", "acknowledged_at")


class Migration(migrations.Migration):
    dependencies = [("edge_bridge", "0011_alarm_indexes")]

    operations = [
        migrations.AddField(
            "alarm",
            "changed_at",
            models.DateTimeField(
                blank=True,
                null=True,
                help_text="When it last took a step or was noted upon since it was raised, by our clock.",
            ),
        ),
        migrations.RunSQL(KEEP_ALARMS, KEEP_ALARMS_BEFORE),
        migrations.RunSQL(policy(*BEFORE, "changed_at"), policy(*BEFORE)),
    ]

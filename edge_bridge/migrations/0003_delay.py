"""Grants with a delay show what was measured or said that much later; those with a floor show no single reading."""

from django.db import migrations

from tenants.policies import ME, OWN, own_or_granted

SERIES = (
    f"SELECT s.id FROM edge_bridge_series s WHERE s.tenant_id <> {ME} AND "
    "(s.site_id = ANY (ARRAY(SELECT wall.%(how)s_sites('view_telemetry'))) OR "
    "s.equipment_id = ANY (ARRAY(SELECT wall.%(how)s_equipment('view_telemetry'))))"
)
SERIES_DELAY = """
CREATE FUNCTION wall.series_delay(series uuid) RETURNS interval LANGUAGE sql STABLE AS $$
  SELECT wall.delay('view_telemetry', s.site_id, s.equipment_id) FROM public.edge_bridge_series s WHERE s.id = series $$;
"""
MEASURED = (
    f"CASE WHEN {OWN} THEN true ELSE series_id = ANY (ARRAY({SERIES % {'how': 'immediate'}})) "
    f"OR series_id = ANY (ARRAY({SERIES % {'how': 'delayed'}})) "
    "AND measured_at <= now() - wall.series_delay(series_id) END"
)
# Late data and acknowledgements change an alarm after the edge last spoke of it.
ALARM = own_or_granted("view_alarms", changed_at="greatest(occurred_at, received_at, acknowledged_at)")


class Migration(migrations.Migration):
    dependencies = [("edge_bridge", "0002_wall"), ("tenants", "0006_agreements_wall")]

    operations = [
        migrations.RunSQL(SERIES_DELAY, "DROP FUNCTION wall.series_delay(uuid)"),
        migrations.RunSQL(
            f"ALTER POLICY wall_select ON edge_bridge_reading USING ({MEASURED});"
            f"ALTER POLICY wall_select ON edge_bridge_latest USING ({MEASURED});"
            f"ALTER POLICY wall_select ON edge_bridge_alarm USING ({ALARM});",
            migrations.RunSQL.noop,
        ),
    ]

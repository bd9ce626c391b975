"""The policies of what was measured ask functions, see tenants' 0014_plans."""

from django.db import migrations

from tenants.policies import ME, OWN

SERIES_FUNCTIONS = "".join(
    f"""
CREATE FUNCTION wall.{how}_series() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT id FROM public.edge_bridge_series WHERE tenant_id <> {ME} AND
    (site_id = ANY (ARRAY(SELECT wall.{how}_sites('view_telemetry'))) OR
     equipment_id = ANY (ARRAY(SELECT wall.{how}_equipment('view_telemetry')))) $$;
"""
    for how in ("immediate", "delayed")
)
MEASURED = (
    f"CASE WHEN {OWN} THEN true ELSE series_id = ANY (ARRAY(SELECT wall.immediate_series())) "
    "OR series_id = ANY (ARRAY(SELECT wall.delayed_series())) "
    "AND measured_at <= now() - wall.series_delay(series_id) END"
)


class Migration(migrations.Migration):
    dependencies = [("edge_bridge", "0004_moved_equipment"), ("tenants", "0014_plans")]

    operations = [
        migrations.RunSQL(SERIES_FUNCTIONS, migrations.RunSQL.noop),
        migrations.RunSQL(
            f"ALTER POLICY wall_select ON edge_bridge_reading USING ({MEASURED});"
            f"ALTER POLICY wall_select ON edge_bridge_latest USING ({MEASURED});",
            migrations.RunSQL.noop,
        ),
    ]

"""The readings' partitioned table, and the wall around every table of the edge."""

from django.conf import settings
from django.db import migrations, models

from tenants.models.base import TenantForeignKey
from tenants.policies import ME, MY_CREDENTIAL, OWN, Wall, own_or_granted

# Only the parent is ever queried, and its policies hold for what comes through it. The partitions are closed without a
# policy, so a query past the parent reads nothing. The default one is there so that no reading is ever lost.
READING_TABLE = """
CREATE TABLE edge_bridge_reading (
  tenant_id uuid NOT NULL,
  series_id uuid NOT NULL,
  measured_at timestamptz NOT NULL,
  value double precision NOT NULL,
  quality smallint NOT NULL
) PARTITION BY RANGE (measured_at);
CREATE INDEX reading_time ON edge_bridge_reading USING brin (measured_at) WITH (autosummarize = on);
CREATE INDEX reading_of_series ON edge_bridge_reading (series_id, measured_at);
CREATE TABLE edge_bridge_reading_default PARTITION OF edge_bridge_reading DEFAULT;
ALTER TABLE edge_bridge_reading_default ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
"""

# SECURITY DEFINER because only the owner may make tables. The partition is made beside the parent and then attached,
# which leaves the parent open to writers; attaching finds rows of that day in the default partition by itself.
PARTITION_FUNCTION = """
CREATE FUNCTION wall.make_reading_partitions(first_day date, last_day date)
  RETURNS TABLE (day date, made boolean) LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = '' SET lock_timeout = '5s' AS $$
DECLARE
  part text;
BEGIN
  IF first_day IS NULL OR last_day IS NULL OR last_day < first_day
     OR first_day < current_date - 400 OR last_day > current_date + 60 OR last_day - first_day > 60 THEN
    RAISE EXCEPTION 'partitions from % to % are not within reach', first_day, last_day
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('wall.make_reading_partitions'));
  FOR day IN SELECT d::date FROM pg_catalog.generate_series(first_day::timestamp, last_day, '1 day') AS d LOOP
    part := 'edge_bridge_reading_' || pg_catalog.to_char(day, 'YYYYMMDD');
    CONTINUE WHEN pg_catalog.to_regclass('public.' || part) IS NOT NULL;
    BEGIN
      EXECUTE pg_catalog.format('CREATE TABLE public.%I (LIKE public.edge_bridge_reading INCLUDING ALL)', part);
      EXECUTE pg_catalog.format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', part);
      EXECUTE pg_catalog.format(
        'ALTER TABLE public.edge_bridge_reading ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
        part, day::text || ' 00:00:00+00', (day + 1)::text || ' 00:00:00+00');
      made := true;
    EXCEPTION WHEN check_violation THEN
      made := false;
    END;
    RETURN NEXT;
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION wall.make_reading_partitions(date, date) FROM PUBLIC;
"""

NOBODY = "false"
OWN_OR_MY_CREDENTIAL = f"{OWN} OR secret_hash = {MY_CREDENTIAL}"
OF_GRANTED_SERIES = (
    f"CASE WHEN {OWN} THEN true ELSE series_id IN (SELECT id FROM edge_bridge_series WHERE tenant_id <> {ME}) END"
)
OF_GRANTED_ALARM = (
    f"CASE WHEN {OWN} THEN true ELSE EXISTS (SELECT FROM edge_bridge_alarm a WHERE a.id = alarm_id) END"
)


def allow_platform(apps, schema_editor):
    """The hourly task makes partitions ahead on the platform's role; nobody else may."""
    role = settings.DATABASES["platform"]["USER"]
    quoted = schema_editor.quote_name(role)
    schema_editor.execute(f"GRANT EXECUTE ON FUNCTION wall.make_reading_partitions(date, date) TO {quoted}")


class Migration(migrations.Migration):
    dependencies = [("edge_bridge", "0001_initial")]

    operations = [
        # Written by hand: makemigrations leaves the references of an unmanaged model out.
        migrations.CreateModel(
            "Reading",
            [
                ("pk", models.CompositePrimaryKey("series_id", "measured_at", primary_key=True)),
                ("tenant", models.ForeignKey("tenants.Tenant", models.DO_NOTHING, related_name="+", db_constraint=False)),
                ("series", TenantForeignKey("edge_bridge.Series", models.DO_NOTHING, related_name="readings")),
                ("measured_at", models.DateTimeField()),
                ("value", models.FloatField()),
                ("quality", models.SmallIntegerField()),
            ],
            {"managed": False, "db_table": "edge_bridge_reading"},
        ),
        migrations.RunSQL(READING_TABLE, "DROP TABLE edge_bridge_reading"),
        migrations.RunSQL(PARTITION_FUNCTION, "DROP FUNCTION wall.make_reading_partitions(date, date)"),
        migrations.RunPython(allow_platform, migrations.RunPython.noop),
        Wall("Device", read=OWN_OR_MY_CREDENTIAL, update=OWN_OR_MY_CREDENTIAL),
        Wall("Watermark"),
        Wall("Gap", write=NOBODY, insert=OWN),
        Wall("Quarantine", write=NOBODY, insert=OWN),
        Wall("Series", read=own_or_granted("view_telemetry")),
        Wall("Latest", read=OF_GRANTED_SERIES),
        Wall("Reading", read=OF_GRANTED_SERIES, write=NOBODY, insert=OWN),
        Wall("Alarm", read=own_or_granted("view_alarms")),
        Wall("AlarmChange", read=OF_GRANTED_ALARM, write=NOBODY, insert=OWN),
    ]

"""Readings are summed up by the minute and the hour, and kept for as long as each organisation says."""

import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.expressions
import tenants.models.base
from django.conf import settings
from django.db import migrations, models

from tenants.policies import OWN, Wall


# A bucket is told to those who are told of readings, once it is over for as long as their delay.
ROLLED = (
    f"CASE WHEN {OWN} THEN true ELSE series_id = ANY (ARRAY(SELECT wall.immediate_series())) "
    "OR series_id = ANY (ARRAY(SELECT wall.delayed_series())) "
    "AND begins_at + size_s * interval '1 s' <= now() - wall.series_delay(series_id) END"
)
# The wall is forced upon the owner of the tables too, hence it opens for the moment.
READINGS_SO_FAR = """
ALTER TABLE edge_bridge_reading NO FORCE ROW LEVEL SECURITY;
INSERT INTO edge_bridge_dirtyminute (id, tenant_id, begins_at, series_ids, received_at)
SELECT gen_random_uuid(), tenant_id, date_bin('1 min', measured_at, 'epoch') AS minute, array_agg(DISTINCT series_id),
       date_bin('1 min', measured_at, 'epoch') + interval '1 min'
  FROM edge_bridge_reading GROUP BY tenant_id, minute;
ALTER TABLE edge_bridge_reading FORCE ROW LEVEL SECURITY;
"""
# SECURITY DEFINER because only the owner may drop tables. The caller, who sees past the wall, keeps writers from the
# partition, counts what is in it, and drops it in the same transaction. The whole table is locked for the drop only.
PARTITION_FUNCTIONS = """
CREATE FUNCTION wall.lock_reading_partition(day date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = '' SET lock_timeout = '5s' AS $$
BEGIN
  IF day IS NULL OR day > current_date - 7 THEN
    RAISE EXCEPTION 'readings of % are not over', day USING ERRCODE = 'invalid_parameter_value';
  END IF;
  EXECUTE pg_catalog.format('LOCK TABLE public.%I IN EXCLUSIVE MODE',
    'edge_bridge_reading_' || pg_catalog.to_char(day, 'YYYYMMDD'));
END $$;
CREATE FUNCTION wall.drop_reading_partition(day date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = '' SET lock_timeout = '2s' AS $$
DECLARE
  part text := 'edge_bridge_reading_' || pg_catalog.to_char(day, 'YYYYMMDD');
BEGIN
  PERFORM wall.lock_reading_partition(day);
  EXECUTE pg_catalog.format('ALTER TABLE public.edge_bridge_reading DETACH PARTITION public.%I', part);
  EXECUTE pg_catalog.format('DROP TABLE public.%I', part);
END $$;
REVOKE ALL ON FUNCTION wall.lock_reading_partition(date), wall.drop_reading_partition(date) FROM PUBLIC;
"""


def allow_platform(apps, schema_editor):
    quoted = schema_editor.quote_name(settings.DATABASES["platform"]["USER"])
    for name in ("lock_reading_partition", "drop_reading_partition"):
        schema_editor.execute(f"GRANT EXECUTE ON FUNCTION wall.{name}(date) TO {quoted}")


class Migration(migrations.Migration):
    dependencies = [
        ('edge_bridge', '0006_alarms'),
        ('tenants', '0017_feed'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField("series", "sent_units", models.JSONField(blank=True, default=list)),
        migrations.CreateModel(
            name='DirtyMinute',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('begins_at', models.DateTimeField()),
                ('series_ids', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)),
                ('received_at', models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow())),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'begins_at'], name='dirty_minute_oldest')],
            },
        ),
        migrations.CreateModel(
            name='ReadingRemoval',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('size_s', models.SmallIntegerField(choices=[(0, 'raw'), (60, 'minute'), (3600, 'hour')])),
                ('before_at', models.DateTimeField()),
                ('n_removed', models.BigIntegerField()),
                ('removed_at', models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow())),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'size_s', 'before_at'), name='reading_removal_once'), models.CheckConstraint(condition=models.Q(('n_removed__gt', 0)), name='reading_removal_of_something')],
            },
        ),
        migrations.CreateModel(
            name='ReadingRetention',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('raw_days', models.PositiveSmallIntegerField()),
                ('minute_days', models.PositiveSmallIntegerField()),
                ('hour_days', models.PositiveSmallIntegerField()),
                ('set_at', models.DateTimeField(auto_now=True)),
                ('set_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant',), name='reading_retention_once'), models.CheckConstraint(condition=models.Q(('hour_days__gte', models.F('minute_days')), ('minute_days__gte', models.F('raw_days')), ('raw_days__gte', 1)), name='reading_retention_coarser_is_longer')],
            },
        ),
        migrations.CreateModel(
            name='Rollup',
            fields=[
                ('pk', models.CompositePrimaryKey('tenant_id', 'series_id', 'size_s', 'begins_at', blank=True, editable=False, primary_key=True, serialize=False)),
                ('size_s', models.SmallIntegerField(choices=[(60, 'minute'), (3600, 'hour')])),
                ('begins_at', models.DateTimeField()),
                ('n_good', models.IntegerField()),
                ('n_uncertain', models.IntegerField()),
                ('n_bad', models.IntegerField()),
                ('n_times', models.IntegerField()),
                ('n_repeated', models.IntegerField()),
                ('n_minutes', models.SmallIntegerField()),
                ('n_late', models.SmallIntegerField()),
                ('value', models.FloatField(null=True)),
                ('lowest', models.FloatField(null=True)),
                ('highest', models.FloatField(null=True)),
                ('first', models.FloatField(null=True)),
                ('last', models.FloatField(null=True)),
                ('series', tenants.models.base.TenantForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='rollups', to='edge_bridge.series')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'verbose_name': 'roll-up',
                'indexes': [django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['begins_at'], name='rollup_time')],
                'constraints': [models.CheckConstraint(condition=models.Q(('size_s__in', [60, 3600])), name='rollup_size_known'), models.CheckConstraint(condition=models.Q(('n_bad__gte', 0), ('n_good__gte', 0), ('n_uncertain__gte', 0), models.Q(('n_bad', 0), ('n_good', 0), ('n_uncertain', 0), _negated=True), ('n_times__gte', 1), ('n_times__lte', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('n_good'), '+', models.F('n_uncertain')), '+', models.F('n_bad'))), ('n_late__gte', 0), ('n_late__lte', models.F('n_minutes')), ('n_minutes__gte', 1)), name='rollup_of_readings'), models.CheckConstraint(condition=models.Q(models.Q(('first', None), ('highest', None), ('last', None), ('lowest', None), ('n_good', 0), ('value', None)), models.Q(('first__isnull', False), ('last__isnull', False), ('lowest__lte', models.F('highest')), ('n_good__gt', 0), ('value__isnull', False)), _connector='OR'), name='rollup_figures_of_good_readings')],
            },
        ),
        migrations.RunSQL(READINGS_SO_FAR, migrations.RunSQL.noop),
        Wall("Rollup", read=ROLLED),
        Wall("DirtyMinute"),
        Wall("ReadingRetention"),
        Wall("ReadingRemoval", write="false"),
        migrations.RunSQL(
            PARTITION_FUNCTIONS,
            "DROP FUNCTION wall.lock_reading_partition(date); DROP FUNCTION wall.drop_reading_partition(date)",
        ),
        migrations.RunPython(allow_platform, migrations.RunPython.noop),
    ]

"""Intervals of machines' states, their loads, and what people say of them; a hand-over stays as it was signed."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tenants.models.base
from tenants.policies import OWN, Wall, own_or_granted

NOBODY = "false"
# Also for those to whom only a machine is open: its day begins with a shift of the site.
SHIFTS = (
    f"CASE WHEN {OWN} THEN true ELSE site_id = ANY (ARRAY(SELECT wall.granted_sites('view_production'))) OR site_id IN "
    "(SELECT e.site_id FROM tenants_equipment e WHERE e.id = ANY (ARRAY(SELECT wall.granted_equipment('view_production'))))"
    " END"
)
# Signing is all that happens to a hand-over after its draft, and after both have signed nothing does.
SIGNED = """
CREATE FUNCTION wall.handover_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.incoming_at IS NOT NULL THEN
    RAISE EXCEPTION 'both have signed this hand-over' USING ERRCODE = 'check_violation', CONSTRAINT = 'handover_stays';
  END IF;
  IF OLD.outgoing_at IS NOT NULL
     AND (NEW.said, NEW.notes, NEW.drafted_by_id, NEW.drafted_at, NEW.outgoing_id, NEW.outgoing_at)
     IS DISTINCT FROM (OLD.said, OLD.notes, OLD.drafted_by_id, OLD.drafted_at, OLD.outgoing_id, OLD.outgoing_at) THEN
    RAISE EXCEPTION 'the outgoing shift has signed it' USING ERRCODE = 'check_violation', CONSTRAINT = 'handover_stays';
  END IF;
  IF (NEW.tenant_id, NEW.site_id, NEW.shift, NEW.begins_at, NEW.ends_at)
     IS DISTINCT FROM (OLD.tenant_id, OLD.site_id, OLD.shift, OLD.begins_at, OLD.ends_at) THEN
    RAISE EXCEPTION 'a hand-over is of one shift' USING ERRCODE = 'check_violation', CONSTRAINT = 'handover_stays';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER handover_stays BEFORE UPDATE ON edge_bridge_shifthandover FOR EACH ROW
  EXECUTE FUNCTION wall.handover_stays();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('edge_bridge', '0008_commands'),
        ('tenants', '0017_feed'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='HauledLoad',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('begins_at', models.DateTimeField(blank=True, null=True)),
                ('dumped_at', models.DateTimeField()),
                ('payload_t', models.FloatField(blank=True, null=True)),
                ('kind', models.SmallIntegerField(choices=[(0, 'none'), (1, 'ore'), (2, 'waste')])),
                ('equipment', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.equipment')),
                ('site', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.site')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['site', 'dumped_at'], name='hauled_load_of_site')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'equipment', 'site', 'dumped_at'), name='hauled_load_once'), models.CheckConstraint(condition=models.Q(('begins_at__lt', models.F('dumped_at'))), name='hauled_load_takes_time')],
            },
        ),
        migrations.CreateModel(
            name='PlannedRate',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('t_per_h', models.FloatField()),
                ('equipment', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.equipment')),
                ('site', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.site')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'equipment', 'site'), name='planned_rate_once'), models.CheckConstraint(condition=models.Q(('t_per_h__gt', 0), ('t_per_h__lte', 100000)), name='planned_rate_in_bounds')],
            },
        ),
        migrations.CreateModel(
            name='RolledDay',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('day', models.DateField()),
                ('n_readings', models.IntegerField()),
                ('rolled_at', models.DateTimeField()),
                ('equipment', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.equipment')),
                ('site', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.site')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'equipment', 'site', 'day'), name='rolled_day_once')],
            },
        ),
        migrations.CreateModel(
            name='ShiftHandover',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('shift', models.CharField(max_length=40)),
                ('begins_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('said', models.JSONField()),
                ('notes', models.CharField(blank=True, default='', max_length=4000)),
                ('drafted_at', models.DateTimeField()),
                ('outgoing_at', models.DateTimeField(blank=True, null=True)),
                ('incoming_at', models.DateTimeField(blank=True, null=True)),
                ('drafted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('incoming', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('outgoing', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('site', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.site')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'site', 'begins_at'), name='handover_of_shift_once'), models.CheckConstraint(condition=models.Q(('begins_at__lt', models.F('ends_at'))), name='handover_of_time'), models.CheckConstraint(condition=models.Q(models.Q(('outgoing', None), ('outgoing_at', None)), models.Q(('outgoing__isnull', False), ('outgoing_at__isnull', False)), _connector='OR'), name='handover_outgoing_signs_at'), models.CheckConstraint(condition=models.Q(models.Q(('incoming', None), ('incoming_at', None)), models.Q(('incoming__isnull', False), ('incoming_at__isnull', False), ('outgoing__isnull', False)), _connector='OR'), name='handover_outgoing_first'), models.CheckConstraint(condition=models.Q(('incoming', models.F('outgoing')), _negated=True), name='handover_by_two')],
            },
        ),
        migrations.CreateModel(
            name='ShiftRow',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('place', models.SmallIntegerField(help_text="The first shift's beginning is that of the production day.")),
                ('name', models.CharField(max_length=40)),
                ('begins', models.TimeField()),
                ('ends', models.TimeField()),
                ('weekdays', models.JSONField(help_text='0 is Monday, when it begins.')),
                ('site', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.site')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'verbose_name': 'shift',
                'constraints': [models.UniqueConstraint(fields=('tenant', 'site', 'place'), name='shift_place_once')],
            },
        ),
        migrations.CreateModel(
            name='StateInterval',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('begins_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('state', models.SmallIntegerField(choices=[(1, 'loading'), (2, 'hauling'), (3, 'dumping'), (4, 'returning'), (5, 'refuelling'), (6, 'queueing'), (7, 'spotting'), (8, 'drilling'), (9, 'charging'), (10, 'blasting'), (11, 'tramming'), (12, 'supporting'), (13, 'waiting'), (14, 'stopped'), (15, 'service'), (16, 'breakdown')])),
                ('stop_reason', models.SmallIntegerField(choices=[(0, 'none'), (1, 'shift_change'), (2, 'meal'), (3, 'personal'), (4, 'blast_clearance'), (5, 'no_truck'), (6, 'no_material'), (7, 'no_work'), (8, 'dump_full')])),
                ('equipment', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.equipment')),
                ('site', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.site')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['site', 'begins_at'], name='state_interval_of_site')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'equipment', 'site', 'begins_at'), name='state_interval_once'), models.CheckConstraint(condition=models.Q(('begins_at__lt', models.F('ends_at'))), name='state_interval_lasts')],
            },
        ),
        migrations.CreateModel(
            name='StopCorrection',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('begins_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('category', models.CharField(blank=True, choices=[('productive', 'productive'), ('non_productive', 'non_productive'), ('operating_delay', 'operating_delay'), ('standby', 'standby'), ('planned_maintenance', 'planned_maintenance'), ('unplanned_maintenance', 'unplanned_maintenance'), ('unscheduled', 'unscheduled'), ('no_data', 'no_data')], max_length=24)),
                ('reason', models.CharField(max_length=300)),
                ('made_at', models.DateTimeField(auto_now_add=True)),
                ('equipment', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.equipment')),
                ('made_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('site', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.site')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['equipment', 'begins_at'], name='stop_correction_of_machine')],
                'constraints': [models.CheckConstraint(condition=models.Q(('begins_at__lt', models.F('ends_at'))), name='stop_correction_lasts'), models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='stop_correction_with_reason'), models.CheckConstraint(condition=models.Q(('category__in', ['', 'operating_delay', 'planned_maintenance', 'standby', 'unplanned_maintenance', 'unscheduled'])), name='stop_correction_makes_no_work')],
            },
        ),
        Wall("StateInterval", read=own_or_granted("view_production", changed_at="ends_at")),
        Wall("HauledLoad", read=own_or_granted("view_production", changed_at="dumped_at")),
        Wall("RolledDay"),
        Wall(
            "StopCorrection",
            read=own_or_granted("view_production", changed_at="greatest(made_at, ends_at)"),
            write=NOBODY,
            insert=OWN,
        ),
        Wall("ShiftRow", read=SHIFTS),
        Wall("PlannedRate", read=own_or_granted("view_production")),
        Wall("ShiftHandover", write=NOBODY, insert=OWN, update=OWN),
        migrations.RunSQL(
            SIGNED, "DROP TRIGGER handover_stays ON edge_bridge_shifthandover; DROP FUNCTION wall.handover_stays()"
        ),
    ]

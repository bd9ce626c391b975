"""Firms and what they offer, what tasks want of people, who is assigned, and calendars; each with its wall."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.ids
import tenants.models.base
from django.conf import settings
from django.db import migrations, models

from tenants.policies import ME, MY_CREDENTIAL, OWN, Wall

NOBODY = "false"
# Plain functions, not SECURITY DEFINER: they read the tables under the tables' own policies.
FUNCTIONS = """
CREATE FUNCTION wall.own_partners_in_force() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT partner_id FROM public.tenants_agreement
   WHERE tenant_id = (SELECT wall.tenant()) AND status = 'active' AND (ends_at IS NULL OR ends_at > now()) $$;
"""
NO_FUNCTIONS = "DROP FUNCTION wall.own_partners_in_force();"
TO_PARTNERS = (
    "tenant_id = ANY (ARRAY(SELECT wall.partners_in_force())) OR "
    "tenant_id = ANY (ARRAY(SELECT wall.own_partners_in_force()))"
)
PROFILE_SHOWN = f"""CASE WHEN {OWN} THEN true
  WHEN visibility = 'public' THEN {ME} IS NOT NULL
  WHEN visibility = 'partners' THEN {TO_PARTNERS} ELSE false END"""
PROFILE_READ = "SELECT FROM marketplace_profile p WHERE p.tenant_id = marketplace_expert.tenant_id"
TASK_READ = "SELECT FROM marketplace_servicetask t WHERE t.id = marketplace_taskneed.task_id"
TAKEN_PART_IN = "task_id = ANY (ARRAY(SELECT wall.tasks_taken_part_in()))"

# What was agreed stays; that somebody has a right to be forgotten is the one exception.
FROZEN = """
CREATE TRIGGER assignment_is_frozen
  BEFORE UPDATE OF id, tenant_id, owner_id, task_id, person_id, booking_id, from_at, to_at, assigned_at
  ON marketplace_assignment FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('Who is assigned, where and when never changes; release them and assign anew.');
CREATE FUNCTION marketplace_forget_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM public.marketplace_expert WHERE tenant_id = NEW.tenant_id AND person_id = NEW.id;
  UPDATE public.marketplace_assignment SET person_name = '', papers = '[]'
   WHERE tenant_id = NEW.tenant_id AND person_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER person_is_forgotten AFTER UPDATE OF erased_at ON tenants_person FOR EACH ROW
  WHEN (NEW.erased_at IS NOT NULL) EXECUTE FUNCTION marketplace_forget_person();
"""
THAWED = """
DROP FUNCTION marketplace_forget_person CASCADE;
DROP TRIGGER assignment_is_frozen ON marketplace_assignment;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('marketplace', '0007_contracts'),
        ('tenants', '0018_places_of_work'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Assignment',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('from_at', models.DateTimeField()),
                ('to_at', models.DateTimeField()),
                ('person_name', models.CharField(max_length=200)),
                ('papers', models.JSONField(default=list)),
                ('assigned_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('released_at', models.DateTimeField(null=True)),
                ('release_reason', models.CharField(blank=True, max_length=200)),
                ('assigned_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('booking', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.booking')),
                ('owner', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('person', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.person')),
                ('task', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assignments', tenant_field='owner', to='marketplace.servicetask')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'booking'), name='assignment_of_booking_once'), models.CheckConstraint(condition=models.Q(('to_at__gt', models.F('from_at'))), name='assignment_ends_after_it_begins'), models.CheckConstraint(condition=models.Q(('tenant', models.F('owner')), _negated=True), name='assignment_between_two')],
            },
        ),
        migrations.CreateModel(
            name='CalendarAddress',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('secret_hash', models.CharField(max_length=64, unique=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('revoked_at', models.DateTimeField(null=True)),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('revoked_at__isnull', True)), fields=('tenant', 'user'), name='calendar_address_once')],
            },
        ),
        migrations.CreateModel(
            name='Expert',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('shown_name', models.CharField(blank=True, max_length=200)),
                ('levels', models.JSONField(default=dict)),
                ('papers', models.JSONField(default=list)),
                ('published_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('person', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.person')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'person'), name='expert_once')],
            },
        ),
        migrations.CreateModel(
            name='Profile',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('firm_name', models.CharField(max_length=200)),
                ('about', models.TextField(blank=True)),
                ('visibility', models.CharField(choices=[('public', 'Every organisation'), ('partners', 'Partners with an agreement in force'), ('hidden', 'Nobody else')], default='hidden', max_length=10)),
                ('categories', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('equipment_maintenance', 'Equipment maintenance'), ('system_upgrade', 'System upgrade'), ('planning', 'Planning'), ('engineering_construction', 'Engineering and construction'), ('remote_consultation', 'Remote consultation'), ('geological_modelling', 'Geological modelling'), ('reserve_estimate', 'Reserve estimate'), ('design', 'Design'), ('training', 'Training')], max_length=30), default=list, size=None)),
                ('regions', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=2), default=list, size=None)),
                ('rates', models.JSONField(default=list)),
                ('machines', models.JSONField(default=list)),
                ('certificates', models.JSONField(default=list)),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant',), name='profile_once'), models.CheckConstraint(condition=models.Q(('visibility__in', ['public', 'partners', 'hidden'])), name='profile_visibility_known'), models.CheckConstraint(condition=models.Q(('categories__contained_by', ['equipment_maintenance', 'system_upgrade', 'planning', 'engineering_construction', 'remote_consultation', 'geological_modelling', 'reserve_estimate', 'design', 'training'])), name='profile_categories_known')],
            },
        ),
        migrations.CreateModel(
            name='TaskNeed',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('skill', models.CharField(blank=True, max_length=40)),
                ('level', models.PositiveSmallIntegerField(default=1)),
                ('certificate', models.CharField(blank=True, max_length=40)),
                ('people_n', models.PositiveIntegerField(default=1)),
                ('task', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='needs', to='marketplace.servicetask')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'task', 'skill', 'certificate'), name='task_need_once'), models.CheckConstraint(condition=models.Q(('certificate', ''), ('skill', ''), _negated=True), name='task_need_names_something'), models.CheckConstraint(condition=models.Q(('level__range', (1, 5))), name='task_need_level'), models.CheckConstraint(condition=models.Q(('people_n__range', (1, 1000))), name='task_need_people')],
            },
        ),
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        Wall("Profile", read=PROFILE_SHOWN),
        Wall("Expert", read=f"CASE WHEN {OWN} THEN true ELSE EXISTS ({PROFILE_READ}) END"),
        # Whoever may read a task reads what it wants; it is written while the task is a draft.
        Wall(
            "TaskNeed",
            read=f"CASE WHEN {OWN} THEN true ELSE EXISTS ({TASK_READ}) END",
            write=f"{OWN} AND EXISTS ({TASK_READ} AND t.state = 'draft')",
        ),
        # The firm sends its people to what it takes part in; the owner of the task sees who comes.
        Wall(
            "Assignment",
            read=f"{OWN} OR owner_id = {ME}",
            write=NOBODY,
            insert=f"{OWN} AND {TAKEN_PART_IN}",
            update=OWN,
        ),
        Wall("CalendarAddress", read=f"{OWN} OR secret_hash = {MY_CREDENTIAL}"),
        migrations.RunSQL(FROZEN, THAWED),
    ]

"""Three ways to fill a task, to whom it is visible, and the table of states that goes with them."""

import django.db.models.deletion
import tenants.ids
import tenants.models.base
from django.conf import settings
from django.db import migrations, models

from tenants.policies import ME, OWN, Wall


CLAIMED_BY_ME = f"SELECT task_id FROM marketplace_claim WHERE tenant_id = {ME}"
BEFORE = (
    f"CASE WHEN {OWN} THEN true ELSE (state = 'open' AND {ME} IS NOT NULL) OR id = ANY (ARRAY({CLAIMED_BY_ME})) END"
)

# Whose task one is shown although another organisation posted it: while it is open by its visibility, later as a party.
# Plain functions, not SECURITY DEFINER: they read the tables under the tables' own policies.
SHOWN = """
CREATE FUNCTION wall.invited_tasks() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT task_id FROM public.marketplace_taskinvitation WHERE firm_id = (SELECT wall.tenant()) $$;
CREATE FUNCTION wall.partners_in_force() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT tenant_id FROM public.tenants_agreement
   WHERE partner_id = (SELECT wall.tenant()) AND status = 'active' AND (ends_at IS NULL OR ends_at > now()) $$;
CREATE FUNCTION wall.tasks_taken_part_in() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT task_id FROM public.marketplace_claim WHERE tenant_id = (SELECT wall.tenant()) $$;
"""
SHOWN_TO_ME = f"""CASE WHEN {OWN} THEN true ELSE
  state = 'open' AND CASE visibility
      WHEN 'public' THEN {ME} IS NOT NULL
      WHEN 'invited' THEN id = ANY (ARRAY(SELECT wall.invited_tasks()))
      ELSE tenant_id = ANY (ARRAY(SELECT wall.partners_in_force())) END
  OR id = ANY (ARRAY(SELECT wall.tasks_taken_part_in())) END"""

# The pairs of states of marketplace/lifecycle.py, and the way that each mode goes from `open`; a test compares them.
GUARD_TASK = """
CREATE OR REPLACE FUNCTION marketplace_guard_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'draft' AND NOT wall.importing() THEN
      RAISE EXCEPTION 'a service task begins as a draft, not as %', NEW.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
    ('draft', 'open'), ('draft', 'cancelled'),
    ('open', 'claimed'), ('open', 'sealed_closed'), ('open', 'evaluating'), ('open', 'cancelled'),
    ('claimed', 'submitted'), ('claimed', 'open'),
    ('submitted', 'closed'), ('submitted', 'claimed'),
    ('sealed_closed', 'opened'), ('sealed_closed', 'unsuccessful'), ('sealed_closed', 'cancelled'),
    ('opened', 'evaluating'), ('opened', 'unsuccessful'), ('opened', 'cancelled'),
    ('evaluating', 'awarded'), ('evaluating', 'unsuccessful'), ('evaluating', 'cancelled'),
    ('awarded', 'evaluating'), ('awarded', 'contracted'), ('awarded', 'cancelled'),
    ('contracted', 'closed'), ('contracted', 'terminated')
  ) THEN
    RAISE EXCEPTION 'a service task can not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF OLD.state = 'open' AND (NEW.mode, NEW.state) IN (
    ('claim', 'sealed_closed'), ('claim', 'evaluating'), ('quotation', 'claimed'), ('quotation', 'sealed_closed'),
    ('tender', 'claimed'), ('tender', 'evaluating')
  ) THEN
    RAISE EXCEPTION 'a % can not go from % to %', NEW.mode, OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.tenant_id, NEW.site_id, NEW.equipment_id, NEW.alarm_id, NEW.snapshot, NEW.created_at)
     IS DISTINCT FROM
     (OLD.id, OLD.tenant_id, OLD.site_id, OLD.equipment_id, OLD.alarm_id, OLD.snapshot, OLD.created_at) THEN
    RAISE EXCEPTION 'what a service task was posted about never changes' USING ERRCODE = 'check_violation';
  END IF;
  IF OLD.state <> 'draft' AND
     (NEW.title, NEW.description, NEW.category, NEW.opens, NEW.access_h, NEW.fee_minor, NEW.currency, NEW.published_at,
      NEW.mode, NEW.visibility, NEW.bids_until, NEW.openers_needed, NEW.standstill_h, NEW.milestones,
      NEW.retention_bp, NEW.warranty_d, NEW.acceptance, NEW.framework_id)
     IS DISTINCT FROM
     (OLD.title, OLD.description, OLD.category, OLD.opens, OLD.access_h, OLD.fee_minor, OLD.currency, OLD.published_at,
      OLD.mode, OLD.visibility, OLD.bids_until, OLD.openers_needed, OLD.standstill_h, OLD.milestones,
      OLD.retention_bp, OLD.warranty_d, OLD.acceptance, OLD.framework_id)
  THEN
    RAISE EXCEPTION 'the terms of a published service task never change' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.token < OLD.token OR NEW.version < OLD.version THEN
    RAISE EXCEPTION 'token and version of a service task only rise' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('edge_bridge', '0012_alarm_changes'),
        ('marketplace', '0003_imported_tasks'),
        ('tenants', '0017_feed'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # A column that a policy names can't change its type.
        migrations.RunSQL(
            "DROP POLICY wall_select ON marketplace_servicetask;",
            f"CREATE POLICY wall_select ON marketplace_servicetask FOR SELECT USING ({BEFORE});",
        ),
        migrations.CreateModel(
            name='TaskInvitation',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='servicetask',
            name='task_state_known',
        ),
        migrations.AddField(
            model_name='servicetask',
            name='acceptance',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='servicetask',
            name='bids_until',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='servicetask',
            name='framework',
            field=tenants.models.base.TenantForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.agreement'),
        ),
        migrations.AddField(
            model_name='servicetask',
            name='milestones',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='servicetask',
            name='mode',
            field=models.CharField(choices=[('claim', 'Claim'), ('quotation', 'Quotation'), ('tender', 'Tender')], default='claim', max_length=10),
        ),
        migrations.AddField(
            model_name='servicetask',
            name='openers_needed',
            field=models.PositiveSmallIntegerField(default=1, help_text='How many persons open sealed bids together.'),
        ),
        migrations.AddField(
            model_name='servicetask',
            name='retention_bp',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='servicetask',
            name='standstill_h',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='servicetask',
            name='visibility',
            field=models.CharField(choices=[('public', 'Every organisation'), ('invited', 'Invited organisations'), ('partners', 'Partners with an agreement in force')], default='public', max_length=10),
        ),
        migrations.AddField(
            model_name='servicetask',
            name='warranty_d',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name='servicetask',
            name='state',
            field=models.CharField(choices=[('draft', 'Draft'), ('open', 'Open'), ('claimed', 'Claimed'), ('submitted', 'Submitted'), ('sealed_closed', 'Sealed closed'), ('opened', 'Opened'), ('evaluating', 'Evaluating'), ('awarded', 'Awarded'), ('contracted', 'Contracted'), ('closed', 'Closed'), ('cancelled', 'Cancelled'), ('unsuccessful', 'Unsuccessful'), ('terminated', 'Terminated')], default='draft', max_length=20),
        ),
        migrations.AddConstraint(
            model_name='servicetask',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['draft', 'open', 'claimed', 'submitted', 'sealed_closed', 'opened', 'evaluating', 'awarded', 'contracted', 'closed', 'cancelled', 'unsuccessful', 'terminated'])), name='task_state_known'),
        ),
        migrations.AddConstraint(
            model_name='servicetask',
            constraint=models.CheckConstraint(condition=models.Q(('mode__in', ['claim', 'quotation', 'tender'])), name='task_mode_known'),
        ),
        migrations.AddConstraint(
            model_name='servicetask',
            constraint=models.CheckConstraint(condition=models.Q(('visibility__in', ['public', 'invited', 'partners'])), name='task_visibility_known'),
        ),
        migrations.AddConstraint(
            model_name='servicetask',
            constraint=models.CheckConstraint(condition=models.Q(('retention_bp__range', (0, 5000))), name='task_retention_bounded'),
        ),
        migrations.AddConstraint(
            model_name='servicetask',
            constraint=models.CheckConstraint(condition=models.Q(('mode', 'claim'), ('bids_until__isnull', False), _connector='XOR'), name='task_bids_have_a_deadline'),
        ),
        migrations.AddField(
            model_name='taskinvitation',
            name='firm',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant'),
        ),
        migrations.AddField(
            model_name='taskinvitation',
            name='task',
            field=tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='marketplace.servicetask'),
        ),
        migrations.AddField(
            model_name='taskinvitation',
            name='tenant',
            field=models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant'),
        ),
        migrations.AddConstraint(
            model_name='taskinvitation',
            constraint=models.UniqueConstraint(fields=('tenant', 'task', 'firm'), name='task_invitation_once'),
        ),
        migrations.AddConstraint(
            model_name='taskinvitation',
            constraint=models.CheckConstraint(condition=models.Q(('firm', models.F('tenant')), _negated=True), name='task_invitation_to_another'),
        ),
        migrations.RunSQL(
            "ALTER TABLE marketplace_servicetask ADD CONSTRAINT marketplace_servicetask_framework_id_wall FOREIGN KEY "
            "(tenant_id, framework_id) REFERENCES tenants_agreement (tenant_id, id) DEFERRABLE INITIALLY DEFERRED;",
            "ALTER TABLE marketplace_servicetask DROP CONSTRAINT marketplace_servicetask_framework_id_wall;",
        ),
        # An invited firm reads its invitation; only the owner writes it.
        Wall("TaskInvitation", read=f"{OWN} OR firm_id = {ME}"),
        migrations.RunSQL(SHOWN, migrations.RunSQL.noop),
        migrations.RunSQL(
            f"CREATE POLICY wall_select ON marketplace_servicetask FOR SELECT USING ({SHOWN_TO_ME});",
            "DROP POLICY wall_select ON marketplace_servicetask;",
        ),
        migrations.RunSQL(GUARD_TASK, migrations.RunSQL.noop),
    ]

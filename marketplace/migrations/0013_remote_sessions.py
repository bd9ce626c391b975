"""Remote sessions and their logs behind their wall; what they come to is a milestone beside the price."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.functions.datetime
import marketplace.models.session
import tenants.ids
import tenants.models.base
from django.conf import settings
from django.db import migrations, models

from tenants.policies import ME, OWN, Wall

NOBODY = "false"
BOTH = f"{OWN} OR firm_id = {ME}"
OF_BOTH = ("RemoteSession", "SessionEntry")
FIRM_KEY = """
ALTER TABLE marketplace_{0} ADD CONSTRAINT marketplace_{0}_firm_of_contract FOREIGN KEY (tenant_id, firm_id, contract_id)
  REFERENCES marketplace_contract (tenant_id, firm_id, id) DEFERRABLE INITIALLY DEFERRED;
"""
# As in the migration of the contracts, but for where a milestone begins.
GUARD_MILESTONE = """
CREATE OR REPLACE FUNCTION marketplace_guard_milestone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> {begins} AND NOT wall.importing() THEN
      RAISE EXCEPTION 'a milestone begins planned, not as %', NEW.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
    ('planned', 'submitted'), ('submitted', 'accepted'), ('submitted', 'rework'), ('rework', 'submitted'),
    ('accepted', 'receipted'), ('receipted', 'invoiced'), ('invoiced', 'receipted'), ('invoiced', 'matched'),
    ('matched', 'paid'), ('paid', 'released'), ('released', 'settled')
  ) THEN
    RAISE EXCEPTION 'a milestone can not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.state <> OLD.state AND EXISTS (
    SELECT FROM marketplace_contract
     WHERE tenant_id = NEW.tenant_id AND id = NEW.contract_id AND state IN ('disputed', 'closed')) THEN
    RAISE EXCEPTION 'nothing moves in a contract that is disputed or closed' USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.tenant_id, NEW.firm_id, NEW.contract_id, NEW.number, NEW.title, NEW.share_bp, NEW.amount_minor,
      NEW.due_at)
     IS DISTINCT FROM
     (OLD.id, OLD.tenant_id, OLD.firm_id, OLD.contract_id, OLD.number, OLD.title, OLD.share_bp, OLD.amount_minor,
      OLD.due_at) THEN
    RAISE EXCEPTION 'what was agreed of a milestone never changes' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
"""
# What a session came to is received with the acceptance of its minutes.
BESIDE_THE_PRICE = GUARD_MILESTONE.format(begins="(CASE WHEN NEW.share_bp = 0 THEN 'receipted' ELSE 'planned' END)")
OF_THE_PRICE = GUARD_MILESTONE.format(begins="'planned'")

# The pairs of states of marketplace/sessions/lifecycle.py; a test compares them cell by cell.
GUARD_SESSION = """
CREATE FUNCTION marketplace_guard_session() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  of_contract text;
  minutes bigint;
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'proposed' AND NOT wall.importing() THEN
      RAISE EXCEPTION 'a session begins proposed, not as %', NEW.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
    ('proposed', 'booked'), ('proposed', 'cancelled'), ('booked', 'cancelled'), ('booked', 'running'),
    ('running', 'ended'), ('ended', 'objected'), ('ended', 'accepted'), ('objected', 'ended'), ('objected', 'accepted')
  ) THEN
    RAISE EXCEPTION 'a session can not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.state <> OLD.state THEN
    SELECT state INTO of_contract FROM marketplace_contract WHERE tenant_id = NEW.tenant_id AND id = NEW.contract_id;
    IF of_contract = 'closed' OR NEW.state IN ('booked', 'running') AND of_contract <> 'in_progress'
       OR NEW.state IN ('objected', 'accepted') AND of_contract = 'disputed' THEN
      RAISE EXCEPTION 'no session is % in a contract that is %', NEW.state, of_contract
        USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  IF NEW.state = 'accepted' AND OLD.state <> 'accepted' AND NEW.milestone_id IS NULL THEN
    SELECT coalesce(sum(e.minutes), 0) INTO minutes FROM marketplace_sessionentry e
     WHERE e.tenant_id = NEW.tenant_id AND e.session_id = NEW.id;
    IF minutes > 0 THEN
      RAISE EXCEPTION 'minutes that are accepted are owed' USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  IF (NEW.id, NEW.tenant_id, NEW.firm_id, NEW.contract_id, NEW.user_id, NEW.created_at, NEW.number, NEW.subject,
      NEW.expert_id, NEW.assignment_id, NEW.assigned_for_it, NEW.from_at, NEW.to_at, NEW.rate_minor, NEW.currency,
      NEW.ceiling_min)
     IS DISTINCT FROM
     (OLD.id, OLD.tenant_id, OLD.firm_id, OLD.contract_id, OLD.user_id, OLD.created_at, OLD.number, OLD.subject,
      OLD.expert_id, OLD.assignment_id, OLD.assigned_for_it, OLD.from_at, OLD.to_at, OLD.rate_minor, OLD.currency,
      OLD.ceiling_min) THEN
    RAISE EXCEPTION 'what was agreed of a session never changes' USING ERRCODE = 'check_violation';
  END IF;
  IF OLD.started_at IS NOT NULL AND NEW.started_at IS DISTINCT FROM OLD.started_at
     OR OLD.ended_at IS NOT NULL
        AND (NEW.ended_at, NEW.measured_min) IS DISTINCT FROM (OLD.ended_at, OLD.measured_min)
     OR OLD.milestone_id IS NOT NULL AND NEW.milestone_id IS DISTINCT FROM OLD.milestone_id THEN
    RAISE EXCEPTION 'what was measured and settled of a session never changes' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.version < OLD.version THEN
    RAISE EXCEPTION 'the version of a session only rises' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_session BEFORE INSERT OR UPDATE ON marketplace_remotesession
  FOR EACH ROW EXECUTE FUNCTION marketplace_guard_session();
"""
GUARD_LOG = """
CREATE FUNCTION marketplace_guard_session_log() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  of_session text;
  measured integer;
  total bigint;
BEGIN
  IF wall.importing() THEN
    RETURN NEW;
  END IF;
  SELECT state, measured_min INTO of_session, measured FROM marketplace_remotesession
   WHERE tenant_id = NEW.tenant_id AND id = NEW.session_id;
  IF of_session IS NULL OR of_session NOT IN ('running', 'ended', 'objected') THEN
    RAISE EXCEPTION 'the log of a session that is % is closed', of_session USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.kind = 'reversal' AND NOT EXISTS (
    SELECT FROM marketplace_sessionentry e
     WHERE e.tenant_id = NEW.tenant_id AND e.id = NEW.reverses_id AND e.session_id = NEW.session_id
       AND e.kind IN ('note', 'time') AND e.minutes = -NEW.minutes) THEN
    RAISE EXCEPTION 'a reversal takes back a whole entry of the same session' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.minutes <> 0 THEN
    SELECT coalesce(sum(e.minutes), 0) + NEW.minutes INTO total FROM marketplace_sessionentry e
     WHERE e.tenant_id = NEW.tenant_id AND e.session_id = NEW.session_id;
    IF measured IS NULL OR total NOT BETWEEN 0 AND measured THEN
      RAISE EXCEPTION 'a session has 0 minutes to what the clock said, not %', total USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_session_log BEFORE INSERT ON marketplace_sessionentry
  FOR EACH ROW EXECUTE FUNCTION marketplace_guard_session_log();
CREATE TRIGGER session_entry_is_frozen BEFORE UPDATE ON marketplace_sessionentry FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('A log is never changed; reverse the entry.');
"""
NO_GUARD_LOG = """
DROP FUNCTION marketplace_guard_session_log CASCADE;
DROP TRIGGER session_entry_is_frozen ON marketplace_sessionentry;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('marketplace', '0012_claim_evidence'),
        ('tenants', '0020_session_minutes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='RemoteSession',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('number', models.PositiveSmallIntegerField()),
                ('subject', models.CharField(max_length=160)),
                ('expert_id', models.UUIDField()),
                ('assignment_id', models.UUIDField()),
                ('assigned_for_it', models.BooleanField(default=True)),
                ('from_at', models.DateTimeField()),
                ('to_at', models.DateTimeField()),
                ('rate_minor', models.BigIntegerField()),
                ('currency', models.CharField(max_length=3)),
                ('ceiling_min', models.PositiveSmallIntegerField()),
                ('state', models.CharField(choices=[('proposed', 'Proposed'), ('booked', 'Booked'), ('running', 'Running'), ('ended', 'Ended'), ('objected', 'Objected'), ('accepted', 'Accepted'), ('cancelled', 'Cancelled')], default='proposed', max_length=10)),
                ('version', models.PositiveIntegerField(default=1)),
                ('started_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('measured_min', models.PositiveSmallIntegerField(null=True)),
                ('answer_until', models.DateTimeField(help_text='Until when the buyer may object; then it is accepted.', null=True)),
                ('reason', models.TextField(blank=True, help_text='Why it was cancelled.', max_length=2000)),
            ],
        ),
        migrations.CreateModel(
            name='SessionEntry',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('kind', models.CharField(choices=[('note', 'Note'), ('time', 'Time'), ('reversal', 'Reversal'), ('objection', 'Objection'), ('acceptance', 'Acceptance')], max_length=10)),
                ('looked_at', models.CharField(blank=True, max_length=200)),
                ('words', models.TextField(blank=True, max_length=2000)),
                ('minutes', models.SmallIntegerField(default=0)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='milestone',
            name='milestone_share_bounded',
        ),
        migrations.AddConstraint(
            model_name='milestone',
            constraint=models.CheckConstraint(condition=models.Q(('share_bp__range', (0, 10000))), name='milestone_share_bounded'),
        ),
        migrations.AddField(
            model_name='remotesession',
            name='contract',
            field=tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='%(class)s_rows', to='marketplace.contract'),
        ),
        migrations.AddField(
            model_name='remotesession',
            name='firm',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant'),
        ),
        migrations.AddField(
            model_name='remotesession',
            name='milestone',
            field=tenants.models.base.TenantForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='sessions', to='marketplace.milestone'),
        ),
        migrations.AddField(
            model_name='remotesession',
            name='tenant',
            field=models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant'),
        ),
        migrations.AddField(
            model_name='remotesession',
            name='user',
            field=models.ForeignKey(help_text='Whose deed it was.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='sessionentry',
            name='by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant'),
        ),
        migrations.AddField(
            model_name='sessionentry',
            name='contract',
            field=tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='%(class)s_rows', to='marketplace.contract'),
        ),
        migrations.AddField(
            model_name='sessionentry',
            name='firm',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant'),
        ),
        migrations.AddField(
            model_name='sessionentry',
            name='reverses',
            field=tenants.models.base.TenantForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reversals', to='marketplace.sessionentry'),
        ),
        migrations.AddField(
            model_name='sessionentry',
            name='session',
            field=tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='marketplace.remotesession'),
        ),
        migrations.AddField(
            model_name='sessionentry',
            name='tenant',
            field=models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant'),
        ),
        migrations.AddField(
            model_name='sessionentry',
            name='user',
            field=models.ForeignKey(help_text='Whose deed it was.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='remotesession',
            index=models.Index(fields=['tenant', '-id'], name='session_newest'),
        ),
        migrations.AddIndex(
            model_name='remotesession',
            index=models.Index(fields=['firm', '-id'], name='session_of_firm'),
        ),
        migrations.AddIndex(
            model_name='remotesession',
            index=models.Index(condition=models.Q(('state__in', ('proposed', 'booked'))), fields=['to_at'], name='session_to_come'),
        ),
        migrations.AddIndex(
            model_name='remotesession',
            index=models.Index(condition=models.Q(('state', 'ended')), fields=['answer_until'], name='session_to_be_answered'),
        ),
        migrations.AddConstraint(
            model_name='remotesession',
            constraint=models.UniqueConstraint(fields=('tenant', 'contract', 'number'), name='session_number_once'),
        ),
        migrations.AddConstraint(
            model_name='remotesession',
            constraint=models.UniqueConstraint(fields=('tenant', 'milestone'), name='session_settled_once'),
        ),
        migrations.AddConstraint(
            model_name='remotesession',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'running')), fields=('firm', 'expert_id'), name='session_one_running_of_expert'),
        ),
        migrations.AddConstraint(
            model_name='remotesession',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('state__in', ('proposed', 'booked', 'running'))), expressions=[('tenant', '='), ('assignment_id', '='), (marketplace.models.session.PlannedTime('from_at', 'to_at', django.contrib.postgres.fields.ranges.RangeBoundary()), '&&')], name='session_of_assignment_once'),
        ),
        migrations.AddConstraint(
            model_name='remotesession',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['proposed', 'booked', 'running', 'ended', 'objected', 'accepted', 'cancelled'])), name='session_state_known'),
        ),
        migrations.AddConstraint(
            model_name='remotesession',
            constraint=models.CheckConstraint(condition=models.Q(('to_at__gt', models.F('from_at'))), name='session_ends_after_it_begins'),
        ),
        migrations.AddConstraint(
            model_name='remotesession',
            constraint=models.CheckConstraint(condition=models.Q(('rate_minor__range', (1, 1000000000))), name='session_rate_bounded'),
        ),
        migrations.AddConstraint(
            model_name='remotesession',
            constraint=models.CheckConstraint(condition=models.Q(('ceiling_min__range', (1, 1440))), name='session_ceiling_bounded'),
        ),
        migrations.AddConstraint(
            model_name='remotesession',
            constraint=models.CheckConstraint(condition=models.Q(('measured_min__isnull', True), ('measured_min__lte', models.F('ceiling_min')), _connector='OR'), name='session_within_its_ceiling'),
        ),
        migrations.AddConstraint(
            model_name='remotesession',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('measured_min__isnull', True)), models.Q(('ended_at__gte', models.F('started_at')), ('measured_min__isnull', False)), _connector='OR'), name='session_measured_at_its_end'),
        ),
        migrations.AddConstraint(
            model_name='sessionentry',
            constraint=models.UniqueConstraint(fields=('tenant', 'reverses'), name='session_entry_reversed_once'),
        ),
        migrations.AddConstraint(
            model_name='sessionentry',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['note', 'time', 'reversal', 'objection', 'acceptance'])), name='session_entry_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='sessionentry',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'time'), ('minutes__gte', 0)), models.Q(('kind', 'reversal'), ('minutes__lte', 0)), ('minutes', 0), _connector='OR'), name='session_entry_minutes_bounded'),
        ),
        migrations.AddConstraint(
            model_name='sessionentry',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'reversal'), ('reverses__isnull', False), ('words__gt', '')), models.Q(models.Q(('kind', 'reversal'), _negated=True), ('reverses__isnull', True)), _connector='OR'), name='session_reversal_says_why'),
        ),
        *[Wall(model, read=BOTH, write=NOBODY, insert=OWN, update=OWN) for model in OF_BOTH],
        *[
            migrations.RunSQL(
                FIRM_KEY.format(model.lower()),
                f"ALTER TABLE marketplace_{model.lower()} DROP CONSTRAINT marketplace_{model.lower()}_firm_of_contract",
            )
            for model in OF_BOTH
        ],
        migrations.RunSQL(BESIDE_THE_PRICE, OF_THE_PRICE),
        migrations.RunSQL(GUARD_SESSION, "DROP FUNCTION marketplace_guard_session CASCADE"),
        migrations.RunSQL(GUARD_LOG, NO_GUARD_LOG),
    ]

"""Bids: their tables, who reads and writes them, and the triggers that judge states and the deadline."""

import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.ids
import tenants.models.base
from django.conf import settings
from django.db import migrations, models

from tenants.policies import ME, OWN, Wall

# In the owner's name alone: a bid lets its firm read the task, as a claim does. Nobody deletes one.
OF_TWO = {"read": f"{OWN} OR owner_id = {ME}", "write": "false", "insert": f"owner_id = {ME}", "update": f"owner_id = {ME}"}

TAKEN_PART_IN = """
CREATE OR REPLACE FUNCTION wall.tasks_taken_part_in() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT task_id FROM public.marketplace_claim WHERE tenant_id = (SELECT wall.tenant())
  UNION SELECT task_id FROM public.marketplace_contract WHERE firm_id = (SELECT wall.tenant())
  UNION SELECT task_id FROM public.marketplace_bid WHERE tenant_id = (SELECT wall.tenant()) $$;
"""
BEFORE = """
CREATE OR REPLACE FUNCTION wall.tasks_taken_part_in() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT task_id FROM public.marketplace_claim WHERE tenant_id = (SELECT wall.tenant())
  UNION SELECT task_id FROM public.marketplace_contract WHERE firm_id = (SELECT wall.tenant()) $$;
"""

# The pairs of states of marketplace/bids/lifecycle.py; a test compares the two cell by cell.
GUARD_BID = """
CREATE FUNCTION marketplace_guard_bid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'draft' AND NOT wall.importing() THEN
      RAISE EXCEPTION 'a bid begins as a draft, not as %', NEW.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
    ('draft', 'submitted'),
    ('submitted', 'withdrawn'), ('submitted', 'opened'), ('submitted', 'lost'),
    ('opened', 'shortlisted'), ('opened', 'disqualified'), ('opened', 'won'), ('opened', 'lost'),
    ('shortlisted', 'disqualified'), ('shortlisted', 'won'), ('shortlisted', 'lost'),
    ('disqualified', 'opened'), ('won', 'opened'), ('won', 'lost'), ('lost', 'opened')
  ) THEN
    RAISE EXCEPTION 'a bid can not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.tenant_id, NEW.owner_id, NEW.task_id, NEW.firm_name, NEW.created_at)
     IS DISTINCT FROM
     (OLD.id, OLD.tenant_id, OLD.owner_id, OLD.task_id, OLD.firm_name, OLD.created_at) THEN
    RAISE EXCEPTION 'whose bid it is never changes' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.version < OLD.version OR NEW.number < OLD.number THEN
    RAISE EXCEPTION 'versions of a bid only rise' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_bid BEFORE INSERT OR UPDATE ON marketplace_bid
  FOR EACH ROW EXECUTE FUNCTION marketplace_guard_bid();
"""

# FOR SHARE: whoever closes the bidding waits for versions that are being written, and those that come later see it.
GUARD_VERSION = """
CREATE FUNCTION marketplace_guard_bid_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  task record;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF (NEW.id, NEW.tenant_id, NEW.owner_id, NEW.bid_id, NEW.number, NEW.submitted_at, NEW.commitment, NEW.sealed)
       IS DISTINCT FROM
       (OLD.id, OLD.tenant_id, OLD.owner_id, OLD.bid_id, OLD.number, OLD.submitted_at, OLD.commitment, OLD.sealed)
       OR OLD.text NOT IN ('', NEW.text) OR OLD.fault <> '' THEN
      RAISE EXCEPTION 'a version of a bid never changes; it is opened once' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF wall.importing() THEN
    RETURN NEW;
  END IF;
  SELECT t.mode, t.state, t.bids_until INTO task
    FROM public.marketplace_servicetask t JOIN public.marketplace_bid b ON b.task_id = t.id
   WHERE b.id = NEW.bid_id FOR SHARE OF t;
  IF task.state IS DISTINCT FROM 'open' OR clock_timestamp() >= task.bids_until THEN
    RAISE EXCEPTION 'the bidding is over' USING ERRCODE = 'check_violation', CONSTRAINT = 'bid_version_in_time';
  END IF;
  IF (task.mode = 'tender') <> (NEW.text = '' AND NEW.sealed IS NOT NULL) THEN
    RAISE EXCEPTION 'bids of a tender are sealed, others are not' USING ERRCODE = 'check_violation';
  END IF;
  NEW.submitted_at := clock_timestamp();
  RETURN NEW;
END $$;
CREATE TRIGGER guard_bid_version BEFORE INSERT OR UPDATE ON marketplace_bidversion
  FOR EACH ROW EXECUTE FUNCTION marketplace_guard_bid_version();
"""

GUARD_OPENER = """
CREATE FUNCTION marketplace_guard_opener() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF wall.importing() OR TG_OP = 'DELETE' AND wall.tenant() IS NULL THEN
    RETURN coalesce(NEW, OLD);
  END IF;
  PERFORM FROM public.marketplace_servicetask
   WHERE id = coalesce(NEW.task_id, OLD.task_id) AND state = 'draft' AND mode = 'tender' FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the openers of a tender are settled before it is published' USING ERRCODE = 'check_violation';
  END IF;
  RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER guard_opener BEFORE INSERT OR UPDATE OR DELETE ON marketplace_opener
  FOR EACH ROW EXECUTE FUNCTION marketplace_guard_opener();
"""

GUARD_COMPLAINT = """
CREATE FUNCTION marketplace_guard_complaint() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'open' AND NOT wall.importing() THEN
      RAISE EXCEPTION 'a complaint begins open, not as %', NEW.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF OLD.state <> 'open' THEN
    RAISE EXCEPTION 'a decided complaint never changes' USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.tenant_id, NEW.owner_id, NEW.task_id, NEW.bid_id, NEW.text, NEW.made_at)
     IS DISTINCT FROM
     (OLD.id, OLD.tenant_id, OLD.owner_id, OLD.task_id, OLD.bid_id, OLD.text, OLD.made_at) THEN
    RAISE EXCEPTION 'what was complained of never changes' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_complaint BEFORE INSERT OR UPDATE ON marketplace_complaint
  FOR EACH ROW EXECUTE FUNCTION marketplace_guard_complaint();
"""


def in_guard(old: str, new: str):
    """Criteria are terms: the guard of tasks keeps them once they are published."""

    def run(apps, schema_editor):
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT pg_get_functiondef('marketplace_guard_task'::regproc)")
            (definition,) = cursor.fetchone()
            assert old.format("NEW") in definition and old.format("OLD") in definition
            for row in ("NEW", "OLD"):
                definition = definition.replace(old.format(row), new.format(row))
            cursor.execute(definition)

    return run


WITHOUT, WITH = "{0}.framework_id", "{0}.framework_id, {0}.criteria"


class Migration(migrations.Migration):

    dependencies = [
        ('marketplace', '0008_profiles'),
        ('tenants', '0017_feed'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='servicetask',
            name='criteria',
            field=models.JSONField(default=list),
        ),
        migrations.CreateModel(
            name='Bid',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('firm_name', models.CharField(help_text='The name under which the firm bid.', max_length=200)),
                ('state', models.CharField(choices=[('draft', 'Draft'), ('submitted', 'Submitted'), ('withdrawn', 'Withdrawn'), ('opened', 'Opened'), ('disqualified', 'Disqualified'), ('shortlisted', 'Shortlisted'), ('won', 'Won'), ('lost', 'Lost')], default='draft', max_length=12)),
                ('number', models.PositiveIntegerField(default=0, help_text='How many versions there are.')),
                ('reason', models.TextField(blank=True)),
                ('outcome', models.JSONField(null=True)),
                ('version', models.PositiveIntegerField(default=1)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('decided_at', models.DateTimeField(help_text='When it won, lost or was disqualified.', null=True)),
                ('owner', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('task', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='bids', tenant_field='owner', to='marketplace.servicetask')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='BidScore',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('criterion', models.CharField(max_length=80)),
                ('points', models.PositiveSmallIntegerField()),
                ('reason', models.TextField()),
                ('bid', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='scores', tenant_field='firm', to='marketplace.bid')),
                ('firm', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='BidVersion',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField()),
                ('submitted_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text="By the database's clock.")),
                ('commitment', models.CharField(max_length=64)),
                ('text', models.TextField(blank=True)),
                ('sealed', models.JSONField(null=True)),
                ('fault', models.CharField(blank=True, max_length=200)),
                ('bid', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='marketplace.bid')),
                ('owner', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='Complaint',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('text', models.TextField()),
                ('state', models.CharField(choices=[('open', 'Open'), ('upheld', 'Upheld'), ('rejected', 'Rejected')], default='open', max_length=10)),
                ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('decision', models.TextField(blank=True, help_text='Why it was upheld or rejected.')),
                ('decided_at', models.DateTimeField(null=True)),
                ('bid', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='complaints', to='marketplace.bid')),
                ('owner', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('task', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='complaints', tenant_field='owner', to='marketplace.servicetask')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='Opener',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('user_name', models.CharField(max_length=254)),
                ('public_key', models.CharField(help_text='In hex, as the salt.', max_length=64)),
                ('salt', models.CharField(max_length=32)),
                ('registered_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('task', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='openers', to='marketplace.servicetask')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Opening',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('opened_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('shares', models.JSONField()),
                ('opener', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='openings', to='marketplace.opener')),
                ('task', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='openings', to='marketplace.servicetask')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.AddIndex(
            model_name='bid',
            index=models.Index(fields=['tenant', '-id'], name='bid_newest'),
        ),
        migrations.AddIndex(
            model_name='bid',
            index=models.Index(fields=['owner', 'task'], name='bid_of_task'),
        ),
        migrations.AddConstraint(
            model_name='bid',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'withdrawn'), _negated=True), fields=('tenant', 'task'), name='bid_one_live', violation_error_message='Your organisation has a bid on this task; send a new version of it.'),
        ),
        migrations.AddConstraint(
            model_name='bid',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'won')), fields=('owner', 'task'), name='bid_one_won', violation_error_message='Another bid has won this task.'),
        ),
        migrations.AddConstraint(
            model_name='bid',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['draft', 'submitted', 'withdrawn', 'opened', 'disqualified', 'shortlisted', 'won', 'lost'])), name='bid_state_known'),
        ),
        migrations.AddConstraint(
            model_name='bid',
            constraint=models.CheckConstraint(condition=models.Q(('tenant', models.F('owner')), _negated=True), name='bid_between_two'),
        ),
        migrations.AddConstraint(
            model_name='bidscore',
            constraint=models.UniqueConstraint(fields=('tenant', 'bid', 'criterion'), name='bid_score_once'),
        ),
        migrations.AddConstraint(
            model_name='bidscore',
            constraint=models.CheckConstraint(condition=models.Q(('points__range', (0, 100))), name='bid_score_bounded'),
        ),
        migrations.AddConstraint(
            model_name='bidversion',
            constraint=models.UniqueConstraint(fields=('tenant', 'bid', 'number'), name='bid_version_once'),
        ),
        migrations.AddConstraint(
            model_name='bidversion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('text', ''), _negated=True), ('sealed__isnull', False), _connector='OR'), name='bid_version_says_something'),
        ),
        migrations.AddIndex(
            model_name='complaint',
            index=models.Index(fields=['owner', 'task'], name='complaint_of_task'),
        ),
        migrations.AddConstraint(
            model_name='complaint',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('tenant', 'bid'), name='complaint_one_open', violation_error_message='A complaint of yours about this award waits for its decision.'),
        ),
        migrations.AddConstraint(
            model_name='complaint',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('state', 'open')), models.Q(('decided_at__isnull', False), ('state__in', ['upheld', 'rejected'])), _connector='OR'), name='complaint_open_or_decided'),
        ),
        migrations.AddConstraint(
            model_name='opener',
            constraint=models.UniqueConstraint(fields=('tenant', 'task', 'user'), name='opener_once', violation_error_message='You are an opener of this tender.'),
        ),
        migrations.AddConstraint(
            model_name='opening',
            constraint=models.UniqueConstraint(fields=('tenant', 'task', 'opener'), name='opening_once'),
        ),
        migrations.RunPython(in_guard(WITHOUT, WITH), in_guard(WITH, WITHOUT)),
        Wall("Bid", **OF_TWO),
        Wall("BidVersion", **OF_TWO),
        Wall("Complaint", **OF_TWO),
        Wall("BidScore"),
        Wall("Opener"),
        # An opener's part is given once and stays.
        Wall("Opening", write="false", insert=OWN),
        migrations.RunSQL(TAKEN_PART_IN, BEFORE),
        migrations.RunSQL(GUARD_BID, "DROP FUNCTION marketplace_guard_bid CASCADE"),
        migrations.RunSQL(GUARD_VERSION, "DROP FUNCTION marketplace_guard_bid_version CASCADE"),
        migrations.RunSQL(GUARD_OPENER, "DROP FUNCTION marketplace_guard_opener CASCADE"),
        migrations.RunSQL(GUARD_COMPLAINT, "DROP FUNCTION marketplace_guard_complaint CASCADE"),
    ]

"""Contracts: work in milestones, its settlement in balanced books, disputes and ratings, behind their walls."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.ids
import tenants.models.base
from django.conf import settings
from django.db import migrations, models

from tenants.policies import ME, OWN, Wall

NOBODY = "false"
BOTH = f"{OWN} OR firm_id = {ME}"
# Beside the contract itself, what is read by its two parties and written in the buyer's name, never deleted.
OF_BOTH = ("Milestone", "Submission", "Inspection", "Receipt", "Invoice", "InvoiceLine", "JournalEntry", "JournalLine")
OF_BOTH += ("Dispute", "DisputeNote")
# Their `firm` is that of their contract.
FIRM_KEY = """
ALTER TABLE marketplace_{0} ADD CONSTRAINT marketplace_{0}_firm_of_contract FOREIGN KEY (tenant_id, firm_id, contract_id)
  REFERENCES marketplace_contract (tenant_id, firm_id, id) DEFERRABLE INITIALLY DEFERRED;
"""

# The pairs of states of marketplace/contracts/lifecycle.py; a test compares them cell by cell.
GUARD_CONTRACT = """
CREATE FUNCTION marketplace_guard_contract() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'in_progress' AND NOT wall.importing() THEN
      RAISE EXCEPTION 'a contract begins in progress, not as %', NEW.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
    ('in_progress', 'fulfilled'), ('in_progress', 'disputed'), ('in_progress', 'terminated'),
    ('fulfilled', 'closed'), ('fulfilled', 'disputed'),
    ('disputed', 'in_progress'), ('disputed', 'fulfilled'), ('disputed', 'terminated')
  ) THEN
    RAISE EXCEPTION 'a contract can not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.tenant_id, NEW.firm_id, NEW.task_id, NEW.owner_name, NEW.firm_name, NEW.title, NEW.price_minor,
      NEW.currency, NEW.retention_bp, NEW.warranty_d, NEW.written_at)
     IS DISTINCT FROM
     (OLD.id, OLD.tenant_id, OLD.firm_id, OLD.task_id, OLD.owner_name, OLD.firm_name, OLD.title, OLD.price_minor,
      OLD.currency, OLD.retention_bp, OLD.warranty_d, OLD.written_at) THEN
    RAISE EXCEPTION 'what a contract says never changes' USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.tax_bp, NEW.tolerance_bp) IS DISTINCT FROM (OLD.tax_bp, OLD.tolerance_bp)
     AND EXISTS (SELECT FROM marketplace_receipt WHERE tenant_id = NEW.tenant_id AND contract_id = NEW.id) THEN
    RAISE EXCEPTION 'something was received under these terms' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.version < OLD.version THEN
    RAISE EXCEPTION 'the version of a contract only rises' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_contract BEFORE INSERT OR UPDATE ON marketplace_contract
  FOR EACH ROW EXECUTE FUNCTION marketplace_guard_contract();
"""
GUARD_MILESTONE = """
CREATE FUNCTION marketplace_guard_milestone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'planned' AND NOT wall.importing() THEN
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
CREATE TRIGGER guard_milestone BEFORE INSERT OR UPDATE ON marketplace_milestone
  FOR EACH ROW EXECUTE FUNCTION marketplace_guard_milestone();
"""
FROZEN = """
CREATE TRIGGER submission_is_frozen BEFORE UPDATE ON marketplace_submission FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('What was submitted never changes; submit again.');
CREATE TRIGGER inspection_is_frozen BEFORE UPDATE ON marketplace_inspection FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('What an inspection came to never changes.');
CREATE TRIGGER receipt_is_frozen BEFORE UPDATE ON marketplace_receipt FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('A receipt never changes.');
CREATE TRIGGER invoice_is_frozen
  BEFORE UPDATE OF id, tenant_id, firm_id, contract_id, number, user_id, created_at ON marketplace_invoice FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('An invoice never changes; return it.');
CREATE TRIGGER invoice_is_returned_once BEFORE UPDATE OF state ON marketplace_invoice FOR EACH ROW
  WHEN (NOT (OLD.state = 'mismatched' AND NEW.state = 'returned'))
  EXECUTE FUNCTION tenants_refuse_change('Only an invoice that does not agree is returned.');
CREATE TRIGGER invoice_line_is_frozen BEFORE UPDATE ON marketplace_invoiceline FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('A line of an invoice never changes.');
CREATE TRIGGER journal_entry_is_frozen BEFORE UPDATE ON marketplace_journalentry FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('Books are never changed; write a further entry.');
CREATE TRIGGER journal_line_is_frozen BEFORE UPDATE ON marketplace_journalline FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('Books are never changed; write a further entry.');
CREATE TRIGGER dispute_is_frozen
  BEFORE UPDATE OF id, tenant_id, firm_id, contract_id, by_id, reason, user_id, created_at ON marketplace_dispute
  FOR EACH ROW EXECUTE FUNCTION tenants_refuse_change('What a dispute is about never changes.');
CREATE TRIGGER dispute_is_over BEFORE UPDATE ON marketplace_dispute FOR EACH ROW WHEN (OLD.resolved_at IS NOT NULL)
  EXECUTE FUNCTION tenants_refuse_change('A dispute that is over stays over.');
CREATE TRIGGER dispute_note_is_frozen BEFORE UPDATE ON marketplace_disputenote FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('What was said in a dispute never changes; say more.');
CREATE TRIGGER rating_is_frozen
  BEFORE UPDATE OF id, tenant_id, about_id, owner_id, contract_id, stars, words, given_at ON marketplace_rating
  FOR EACH ROW EXECUTE FUNCTION tenants_refuse_change('A rating never changes.');
"""
THAWED = """
DROP TRIGGER submission_is_frozen ON marketplace_submission;
DROP TRIGGER inspection_is_frozen ON marketplace_inspection;
DROP TRIGGER receipt_is_frozen ON marketplace_receipt;
DROP TRIGGER invoice_is_frozen ON marketplace_invoice;
DROP TRIGGER invoice_is_returned_once ON marketplace_invoice;
DROP TRIGGER invoice_line_is_frozen ON marketplace_invoiceline;
DROP TRIGGER journal_entry_is_frozen ON marketplace_journalentry;
DROP TRIGGER journal_line_is_frozen ON marketplace_journalline;
DROP TRIGGER dispute_is_frozen ON marketplace_dispute;
DROP TRIGGER dispute_is_over ON marketplace_dispute;
DROP TRIGGER dispute_note_is_frozen ON marketplace_disputenote;
DROP TRIGGER rating_is_frozen ON marketplace_rating;
"""
# At the commit, under whichever identity ends the transaction: an entry that it can't see is refused, too.
BALANCED = """
CREATE FUNCTION marketplace_check_journal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  rest bigint;
BEGIN
  SELECT sum(amount_minor) INTO rest FROM public.marketplace_journalline
   WHERE tenant_id = NEW.tenant_id AND entry_id = NEW.entry_id AND currency = NEW.currency;
  IF rest IS DISTINCT FROM 0 THEN
    RAISE EXCEPTION 'an entry of the books does not balance: % % are left', rest, NEW.currency
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER journal_balances AFTER INSERT ON marketplace_journalline DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION marketplace_check_journal();
"""
PARTIES = """
CREATE OR REPLACE FUNCTION wall.tasks_taken_part_in() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT task_id FROM public.marketplace_claim WHERE tenant_id = (SELECT wall.tenant())
  UNION SELECT task_id FROM public.marketplace_contract WHERE firm_id = (SELECT wall.tenant()) $$;
"""
BEFORE = """
CREATE OR REPLACE FUNCTION wall.tasks_taken_part_in() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT task_id FROM public.marketplace_claim WHERE tenant_id = (SELECT wall.tenant()) $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('marketplace', '0006_desk'),
        ('tenants', '0017_feed'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Contract',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('owner_name', models.CharField(help_text='The names under which the two agreed.', max_length=200)),
                ('firm_name', models.CharField(max_length=200)),
                ('title', models.CharField(max_length=200)),
                ('price_minor', models.BigIntegerField()),
                ('currency', models.CharField(max_length=3)),
                ('tax_bp', models.PositiveIntegerField(default=0)),
                ('tolerance_bp', models.PositiveIntegerField(default=0, help_text='How far an invoice may be from the receipt.')),
                ('retention_bp', models.PositiveIntegerField(default=0)),
                ('warranty_d', models.PositiveIntegerField(default=0)),
                ('access_until', models.DateTimeField()),
                ('state', models.CharField(choices=[('in_progress', 'In progress'), ('fulfilled', 'Fulfilled'), ('closed', 'Closed'), ('disputed', 'Disputed'), ('terminated', 'Terminated')], default='in_progress', max_length=12)),
                ('version', models.PositiveIntegerField(default=1)),
                ('written_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('fulfilled_at', models.DateTimeField(null=True)),
                ('closed_at', models.DateTimeField(null=True)),
                ('agreement', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.agreement')),
                ('firm', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('task', tenants.models.base.TenantForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='contracts', to='marketplace.servicetask')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='Dispute',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('reason', models.TextField(max_length=2000)),
                ('outcome', models.CharField(blank=True, choices=[('', 'Open'), ('resumed', 'Resumed'), ('terminated', 'Terminated')], default='', max_length=10)),
                ('resolved_at', models.DateTimeField(null=True)),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('contract', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='%(class)s_rows', to='marketplace.contract')),
                ('firm', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('user', models.ForeignKey(help_text='Whose deed it was.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='DisputeNote',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('words', models.TextField(max_length=2000)),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('contract', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='%(class)s_rows', to='marketplace.contract')),
                ('dispute', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notes', to='marketplace.dispute')),
                ('firm', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('user', models.ForeignKey(help_text='Whose deed it was.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Invoice',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('number', models.CharField(max_length=60)),
                ('state', models.CharField(choices=[('matched', 'Matched'), ('mismatched', 'Mismatched'), ('returned', 'Returned')], max_length=10)),
                ('reason', models.TextField(blank=True, help_text='Why it was returned.', max_length=2000)),
                ('contract', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='%(class)s_rows', to='marketplace.contract')),
                ('firm', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('user', models.ForeignKey(help_text='Whose deed it was.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='JournalEntry',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('kind', models.CharField(choices=[('accrual', 'Accrued at the receipt'), ('match', 'Owed by the invoice'), ('payment', 'Paid'), ('release', 'Retention released'), ('fee', 'Platform fee')], max_length=10)),
                ('reference', models.CharField(blank=True, max_length=60)),
                ('contract', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='%(class)s_rows', to='marketplace.contract')),
                ('firm', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('user', models.ForeignKey(help_text='Whose deed it was.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='JournalLine',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('account', models.CharField(choices=[('work_in_progress', 'Work received'), ('accrued', 'Received, not yet invoiced'), ('price_difference', 'Differences within the tolerance'), ('tax', 'Tax'), ('payable', 'Payable'), ('retention', 'Retained until the end of the warranty'), ('cash', 'Cash'), ('platform_fee', 'Platform fee'), ('platform_payable', 'Owed to the platform')], max_length=20)),
                ('amount_minor', models.BigIntegerField()),
                ('currency', models.CharField(max_length=3)),
                ('contract', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='%(class)s_rows', to='marketplace.contract')),
                ('entry', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='marketplace.journalentry')),
                ('firm', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='Milestone',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('number', models.PositiveSmallIntegerField()),
                ('title', models.CharField(max_length=200)),
                ('share_bp', models.PositiveIntegerField()),
                ('amount_minor', models.BigIntegerField()),
                ('due_at', models.DateTimeField()),
                ('state', models.CharField(choices=[('planned', 'Planned'), ('submitted', 'Submitted'), ('rework', 'Rework'), ('accepted', 'Accepted'), ('receipted', 'Receipted'), ('invoiced', 'Invoiced'), ('matched', 'Matched'), ('paid', 'Paid'), ('released', 'Released'), ('settled', 'Settled')], default='planned', max_length=10)),
                ('submitted_at', models.DateTimeField(null=True)),
                ('accepted_at', models.DateTimeField(null=True)),
                ('retained_until', models.DateTimeField(null=True)),
                ('contract', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='%(class)s_rows', to='marketplace.contract')),
                ('firm', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'ordering': ['number'],
            },
        ),
        migrations.AddField(
            model_name='journalentry',
            name='milestone',
            field=tenants.models.base.TenantForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='journal', to='marketplace.milestone'),
        ),
        migrations.CreateModel(
            name='InvoiceLine',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('net_minor', models.BigIntegerField()),
                ('tax_minor', models.BigIntegerField()),
                ('findings', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None)),
                ('contract', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='%(class)s_rows', to='marketplace.contract')),
                ('firm', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('invoice', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='marketplace.invoice')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('user', models.ForeignKey(help_text='Whose deed it was.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('milestone', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='invoice_lines', to='marketplace.milestone')),
            ],
        ),
        migrations.CreateModel(
            name='Rating',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('stars', models.PositiveSmallIntegerField()),
                ('words', models.TextField(blank=True, max_length=2000)),
                ('given_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('revealed_at', models.DateTimeField()),
                ('about', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('contract', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='ratings', tenant_field='owner', to='marketplace.contract')),
                ('owner', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='Receipt',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('amount_minor', models.BigIntegerField()),
                ('note', models.TextField(blank=True, max_length=2000)),
                ('contract', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='%(class)s_rows', to='marketplace.contract')),
                ('firm', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('milestone', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='receipts', to='marketplace.milestone')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('user', models.ForeignKey(help_text='Whose deed it was.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Submission',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('note', models.TextField(blank=True, max_length=2000)),
                ('evidence', models.JSONField(null=True)),
                ('contract', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='%(class)s_rows', to='marketplace.contract')),
                ('firm', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('milestone', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='submissions', to='marketplace.milestone')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('user', models.ForeignKey(help_text='Whose deed it was.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Inspection',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('outcome', models.CharField(choices=[('accepted', 'Accepted'), ('rework', 'Rework')], max_length=8)),
                ('reason', models.TextField(blank=True, max_length=2000)),
                ('contract', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='%(class)s_rows', to='marketplace.contract')),
                ('firm', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('user', models.ForeignKey(help_text='Whose deed it was.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('milestone', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='inspections', to='marketplace.milestone')),
                ('submission', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='inspections', to='marketplace.submission')),
            ],
        ),
        migrations.AddIndex(
            model_name='contract',
            index=models.Index(fields=['tenant', '-id'], name='contract_newest'),
        ),
        migrations.AddIndex(
            model_name='contract',
            index=models.Index(fields=['firm', '-id'], name='contract_of_firm'),
        ),
        migrations.AddConstraint(
            model_name='contract',
            constraint=models.UniqueConstraint(fields=('tenant', 'task'), name='contract_one_of_task'),
        ),
        migrations.AddConstraint(
            model_name='contract',
            constraint=models.UniqueConstraint(fields=('tenant', 'firm', 'id'), name='contract_between'),
        ),
        migrations.AddConstraint(
            model_name='contract',
            constraint=models.CheckConstraint(condition=models.Q(('firm', models.F('tenant')), _negated=True), name='contract_between_two'),
        ),
        migrations.AddConstraint(
            model_name='contract',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['in_progress', 'fulfilled', 'closed', 'disputed', 'terminated'])), name='contract_state_known'),
        ),
        migrations.AddConstraint(
            model_name='contract',
            constraint=models.CheckConstraint(condition=models.Q(('price_minor__range', (0, 1000000000000000))), name='contract_price_bounded'),
        ),
        migrations.AddConstraint(
            model_name='contract',
            constraint=models.CheckConstraint(condition=models.Q(('tax_bp__range', (0, 5000))), name='contract_tax_bounded'),
        ),
        migrations.AddConstraint(
            model_name='contract',
            constraint=models.CheckConstraint(condition=models.Q(('tolerance_bp__range', (0, 1000))), name='contract_tolerance_bounded'),
        ),
        migrations.AddConstraint(
            model_name='contract',
            constraint=models.CheckConstraint(condition=models.Q(('retention_bp__range', (0, 5000))), name='contract_retention_bounded'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.UniqueConstraint(condition=models.Q(('resolved_at__isnull', True)), fields=('tenant', 'contract'), name='dispute_one_open'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.CheckConstraint(condition=models.Q(('outcome', ''), ('resolved_at__isnull', False), _connector='XOR'), name='dispute_open_or_over'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.CheckConstraint(condition=models.Q(('reason__gt', '')), name='dispute_says_why'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.UniqueConstraint(fields=('tenant', 'firm', 'number'), name='invoice_number_once'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['matched', 'mismatched', 'returned'])), name='invoice_state_known'),
        ),
        migrations.AddConstraint(
            model_name='journalline',
            constraint=models.CheckConstraint(condition=models.Q(('account__in', ['work_in_progress', 'accrued', 'price_difference', 'tax', 'payable', 'retention', 'cash', 'platform_fee', 'platform_payable'])), name='journal_account_known'),
        ),
        migrations.AddConstraint(
            model_name='journalline',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor', 0), _negated=True), name='journal_line_of_something'),
        ),
        migrations.AddIndex(
            model_name='milestone',
            index=models.Index(condition=models.Q(('state', 'paid')), fields=['retained_until'], name='milestone_retained'),
        ),
        migrations.AddConstraint(
            model_name='milestone',
            constraint=models.UniqueConstraint(fields=('tenant', 'contract', 'number'), name='milestone_number_once'),
        ),
        migrations.AddConstraint(
            model_name='milestone',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['planned', 'submitted', 'rework', 'accepted', 'receipted', 'invoiced', 'matched', 'paid', 'released', 'settled'])), name='milestone_state_known'),
        ),
        migrations.AddConstraint(
            model_name='milestone',
            constraint=models.CheckConstraint(condition=models.Q(('share_bp__range', (1, 10000))), name='milestone_share_bounded'),
        ),
        migrations.AddConstraint(
            model_name='milestone',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__range', (0, 1000000000000000))), name='milestone_amount_bounded'),
        ),
        migrations.AddConstraint(
            model_name='journalentry',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['accrual', 'match', 'payment', 'release', 'fee'])), name='journal_entry_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='journalentry',
            constraint=models.CheckConstraint(condition=models.Q(('kind', 'fee'), ('firm__isnull', False), _connector='XOR'), name='journal_fee_has_no_firm'),
        ),
        migrations.AddConstraint(
            model_name='invoiceline',
            constraint=models.UniqueConstraint(fields=('tenant', 'invoice', 'milestone'), name='invoice_line_once'),
        ),
        migrations.AddConstraint(
            model_name='invoiceline',
            constraint=models.CheckConstraint(condition=models.Q(('net_minor__range', (0, 2000000000000000)), ('tax_minor__range', (0, 2000000000000000))), name='invoice_line_bounded'),
        ),
        migrations.AddConstraint(
            model_name='rating',
            constraint=models.UniqueConstraint(fields=('tenant', 'contract'), name='rating_once'),
        ),
        migrations.AddConstraint(
            model_name='rating',
            constraint=models.CheckConstraint(condition=models.Q(('stars__range', (1, 5))), name='rating_stars_bounded'),
        ),
        migrations.AddConstraint(
            model_name='rating',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('about', models.F('tenant')), _negated=True), models.Q(('tenant', models.F('owner')), ('about', models.F('owner')), _connector='OR')), name='rating_between_the_parties'),
        ),
        migrations.AddConstraint(
            model_name='receipt',
            constraint=models.UniqueConstraint(fields=('tenant', 'milestone'), name='receipt_once'),
        ),
        migrations.AddConstraint(
            model_name='receipt',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__range', (0, 2000000000000000))), name='receipt_amount_bounded'),
        ),
        migrations.AddConstraint(
            model_name='inspection',
            constraint=models.UniqueConstraint(fields=('tenant', 'submission'), name='inspection_once'),
        ),
        migrations.AddConstraint(
            model_name='inspection',
            constraint=models.CheckConstraint(condition=models.Q(('outcome', 'accepted'), models.Q(('outcome', 'rework'), ('reason__gt', '')), _connector='OR'), name='inspection_says_why'),
        ),
        Wall("Contract", read=BOTH, write=NOBODY, insert=OWN, update=OWN),
        *[Wall(model, read=BOTH, write=NOBODY, insert=OWN, update=OWN) for model in OF_BOTH],
        # What one says is the other's to read once both have spoken, or when the time for it is over.
        Wall(
            "Rating",
            read=f"{OWN} OR about_id = {ME} AND revealed_at <= now()",
            write=NOBODY,
            insert=OWN,
            update=OWN,
        ),
        *[
            migrations.RunSQL(
                FIRM_KEY.format(model.lower()),
                f"ALTER TABLE marketplace_{model.lower()} DROP CONSTRAINT marketplace_{model.lower()}_firm_of_contract",
            )
            for model in OF_BOTH
        ],
        migrations.RunSQL(GUARD_CONTRACT, "DROP FUNCTION marketplace_guard_contract CASCADE"),
        migrations.RunSQL(GUARD_MILESTONE, "DROP FUNCTION marketplace_guard_milestone CASCADE"),
        migrations.RunSQL(FROZEN, THAWED),
        migrations.RunSQL(BALANCED, "DROP FUNCTION marketplace_check_journal CASCADE"),
        migrations.RunSQL(PARTIES, BEFORE),
    ]

"""What was used, at which rates, within which budget."""

from decimal import Decimal

import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.core.serializers.json
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import tenants.models.base
from tenants.policies import ME, OWN, Wall
from tenants.roles import CAPABILITIES

NOBODY = "false"
SOMEBODY = f"{ME} IS NOT NULL"
PLANS_OF_MINE = f"SELECT plan_id FROM tenants_rateassignment WHERE {OWN}"

# Prices in minor units for each `per` above what is free in a month. Regulators read by statute and pay nothing.
STANDARD = """
WITH plan AS (
  INSERT INTO tenants_rateplan (id, name, currency, kind, is_standard, from_month)
  SELECT gen_random_uuid(), 'Standard', currency, '', true, '2026-01-01' FROM unnest(ARRAY['USD', 'EUR', 'CNY']) AS currency
  RETURNING id
)
INSERT INTO tenants_rate (id, plan_id, meter, above, price_minor, per)
SELECT gen_random_uuid(), plan.id, rate.* FROM plan, (VALUES
  ('readings_stored', 10000000, 5, 100000),
  ('readings_stored', 1000000000, 2, 100000),
  ('feed_deliveries', 100000, 1, 1000),
  ('solver_seconds', 3600, 1, 10),
  ('shared_reads', 1000000, 1, 10000),
  ('accepted_tasks', 0, 200, 1)
) AS rate (meter, above, price_minor, per);
INSERT INTO tenants_rateplan (id, name, currency, kind, is_standard, from_month)
SELECT gen_random_uuid(), 'By statute', currency, 'regulator', true, '2026-01-01'
  FROM unnest(ARRAY['USD', 'EUR', 'CNY']) AS currency;
INSERT INTO tenants_usagemark (id, round, through) VALUES (1, 1, 0);
"""
FUNCTIONS = """
-- One row for each use, in the books of who pays; ordered, so that transactions that bill each other can't deadlock.
CREATE FUNCTION wall.meter(uses jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  me text := current_setting('app.tenant', true);
  use record;
BEGIN
  FOR use IN
    SELECT * FROM jsonb_to_recordset(uses) AS u(
      id uuid, tenant uuid, source text, event_id text, meter text, quantity numeric, at timestamptz,
      subject_kind text, subject_id text, counterpart uuid, agreement uuid)
    ORDER BY tenant, source, event_id
  LOOP
    PERFORM set_config('app.tenant', use.tenant::text, true);
    INSERT INTO public.tenants_usageevent
      (id, tenant_id, source, event_id, meter, quantity, at, hour, subject_kind, subject_id, counterpart_id, agreement_id)
      VALUES (use.id, use.tenant, use.source, use.event_id, use.meter, use.quantity, use.at,
              date_trunc('hour', use.at, 'UTC'), use.subject_kind, use.subject_id, use.counterpart, use.agreement)
      ON CONFLICT (tenant_id, source, event_id) DO NOTHING;
  END LOOP;
  PERFORM set_config('app.tenant', coalesce(me, ''), true);
END $$;

-- The round into which the open transaction writes. It holds the round's lock to its end, and looks again once it has
-- it: who closes a round moves the mark first, so nobody can be let into a round that is taken for over.
CREATE FUNCTION wall.usage_round() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  open_round integer;
BEGIN
  LOOP
    SELECT round INTO STRICT open_round FROM public.tenants_usagemark;
    PERFORM pg_advisory_xact_lock_shared(wall.usage_lock(), open_round);
    EXIT WHEN open_round = (SELECT round FROM public.tenants_usagemark);
  END LOOP;
  RETURN open_round;
END $$;
CREATE FUNCTION wall.usage_lock() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT 7411 $$;
CREATE FUNCTION tenants_usage_in_round() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.written_in := wall.usage_round();
  RETURN NEW;
END $$;
CREATE TRIGGER usage_in_round BEFORE INSERT ON tenants_usageevent FOR EACH ROW EXECUTE FUNCTION tenants_usage_in_round();

-- Whoever closes a statement holds this alone, whoever writes into a month that is over holds it with others.
CREATE FUNCTION wall.lock_statement(tenant uuid) RETURNS void LANGUAGE sql AS
  $$ SELECT pg_advisory_xact_lock(hashtextextended('statement of ' || tenant, 0)) $$;
CREATE FUNCTION tenants_usage_in_open_month() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtextextended('statement of ' || NEW.tenant_id, 0));
  IF EXISTS (SELECT FROM public.tenants_statement WHERE tenant_id = NEW.tenant_id AND closed_at IS NOT NULL
                AND month = date_trunc('month', NEW.hour AT TIME ZONE 'UTC')::date) THEN
    NEW.hour := date_trunc('hour', now(), 'UTC');
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER usage_in_open_month BEFORE INSERT ON tenants_usageevent FOR EACH ROW
  WHEN (NEW.hour < date_trunc('month', now(), 'UTC')) EXECUTE FUNCTION tenants_usage_in_open_month();

CREATE TRIGGER usage_event_is_frozen BEFORE UPDATE ON tenants_usageevent FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('What was used stays recorded.');
CREATE TRIGGER statement_is_frozen BEFORE UPDATE ON tenants_statement FOR EACH ROW WHEN (OLD.closed_at IS NOT NULL)
  EXECUTE FUNCTION tenants_refuse_change('A closed statement never changes.');
CREATE TRIGGER rate_is_frozen BEFORE UPDATE ON tenants_rate FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('A rate never changes; make another plan and assign that.');
CREATE TRIGGER rate_plan_is_frozen BEFORE UPDATE OF currency, kind, is_standard, from_month ON tenants_rateplan
  FOR EACH ROW EXECUTE FUNCTION tenants_refuse_change('A rate plan never changes; make another one and assign that.');
"""
NO_FUNCTIONS = """
DROP FUNCTION wall.meter(jsonb);
DROP FUNCTION tenants_usage_in_round() CASCADE;
DROP FUNCTION wall.usage_round();
DROP FUNCTION wall.usage_lock();
DROP FUNCTION tenants_usage_in_open_month() CASCADE;
DROP FUNCTION wall.lock_statement(uuid);
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0008_ledger")]

    operations = [
        migrations.AlterField(
            model_name="apikey",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(choices=[(c, c) for c in sorted(CAPABILITIES)], max_length=40), size=None
            ),
        ),
        migrations.CreateModel(
            name='RatePlan',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100)),
                ('currency', models.CharField(max_length=3)),
                ('kind', models.CharField(blank=True, choices=[('mining_group', 'Mining group'), ('mine_operator', 'Mine operator'), ('service_firm', 'Service firm'), ('equipment_maker', 'Equipment maker'), ('design_institute', 'Design institute'), ('consultancy', 'Consultancy'), ('logistics_firm', 'Logistics firm'), ('final_user', 'Final user'), ('regulator', 'Regulator')], default='', max_length=20)),
                ('is_standard', models.BooleanField(default=False)),
                ('from_month', models.DateField(help_text='The first day of a month.')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('from_month__day', 1)), name='rate_plan_from_first_of_month'), models.UniqueConstraint(condition=models.Q(('is_standard', True)), fields=('currency', 'kind', 'from_month'), name='rate_plan_standard_once')],
            },
        ),
        migrations.CreateModel(
            name='Rate',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('meter', models.CharField(choices=[('readings_stored', 'Readings stored'), ('feed_deliveries', 'Feed deliveries'), ('solver_seconds', 'Solver time'), ('shared_reads', "Partners' rows read"), ('accepted_tasks', 'Service tasks accepted')], max_length=20)),
                ('above', models.PositiveBigIntegerField(default=0)),
                ('price_minor', models.PositiveBigIntegerField(help_text="In the plan's currency, in minor units such as cents.")),
                ('per', models.PositiveBigIntegerField(default=1)),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rates', to='tenants.rateplan')),
            ],
            options={
                'ordering': ['meter', 'above'],
                'constraints': [models.UniqueConstraint(fields=('plan', 'meter', 'above'), name='rate_once'), models.CheckConstraint(condition=models.Q(('per__gt', 0)), name='rate_per_something')],
            },
        ),
        migrations.CreateModel(
            name='RateAssignment',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('from_month', models.DateField(help_text='The first day of a month.')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.rateplan')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('from_month__day', 1)), name='rate_assignment_from_first_of_month'), models.UniqueConstraint(fields=('tenant', 'from_month'), name='rate_assignment_once')],
            },
        ),
        migrations.CreateModel(
            name='UsageEvent',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('source', models.CharField(max_length=20)),
                ('event_id', models.CharField(max_length=100)),
                ('meter', models.CharField(choices=[('readings_stored', 'Readings stored'), ('feed_deliveries', 'Feed deliveries'), ('solver_seconds', 'Solver time'), ('shared_reads', "Partners' rows read"), ('accepted_tasks', 'Service tasks accepted')], max_length=20)),
                ('quantity', models.DecimalField(decimal_places=3, max_digits=20)),
                ('at', models.DateTimeField()),
                ('hour', models.DateTimeField()),
                ('subject_kind', models.CharField(max_length=20)),
                ('subject_id', models.CharField(max_length=80)),
                ('written_in', models.IntegerField(db_default=0, editable=False, help_text='The round; a trigger sets it.')),
                ('agreement', tenants.models.base.TenantForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', tenant_field='counterpart', to='tenants.agreement')),
                ('counterpart', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'meter', 'hour'], name='usage_event_of_hour'), models.Index(fields=['written_in'], name='usage_event_written_in')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'source', 'event_id'), name='usage_event_once'), models.CheckConstraint(condition=models.Q(('quantity__gt', 0)), name='usage_event_of_something'), models.CheckConstraint(condition=models.Q(('agreement__isnull', True), ('counterpart__isnull', False), _connector='OR'), name='usage_agreement_has_owner')],
            },
        ),
        migrations.CreateModel(
            name='UsageHour',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('meter', models.CharField(choices=[('readings_stored', 'Readings stored'), ('feed_deliveries', 'Feed deliveries'), ('solver_seconds', 'Solver time'), ('shared_reads', "Partners' rows read"), ('accepted_tasks', 'Service tasks accepted')], max_length=20)),
                ('hour', models.DateTimeField()),
                ('quantity', models.DecimalField(decimal_places=3, max_digits=20)),
                ('n_events', models.PositiveBigIntegerField()),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'hour', 'meter'), name='usage_hour_once')],
            },
        ),
        migrations.CreateModel(
            name='UsageMark',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('round', models.IntegerField(default=1)),
                ('through', models.IntegerField(default=0)),
                ('moved_at', models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow())),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='usage_mark_alone'), models.CheckConstraint(condition=models.Q(('through', models.expressions.CombinedExpression(models.F('round'), '-', models.Value(1))), ('through', models.expressions.CombinedExpression(models.F('round'), '-', models.Value(2))), _connector='OR'), name='usage_mark_near_round')],
            },
        ),
        migrations.CreateModel(
            name='Budget',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('cap_minor', models.PositiveBigIntegerField()),
                ('warn_frac', models.DecimalField(decimal_places=2, default=Decimal('0.80'), max_digits=3)),
                ('stops', models.BooleanField(default=True)),
                ('set_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('warned_for', models.DateField(editable=False, null=True)),
                ('reached_for', models.DateField(editable=False, null=True)),
                ('set_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant',), name='budget_once'), models.CheckConstraint(condition=models.Q(('warn_frac__gt', 0), ('warn_frac__lte', 1)), name='budget_warns_before_cap')],
            },
        ),
        migrations.CreateModel(
            name='Statement',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('month', models.DateField()),
                ('currency', models.CharField(max_length=3)),
                ('lines', models.JSONField(default=list, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ('total_minor', models.BigIntegerField(null=True)),
                ('closed_at', models.DateTimeField(null=True)),
                ('plan', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.rateplan')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'month'), name='statement_once'), models.CheckConstraint(condition=models.Q(('month__day', 1)), name='statement_of_whole_month'), models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', True), ('total_minor__isnull', True)), models.Q(('closed_at__isnull', False), ('total_minor__isnull', False)), _connector='OR'), name='statement_closed_with_total')],
            },
        ),
        migrations.RunSQL(STANDARD, migrations.RunSQL.noop),
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        Wall("RateAssignment", write=NOBODY),
        Wall("RatePlan", read=f"{SOMEBODY} AND (is_standard OR id IN ({PLANS_OF_MINE}))", write=NOBODY),
        Wall("Rate", read="plan_id IN (SELECT id FROM tenants_rateplan)", write=NOBODY),
        Wall("UsageEvent", write=NOBODY, insert=OWN),
        Wall("UsageHour", write=NOBODY),
        Wall("UsageMark", read=SOMEBODY, write=NOBODY),
        Wall("Budget"),
        Wall("Statement", write=NOBODY),
    ]

"""People and their papers, stock, bookings and relocations: the tables, their walls, and what must never happen."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models

import tenants.models.base
from tenants.policies import OWN, Wall
from tenants.roles import CAPABILITIES

NOBODY = "false"
FROZEN = """
CREATE TRIGGER stock_move_is_frozen BEFORE UPDATE ON tenants_stockmove FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('A move of stock never changes; write an adjustment.');
CREATE TRIGGER relocation_is_frozen BEFORE UPDATE ON tenants_relocation FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('A relocation never changes; move it back.');
CREATE TRIGGER booking_is_frozen
  BEFORE UPDATE OF id, tenant_id, person_id, equipment_id, site_id, during ON tenants_booking FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('Who is booked, where and when never changes; cancel it and book again.');
CREATE TRIGGER stock_level_follows_moves BEFORE INSERT OR UPDATE ON tenants_stocklevel FOR EACH ROW
  WHEN (pg_trigger_depth() = 0)
  EXECUTE FUNCTION tenants_refuse_change('What is in stock changes by moves only.');
"""
THAWED = """
DROP TRIGGER stock_move_is_frozen ON tenants_stockmove;
DROP TRIGGER relocation_is_frozen ON tenants_relocation;
DROP TRIGGER booking_is_frozen ON tenants_booking;
DROP TRIGGER stock_level_follows_moves ON tenants_stocklevel;
"""
# The level's row is locked by the update, so moves of one material at one site come one after the other.
LEVELS = """
CREATE FUNCTION tenants_keep_stock_level() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.tenants_stocklevel (id, tenant_id, site_id, material_id, quantity)
    VALUES (uuidv7(), NEW.tenant_id, NEW.site_id, NEW.material_id, 0)
    ON CONFLICT (tenant_id, site_id, material_id) DO NOTHING;
  UPDATE public.tenants_stocklevel SET quantity = quantity + NEW.quantity
   WHERE tenant_id = NEW.tenant_id AND site_id = NEW.site_id AND material_id = NEW.material_id
   RETURNING quantity INTO NEW.balance;
  RETURN NEW;
END $$;
CREATE TRIGGER stock_level_is_kept BEFORE INSERT ON tenants_stockmove FOR EACH ROW
  EXECUTE FUNCTION tenants_keep_stock_level();

CREATE FUNCTION tenants_check_stock_transfer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT count(*) <> 2 OR sum(quantity) <> 0 OR count(DISTINCT material_id) <> 1 OR count(DISTINCT site_id) <> 2
        FROM public.tenants_stockmove WHERE tenant_id = NEW.tenant_id AND transfer = NEW.transfer) THEN
    RAISE EXCEPTION 'A transfer brings to one site what it takes from another.' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER stock_transfer_is_whole AFTER INSERT ON tenants_stockmove DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.transfer IS NOT NULL) EXECUTE FUNCTION tenants_check_stock_transfer();
"""
NO_LEVELS = "DROP FUNCTION tenants_keep_stock_level CASCADE; DROP FUNCTION tenants_check_stock_transfer CASCADE"


class Migration(migrations.Migration):
    dependencies = [("tenants", "0009_metering")]

    operations = [
        BtreeGistExtension(),
        migrations.CreateModel(
            name='Material',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('code', models.CharField(max_length=40)),
                ('name', models.CharField(max_length=200)),
                ('unit', models.CharField(max_length=10)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'ordering': ['code'],
                'constraints': [
                    models.UniqueConstraint(fields=('tenant', 'code'), name='material_code_once', violation_error_message='This material code is taken.'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Person',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('code', models.CharField(max_length=40)),
                ('name', models.CharField(max_length=200)),
                ('email', models.EmailField(blank=True, default='', max_length=254)),
                ('left_on', models.DateField(blank=True, null=True)),
                ('listed', models.BooleanField(default=False, editable=False)),
                ('erased_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('home_site', tenants.models.base.TenantForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='people', to='tenants.site')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'people',
                'indexes': [
                    models.Index(fields=['tenant', 'home_site'], name='person_of_site'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('tenant', 'code'), name='person_code_once', violation_error_message='This code is taken.'),
                    models.UniqueConstraint(fields=('tenant', 'user'), name='person_of_user_once', violation_error_message='This user is linked to a person already.'),
                    models.CheckConstraint(condition=models.Q(('listed', False)), name='person_not_listed', violation_error_message="People can't be listed."),
                ],
            },
        ),
        migrations.CreateModel(
            name='Certificate',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=40)),
                ('number', models.CharField(max_length=100)),
                ('issuer', models.CharField(max_length=200)),
                ('issued_on', models.DateField()),
                ('expires_on', models.DateField(blank=True, null=True)),
                ('document_hash', models.CharField(blank=True, default='', max_length=64)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('person', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='certificates', to='tenants.person')),
            ],
            options={
                'indexes': [
                    models.Index(fields=['tenant', 'expires_on'], name='certificate_by_expiry'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('tenant', 'person', 'kind', 'number'), name='certificate_once', violation_error_message='The person holds this certificate already.'),
                    models.CheckConstraint(condition=models.Q(('expires_on__isnull', True), ('expires_on__gte', models.F('issued_on')), _connector='OR'), name='certificate_ends_after_issue', violation_error_message="A certificate can't expire before it is issued."),
                ],
            },
        ),
        migrations.CreateModel(
            name='Relocation',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('reason', models.CharField(blank=True, default='', max_length=200)),
                ('moved_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('equipment', tenants.models.base.TenantForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='relocations', to='tenants.equipment')),
                ('from_site', tenants.models.base.TenantForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.site')),
                ('moved_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('person', tenants.models.base.TenantForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='relocations', to='tenants.person')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('to_site', tenants.models.base.TenantForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.site')),
            ],
            options={
                'indexes': [
                    models.Index(fields=['tenant', '-id'], name='relocation_newest'),
                    models.Index(fields=['equipment', 'from_site'], name='relocation_of_equipment'),
                ],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('person__isnull', True), ('equipment__isnull', True), _connector='XOR'), name='relocation_of_one_resource'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Skill',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('code', models.CharField(max_length=40)),
                ('name', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'ordering': ['code'],
                'constraints': [
                    models.UniqueConstraint(fields=('tenant', 'code'), name='skill_code_once', violation_error_message='This skill code is taken.'),
                ],
            },
        ),
        migrations.CreateModel(
            name='SiteRequirement',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('level', models.PositiveSmallIntegerField()),
                ('n_people', models.PositiveSmallIntegerField()),
                ('certificates', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, size=None)),
                ('site', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.site')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('skill', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.skill')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('tenant', 'site', 'skill'), name='site_requirement_once'),
                    models.CheckConstraint(condition=models.Q(('level__range', (1, 5))), name='site_requirement_level', violation_error_message='Levels go from 1 to 5.'),
                ],
            },
        ),
        migrations.CreateModel(
            name='PersonSkill',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('level', models.PositiveSmallIntegerField()),
                ('assessed_on', models.DateField()),
                ('assessor', models.CharField(blank=True, default='', max_length=200)),
                ('person', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='skills', to='tenants.person')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('skill', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.skill')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('tenant', 'person', 'skill'), name='person_skill_once'),
                    models.CheckConstraint(condition=models.Q(('level__range', (1, 5))), name='person_skill_level', violation_error_message='Levels go from 1 to 5.'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Booking',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('during', django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                ('purpose', models.CharField(max_length=200)),
                ('reference', models.CharField(blank=True, default='', max_length=100)),
                ('certificates', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, size=None)),
                ('booked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('cancelled_at', models.DateTimeField(blank=True, null=True)),
                ('cancel_reason', models.CharField(blank=True, default='', max_length=200)),
                ('booked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('cancelled_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('equipment', tenants.models.base.TenantForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='bookings', to='tenants.equipment')),
                ('site', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.site')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('person', tenants.models.base.TenantForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='bookings', to='tenants.person')),
                ('skill', tenants.models.base.TenantForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.skill')),
            ],
            options={
                'indexes': [
                    models.Index(fields=['tenant', '-id'], name='booking_newest'),
                    models.Index(fields=['tenant', 'site'], name='booking_of_site'),
                ],
                'constraints': [
                    django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('cancelled_at__isnull', True)), expressions=[('tenant', '='), ('person', '='), ('during', '&&')], name='booking_of_person_once', violation_error_message='It is booked already in this window.'),
                    django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('cancelled_at__isnull', True)), expressions=[('tenant', '='), ('equipment', '='), ('during', '&&')], name='booking_of_equipment_once', violation_error_message='It is booked already in this window.'),
                    models.CheckConstraint(condition=models.Q(('person__isnull', True), ('equipment__isnull', True), _connector='XOR'), name='booking_of_one_resource'),
                    models.CheckConstraint(condition=models.Q(('during__isempty', False), ('during__lower_inf', False), ('during__upper_inf', False)), name='booking_window_has_both_ends'),
                ],
            },
        ),
        migrations.CreateModel(
            name='StockLevel',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('quantity', models.DecimalField(decimal_places=3, max_digits=16)),
                ('material', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='levels', to='tenants.material')),
                ('site', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.site')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('tenant', 'site', 'material'), name='stock_level_once'),
                    models.CheckConstraint(condition=models.Q(('quantity__gte', 0)), name='stock_level_not_negative', violation_error_message='There is not as much in stock.'),
                ],
            },
        ),
        migrations.CreateModel(
            name='StockMove',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('receipt', 'Receipt'), ('issue', 'Issue'), ('transfer_out', 'Transfer out'), ('transfer_in', 'Transfer in'), ('adjustment', 'Adjustment')], max_length=12)),
                ('quantity', models.DecimalField(decimal_places=3, max_digits=16)),
                ('balance', models.DecimalField(decimal_places=3, editable=False, max_digits=16, null=True)),
                ('transfer', models.UUIDField(blank=True, null=True)),
                ('reason', models.CharField(blank=True, default='', max_length=200)),
                ('reference', models.CharField(blank=True, default='', max_length=100)),
                ('moved_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('material', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.material')),
                ('moved_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('site', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.site')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [
                    models.Index(fields=['tenant', '-id'], name='stock_move_newest'),
                    models.Index(fields=['tenant', 'site', 'material', '-id'], name='stock_move_of_level'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('tenant', 'transfer', 'kind'), name='stock_transfer_leg_once'),
                    models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ['receipt', 'transfer_in']), ('quantity__gt', 0)), models.Q(('kind__in', ['issue', 'transfer_out']), ('quantity__lt', 0)), models.Q(('kind', 'adjustment'), models.Q(('quantity', 0), _negated=True)), _connector='OR'), name='stock_move_sign', violation_error_message='A receipt adds and an issue takes.'),
                    models.CheckConstraint(condition=models.Q(('kind__in', ['transfer_out', 'transfer_in']), ('transfer__isnull', True), _connector='XOR'), name='stock_move_of_transfer'),
                    models.CheckConstraint(condition=models.Q(models.Q(('kind', 'adjustment'), _negated=True), ('reason__gt', ''), _connector='OR'), name='stock_adjustment_has_reason', violation_error_message='Say why the stock is adjusted.'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Training',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('course', models.CharField(max_length=200)),
                ('completed_on', models.DateField()),
                ('expires_on', models.DateField(blank=True, null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('person', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='trainings', to='tenants.person')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('tenant', 'person', 'course', 'completed_on'), name='training_once', violation_error_message='This training is recorded already.'),
                    models.CheckConstraint(condition=models.Q(('expires_on__isnull', True), ('expires_on__gte', models.F('completed_on')), _connector='OR'), name='training_ends_after_completion', violation_error_message="A training can't expire before it is completed."),
                ],
            },
        ),
        migrations.AddField(
            model_name='equipment',
            name='status',
            field=models.CharField(choices=[('in_service', 'In service'), ('out_of_service', 'Out of service'), ('retired', 'Retired')], default='in_service', max_length=14),
        ),
        migrations.AlterField(
            model_name='apikey',
            name='scopes',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[(name, name) for name in sorted(CAPABILITIES)], max_length=40), size=None),
        ),
        *[
            Wall(model)
            for model in ("Person", "Skill", "PersonSkill", "Certificate", "Training", "SiteRequirement", "Material")
        ],
        Wall("StockLevel", write=NOBODY, insert=OWN, update=OWN),
        Wall("StockMove", write=NOBODY, insert=OWN),
        Wall("Booking", write=NOBODY, insert=OWN, update=OWN),
        Wall("Relocation", write=NOBODY, insert=OWN),
        migrations.RunSQL(FROZEN, THAWED),
        migrations.RunSQL(LEVELS, NO_LEVELS),
    ]

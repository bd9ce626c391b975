"""Mediators of disputes, ratings that third parties read, and the watch on rules of acceptance; each with its wall."""

import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.ids
import tenants.models.base
from django.conf import settings
from django.db import migrations, models

from tenants.policies import ME, OWN, Wall

NOBODY = "false"
BOTH = f"{OWN} OR firm_id = {ME}"
STARS = models.Q(stars__range=(1, 5))
CATEGORIES = [('equipment_maintenance', 'Equipment maintenance'), ('system_upgrade', 'System upgrade'), ('planning', 'Planning'), ('engineering_construction', 'Engineering and construction'), ('remote_consultation', 'Remote consultation'), ('geological_modelling', 'Geological modelling'), ('reserve_estimate', 'Reserve estimate'), ('design', 'Design'), ('training', 'Training')]
MEDIATIONS = [('proposed', 'Proposed'), ('sitting', 'Sitting'), ('recommended', 'Recommended'), ('declined', 'Declined'), ('ended', 'Ended')]
STANDS = [('within', 'Within'), ('outside', 'Outside'), ('silent', 'Silent')]

# A mediator sits from the agreement of both parties to the end of the dispute. Plain functions, not SECURITY DEFINER:
# they read the table under its own policy.
SITTING = f"mediator_id = {ME} AND state IN ('sitting', 'recommended')"
FUNCTIONS = """
CREATE FUNCTION wall.mediated_contracts() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT contract_id FROM public.marketplace_mediation
   WHERE mediator_id = (SELECT wall.tenant()) AND state IN ('sitting', 'recommended') $$;
CREATE FUNCTION wall.mediated_disputes() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT dispute_id FROM public.marketplace_mediation
   WHERE mediator_id = (SELECT wall.tenant()) AND state IN ('sitting', 'recommended') $$;
"""
NO_FUNCTIONS = "DROP FUNCTION wall.mediated_contracts(); DROP FUNCTION wall.mediated_disputes();"
# Table → the column by which its mediator reads it, and whose ids these are.
OPENED = {
    "contract": ("id", "contracts"),
    "milestone": ("contract_id", "contracts"),
    "submission": ("contract_id", "contracts"),
    "dispute": ("id", "disputes"),
    "disputenote": ("dispute_id", "disputes"),
}
READ = "ALTER POLICY wall_select ON marketplace_{0} USING ({1});"

FIRM_KEY = """
ALTER TABLE marketplace_mediation ADD CONSTRAINT marketplace_mediation_firm_of_contract
  FOREIGN KEY (tenant_id, firm_id, contract_id) REFERENCES marketplace_contract (tenant_id, firm_id, id)
  DEFERRABLE INITIALLY DEFERRED;
"""
# The pairs of states of marketplace/contracts/lifecycle.py; a test compares them cell by cell.
GUARD = """
CREATE FUNCTION marketplace_guard_mediation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'proposed' AND NOT wall.importing() THEN
      RAISE EXCEPTION 'a mediation begins proposed, not as %', NEW.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
    ('proposed', 'sitting'), ('proposed', 'declined'), ('sitting', 'recommended'), ('sitting', 'declined'),
    ('proposed', 'ended'), ('sitting', 'ended'), ('recommended', 'ended')
  ) THEN
    RAISE EXCEPTION 'a mediation can not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.tenant_id, NEW.firm_id, NEW.contract_id, NEW.dispute_id, NEW.by_id, NEW.mediator_id,
      NEW.mediator_name, NEW.user_id, NEW.created_at)
     IS DISTINCT FROM
     (OLD.id, OLD.tenant_id, OLD.firm_id, OLD.contract_id, OLD.dispute_id, OLD.by_id, OLD.mediator_id,
      OLD.mediator_name, OLD.user_id, OLD.created_at) THEN
    RAISE EXCEPTION 'who mediates in what never changes' USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.recommendation, NEW.recommended_at) IS DISTINCT FROM (OLD.recommendation, OLD.recommended_at)
     AND NOT (OLD.state = 'sitting' AND NEW.state = 'recommended') THEN
    RAISE EXCEPTION 'what a mediator recommended never changes' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_mediation BEFORE INSERT OR UPDATE ON marketplace_mediation
  FOR EACH ROW EXECUTE FUNCTION marketplace_guard_mediation();
"""
RATING_FROZEN = """
DROP TRIGGER rating_is_frozen ON marketplace_rating;
CREATE TRIGGER rating_is_frozen
  BEFORE UPDATE OF id, tenant_id, about_id, owner_id, contract_id, stars, words, {0}given_at ON marketplace_rating
  FOR EACH ROW EXECUTE FUNCTION tenants_refuse_change('A rating never changes.');
"""
# A reference says what a revealed rating by a buyer says, and whoever may read the firm's profile reads it.
PROFILE_READ = "SELECT FROM marketplace_profile p WHERE p.tenant_id = marketplace_reference.tenant_id"
RATED = """EXISTS (SELECT FROM marketplace_rating r
  WHERE r.id = marketplace_reference.id AND r.about_id = marketplace_reference.tenant_id AND r.tenant_id = r.owner_id
    AND (r.stars, r.words) = (marketplace_reference.stars, marketplace_reference.words)
    AND (r.is_named OR marketplace_reference.buyer_name = ''))"""
REFERENCE_FROZEN = """
CREATE TRIGGER reference_is_frozen BEFORE UPDATE ON marketplace_reference FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('What a buyer said never changes.');
"""


def opened(table: str) -> migrations.RunSQL:
    """The table, to the mediator of its contract or dispute too."""
    column, what = OPENED[table]
    to_mediator = f"{BOTH} OR {column} = ANY (ARRAY(SELECT wall.mediated_{what}()))"
    return migrations.RunSQL(READ.format(table, to_mediator), READ.format(table, BOTH))


class Migration(migrations.Migration):

    dependencies = [
        ('marketplace', '0010_notice_follows'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='reaction',
            name='outcome',
            field=models.CharField(choices=[('done', 'done'), ('known', 'known'), ('nothing', 'nothing'), ('refused', 'refused')], max_length=10),
        ),
        migrations.AddField(
            model_name='rating',
            name='is_named',
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name='Mediation',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('mediator_name', models.CharField(max_length=200)),
                ('state', models.CharField(choices=MEDIATIONS, default='proposed', max_length=11)),
                ('recommendation', models.TextField(blank=True, max_length=2000)),
                ('recommended_at', models.DateTimeField(null=True)),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('contract', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='%(class)s_rows', to='marketplace.contract')),
                ('dispute', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='mediations', to='marketplace.dispute')),
                ('firm', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('mediator', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('user', models.ForeignKey(help_text='Whose deed it was.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state__in', ('sitting', 'recommended'))), fields=['mediator'], name='mediation_sitting')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state__in', ('proposed', 'sitting', 'recommended'))), fields=('tenant', 'dispute'), name='mediation_one_live', violation_error_message='A mediator is proposed or sitting already.'), models.CheckConstraint(condition=models.Q(('state__in', ['proposed', 'sitting', 'recommended', 'declined', 'ended'])), name='mediation_state_known'), models.CheckConstraint(condition=models.Q(models.Q(('mediator', models.F('tenant')), _negated=True), models.Q(('mediator', models.F('firm')), _negated=True)), name='mediation_by_a_third'), models.CheckConstraint(condition=models.Q(models.Q(('recommendation', ''), ('recommended_at__isnull', True)), models.Q(('recommendation__gt', ''), ('recommended_at__isnull', False)), _connector='OR'), name='mediation_recommends_in_words')],
            },
        ),
        migrations.CreateModel(
            name='Reference',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('category', models.CharField(choices=CATEGORIES, max_length=30)),
                ('stars', models.PositiveSmallIntegerField()),
                ('words', models.TextField(blank=True, max_length=2000)),
                ('buyer_name', models.CharField(blank=True, max_length=200)),
                ('shown_at', models.DateTimeField()),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', '-shown_at'], name='reference_newest')],
                'constraints': [models.CheckConstraint(condition=STARS, name='reference_stars_bounded')],
            },
        ),
        migrations.CreateModel(
            name='Watch',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('stand', models.CharField(blank=True, choices=STANDS, max_length=10)),
                ('is_kept', models.BooleanField(default=False)),
                ('checked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('told_at', models.DateTimeField(null=True)),
                ('task', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='marketplace.servicetask')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'task'), name='watch_once')],
            },
        ),
        # Written in the buyer's name, as all that hangs on a contract; the mediator reads it while it sits.
        Wall("Mediation", read=f"{BOTH} OR {SITTING}", write=NOBODY, insert=OWN, update=OWN),
        Wall(
            "Reference",
            read=f"CASE WHEN {OWN} THEN true ELSE EXISTS ({PROFILE_READ}) END",
            write=NOBODY,
            insert=f"{OWN} AND {RATED}",
        ),
        Wall("Watch", write=NOBODY),
        migrations.RunSQL(FIRM_KEY, "ALTER TABLE marketplace_mediation DROP CONSTRAINT marketplace_mediation_firm_of_contract"),
        migrations.RunSQL(GUARD, "DROP FUNCTION marketplace_guard_mediation CASCADE"),
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        *[opened(table) for table in OPENED],
        migrations.RunSQL(RATING_FROZEN.format("is_named, "), RATING_FROZEN.format("")),
        migrations.RunSQL(REFERENCE_FROZEN, "DROP TRIGGER reference_is_frozen ON marketplace_reference"),
    ]

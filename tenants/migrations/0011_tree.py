"""Companies, sites and their processes; keeping and deleting."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import tenants.models.base
from tenants.policies import ME, OWN, Wall

NOBODY = "false"
GRANTED_SITE = f"SELECT content_object_id FROM tenants_sitegroupobjectpermission WHERE grantee_id = {ME}"
SITES_OF_GRANTED_EQUIPMENT = (
    "SELECT site_id FROM tenants_equipment WHERE id IN "
    f"(SELECT content_object_id FROM tenants_equipmentgroupobjectpermission WHERE grantee_id = {ME})"
)

# The owner of a table passes its policies only while they are not forced on it.
SITE_CURRENCY = """
ALTER TABLE tenants_site NO FORCE ROW LEVEL SECURITY;
ALTER TABLE tenants_tenant NO FORCE ROW LEVEL SECURITY;
UPDATE tenants_site s SET currency = t.currency FROM tenants_tenant t
 WHERE t.id = s.tenant_id AND t.currency ~ '^[A-Z]{3}$';
ALTER TABLE tenants_tenant FORCE ROW LEVEL SECURITY;
ALTER TABLE tenants_site FORCE ROW LEVEL SECURITY;
SET CONSTRAINTS ALL IMMEDIATE;
"""
# Equipment belongs to a process of its own site, or to none.
KEYS = """
ALTER TABLE tenants_site ADD CONSTRAINT "tenants_site_company_id_wall" FOREIGN KEY (tenant_id, company_id)
  REFERENCES tenants_company (tenant_id, id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE tenants_equipment ADD CONSTRAINT "tenants_equipment_process_id_wall" FOREIGN KEY (tenant_id, process_id)
  REFERENCES tenants_process (tenant_id, id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE tenants_process ADD CONSTRAINT "tenants_process_of_site" UNIQUE (site_id, id);
ALTER TABLE tenants_equipment ADD CONSTRAINT "tenants_equipment_process_of_its_site" FOREIGN KEY (site_id, process_id)
  REFERENCES tenants_process (site_id, id) DEFERRABLE INITIALLY DEFERRED;
"""
LEAVES_PROCESS = """
CREATE FUNCTION tenants_leave_process() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.process_id := NULL;
  RETURN NEW;
END $$;
CREATE TRIGGER moved_equipment_leaves_its_process BEFORE UPDATE OF site_id ON tenants_equipment FOR EACH ROW
  WHEN (OLD.site_id <> NEW.site_id AND OLD.process_id = NEW.process_id) EXECUTE FUNCTION tenants_leave_process();
"""
# Two companies that are moved below each other at the same time would both see no ring, hence the lock.
NO_RINGS = """
CREATE FUNCTION tenants_refuse_ring() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  above uuid := NEW.parent_id;
  steps integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('companies of ' || NEW.tenant_id));
  WHILE above IS NOT NULL LOOP
    steps := steps + 1;
    IF above = NEW.id THEN
      RAISE EXCEPTION 'A company can not be above itself.' USING ERRCODE = 'check_violation';
    END IF;
    IF steps > 20 THEN
      RAISE EXCEPTION 'Companies stand at most 20 deep.' USING ERRCODE = 'check_violation';
    END IF;
    SELECT parent_id INTO above FROM public.tenants_company WHERE id = above AND tenant_id = NEW.tenant_id;
  END LOOP;
  RETURN NEW;
END $$;
CREATE TRIGGER company_has_no_ring BEFORE INSERT OR UPDATE OF parent_id ON tenants_company FOR EACH ROW
  WHEN (NEW.parent_id IS NOT NULL) EXECUTE FUNCTION tenants_refuse_ring();
"""
# True while an archive is being read back: rows arrive in the state that they had, which triggers on new rows refuse
# else. Only the role that passes row-level security can be in that mood, whatever the setting says.
IMPORTING = """
CREATE FUNCTION wall.importing() RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT coalesce(current_setting('app.importing', true), '') = 'on'
     AND EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = current_user AND (rolbypassrls OR rolsuper)) $$;
"""

# Rows of an archive carry what these triggers would work out anew.
ARRIVING = """
DROP TRIGGER stock_level_follows_moves ON tenants_stocklevel;
CREATE TRIGGER stock_level_follows_moves BEFORE INSERT OR UPDATE ON tenants_stocklevel FOR EACH ROW
  WHEN (pg_trigger_depth() = 0 AND NOT wall.importing())
  EXECUTE FUNCTION tenants_refuse_change('What is in stock changes by moves only.');
DROP TRIGGER stock_level_is_kept ON tenants_stockmove;
CREATE TRIGGER stock_level_is_kept BEFORE INSERT ON tenants_stockmove FOR EACH ROW
  WHEN (NOT wall.importing()) EXECUTE FUNCTION tenants_keep_stock_level();
DROP TRIGGER usage_in_open_month ON tenants_usageevent;
CREATE TRIGGER usage_in_open_month BEFORE INSERT ON tenants_usageevent FOR EACH ROW
  WHEN (NEW.hour < date_trunc('month', now(), 'UTC') AND NOT wall.importing())
  EXECUTE FUNCTION tenants_usage_in_open_month();
"""


def new_id() -> models.UUIDField:
    return models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)


def key(to: str, related: str, **options) -> tenants.models.base.TenantForeignKey:
    return tenants.models.base.TenantForeignKey(
        on_delete=django.db.models.deletion.PROTECT, related_name=related, to=to, **options
    )


def tenant() -> models.ForeignKey:
    return models.ForeignKey(
        db_index=False,
        editable=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="tenants.tenant",
    )


def user() -> models.ForeignKey:
    return models.ForeignKey(
        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
    )


PROCESS_KINDS = [
    ("drilling", "Drilling"),
    ("charging", "Charging and blasting"),
    ("loading", "Loading"),
    ("haulage", "Haulage"),
    ("hoisting", "Hoisting"),
    ("ventilation", "Ventilation"),
    ("drainage", "Drainage"),
    ("backfill", "Backfill"),
    ("power", "Power supply"),
    ("crushing", "Crushing"),
    ("milling", "Milling"),
    ("flotation", "Flotation"),
    ("tailings", "Tailings"),
    ("stockpiling", "Stockpiling"),
    ("transport", "Transport"),
    ("safety", "Safety monitoring"),
    ("other", "Other"),
]
EXPORT_STATUSES = [
    ("queued", "Queued"),
    ("running", "Running"),
    ("ready", "Ready"),
    ("fetched", "Fetched"),
    ("cancelled", "Cancelled"),
    ("failed", "Failed"),
]


class Migration(migrations.Migration):
    dependencies = [("tenants", "0010_resources")]

    operations = [
        migrations.CreateModel(
            "Company",
            [
                ("id", new_id()),
                ("code", models.SlugField(max_length=40)),
                ("name", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("parent", key("tenants.company", "subsidiaries", null=True, blank=True)),
                ("tenant", tenant()),
            ],
            {
                "verbose_name_plural": "companies",
                "ordering": ["code"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "code"),
                        name="company_code_once",
                        violation_error_message="This company code is taken.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            "Process",
            [
                ("id", new_id()),
                ("code", models.SlugField(max_length=40)),
                ("name", models.CharField(max_length=200)),
                ("kind", models.CharField(choices=PROCESS_KINDS, max_length=20)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("site", key("tenants.site", "processes")),
                ("tenant", tenant()),
            ],
            {
                "verbose_name_plural": "processes",
                "ordering": ["code"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "site", "code"),
                        name="process_code_once",
                        violation_error_message="This process code is taken at the site.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            "Export",
            [
                ("id", new_id()),
                ("status", models.CharField(choices=EXPORT_STATUSES, default="queued", max_length=10)),
                ("requested_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("n_files", models.PositiveIntegerField(default=0)),
                ("n_rows", models.PositiveBigIntegerField(default=0)),
                ("size_bytes", models.PositiveBigIntegerField(null=True)),
                ("sha256", models.CharField(blank=True, default="", max_length=64)),
                ("message", models.CharField(blank=True, default="", max_length=300)),
                ("finished_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                ("requested_by", user()),
                ("tenant", tenant()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["tenant", "-id"], name="export_newest"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["queued", "running"])),
                        fields=("tenant",),
                        name="export_one_at_a_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            "Closure",
            [
                ("id", new_id()),
                ("reason", models.CharField(max_length=200)),
                ("was_listed", models.BooleanField()),
                ("requested_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("purge_after", models.DateTimeField()),
                ("withdrawn_at", models.DateTimeField(null=True)),
                ("purged_at", models.DateTimeField(null=True)),
                ("receipt", models.JSONField(null=True)),
                ("requested_by", user()),
                ("tenant", tenant()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("withdrawn_at", None)), fields=("tenant",), name="closure_one_at_a_time"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("withdrawn_at__isnull", True), ("purged_at__isnull", True), _connector="OR"
                        ),
                        name="closure_withdrawn_or_purged",
                    ),
                ],
            },
        ),
        migrations.AddField(
            "tenant",
            "closing_at",
            models.DateTimeField(blank=True, null=True, help_text="From then on only its owner acts, to close it."),
        ),
        migrations.AddField("site", "company", key("tenants.company", "sites", null=True, blank=True)),
        migrations.AddField("site", "currency", models.CharField(default="USD", max_length=3)),
        migrations.AddField(
            "site",
            "units",
            models.CharField(
                choices=[("metric", "Metric"), ("imperial", "Imperial")],
                default="metric",
                help_text="For display only.",
                max_length=10,
            ),
        ),
        migrations.AddField("equipment", "process", key("tenants.process", "equipment", null=True, blank=True)),
        migrations.RunSQL(SITE_CURRENCY, migrations.RunSQL.noop),
        migrations.AddConstraint(
            "site",
            models.CheckConstraint(
                condition=models.Q(("currency__regex", "^[A-Z]{3}$")),
                name="site_currency_is_a_code",
                violation_error_message="Give the currency by its three capital letters, such as USD.",
            ),
        ),
        Wall("Company"),
        Wall(
            "Process",
            read=f"CASE WHEN {OWN} THEN true ELSE site_id = ANY (ARRAY({GRANTED_SITE})) "
            f"OR site_id = ANY (ARRAY({SITES_OF_GRANTED_EQUIPMENT})) END",
        ),
        Wall("Export", write=NOBODY, insert=OWN, update=OWN),
        Wall("Closure", write=NOBODY, insert=OWN, update=OWN),
        migrations.RunSQL(KEYS, migrations.RunSQL.noop),
        migrations.RunSQL(LEAVES_PROCESS, "DROP FUNCTION tenants_leave_process CASCADE"),
        migrations.RunSQL(NO_RINGS, "DROP FUNCTION tenants_refuse_ring CASCADE"),
        migrations.RunSQL(IMPORTING, "DROP FUNCTION wall.importing()"),
        migrations.RunSQL(ARRIVING, migrations.RunSQL.noop),
    ]

"""A version's text holds the agreement's heading too, so that a counter-offer may change it; call-offs are closed and
end with their framework; the parties are told once that an end is near, and once that it has come; who is made inactive
loses their sockets at once."""

from django.db import migrations, models

TABLES = ("tenants_agreement", "tenants_agreementversion")
# The owner of a table passes its policies only while they are not forced on it.
OPENED = "".join(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;" for table in TABLES)
FORCED = "".join(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;" for table in TABLES)
TOLD = [("", "Nothing"), ("expiring", "That it is near"), ("expired", "That it has come")]
# Up to now a heading never changed.
HEADINGS = """
UPDATE tenants_agreementversion v SET title = a.title, purpose = a.purpose, ends_at = a.ends_at
  FROM tenants_agreement a WHERE a.tenant_id = v.tenant_id AND a.id = v.agreement_id;
SET CONSTRAINTS ALL IMMEDIATE;
"""
FROZEN = """
DROP TRIGGER version_is_frozen ON tenants_agreementversion;
CREATE TRIGGER version_is_frozen
  BEFORE UPDATE OF id, tenant_id, agreement_id, number, author_id, title, purpose, ends_at, terms, text, text_hash,
                   created_by_id, created_at
  ON tenants_agreementversion FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('The text of a version never changes; propose another one.');

CREATE FUNCTION tenants_guard_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT wall.importing() AND (NEW.title, NEW.purpose, NEW.ends_at) IS DISTINCT FROM
     (NEW.text::jsonb ->> 'title', NEW.text::jsonb ->> 'purpose', (NEW.text::jsonb ->> 'ends_at')::timestamptz) THEN
    RAISE EXCEPTION 'the heading of a version stands in its text' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_version BEFORE INSERT ON tenants_agreementversion
  FOR EACH ROW EXECUTE FUNCTION tenants_guard_version();
"""
GUARD_AGREEMENT = """
CREATE OR REPLACE FUNCTION tenants_guard_agreement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF wall.importing() THEN
    RETURN NEW;
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'draft' THEN
      RAISE EXCEPTION 'an agreement begins as a draft, not as %', NEW.status USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.kind = 'mandate' AND wall.tenant() IS NOT NULL THEN
      RAISE EXCEPTION 'only the platform lays a mandate' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
    ('draft', 'offered'), ('draft', 'active'), ('draft', 'terminated'),
    ('offered', 'countered'), ('offered', 'agreed'), ('offered', 'terminated'),
    ('countered', 'offered'), ('countered', 'agreed'), ('countered', 'terminated'),
    ('agreed', 'active'), ('agreed', 'terminated'),
    ('active', 'suspended'), ('active', 'terminated'), ('active', 'superseded'),
    ('suspended', 'active'), ('suspended', 'terminated'), ('suspended', 'superseded')
  ) THEN
    RAISE EXCEPTION 'an agreement can not go from % to %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.tenant_id, NEW.kind, NEW.partner_id, NEW.owner_name, NEW.partner_name,
      NEW.framework_id, NEW.supersedes_id, NEW.statute, NEW.created_at)
     IS DISTINCT FROM
     (OLD.id, OLD.tenant_id, OLD.kind, OLD.partner_id, OLD.owner_name, OLD.partner_name,
      OLD.framework_id, OLD.supersedes_id, OLD.statute, OLD.created_at) THEN
    RAISE EXCEPTION 'what an agreement is about never changes; draft another one' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.version <> OLD.version AND (NEW.version < OLD.version OR OLD.status NOT IN ('draft', 'offered', 'countered'))
  THEN
    RAISE EXCEPTION 'the version of an agreement that is % stays', OLD.status USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.version, NEW.title, NEW.purpose, NEW.ends_at) IS DISTINCT FROM
     (OLD.version, OLD.title, OLD.purpose, OLD.ends_at) OR (NEW.status = 'active' AND OLD.status <> 'active') THEN
    IF NOT EXISTS (
      SELECT FROM public.tenants_agreementversion v
       WHERE v.tenant_id = NEW.tenant_id AND v.agreement_id = NEW.id AND v.number = NEW.version
         AND (v.title, v.purpose, v.ends_at) IS NOT DISTINCT FROM (NEW.title, NEW.purpose, NEW.ends_at)) THEN
      RAISE EXCEPTION 'the heading of an agreement is that of its version' USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  IF NEW.status = 'active' AND OLD.status <> 'active' AND (OLD.status <> 'suspended' OR NEW.kind = 'call_off')
     AND NOT tenants_has_consent(NEW) THEN
    RAISE EXCEPTION 'an agreement is in force once both parties have signed' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.kind = 'framework' AND NEW.status <> OLD.status AND NEW.status <> 'active' AND EXISTS (
    SELECT FROM public.tenants_agreement c
     WHERE c.tenant_id = NEW.tenant_id AND c.framework_id = NEW.id AND (c.ends_at IS NULL OR c.ends_at > now())
       AND (c.status = 'active' OR (c.status = 'suspended' AND NEW.status <> 'suspended'))) THEN
    RAISE EXCEPTION 'call-offs are closed and end with their framework' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
"""
# However a person is made inactive: open sockets of their organisations look their rights up again, as for an event.
RECALL = """
CREATE FUNCTION tenants_recall_rights() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  me text := current_setting('app.tenant', true);
  organisation uuid;
  found uuid[] := ARRAY(SELECT tenant_id FROM public.tenants_membership WHERE user_id = NEW.id ORDER BY tenant_id);
BEGIN
  FOREACH organisation IN ARRAY found LOOP
    PERFORM set_config('app.tenant', organisation::text, true);
    UPDATE public.tenants_feedhead SET rights_epoch = rights_epoch + 1 WHERE tenant_id = organisation;
  END LOOP;
  PERFORM set_config('app.tenant', coalesce(me, ''), true);
  RETURN NULL;
END $$;
CREATE TRIGGER recall_rights AFTER UPDATE OF is_active ON tenants_user FOR EACH ROW
  WHEN (OLD.is_active IS DISTINCT FROM NEW.is_active) EXECUTE FUNCTION tenants_recall_rights();
"""


def named(name: str, length: int) -> migrations.AddField:
    field = models.CharField(max_length=length, default="")
    return migrations.AddField("agreementversion", name, field, preserve_default=False)


class Migration(migrations.Migration):
    dependencies = [("tenants", "0015_costs")]

    operations = [
        named("title", 200),
        named("purpose", 100),
        migrations.AddField("agreementversion", "ends_at", models.DateTimeField(null=True, blank=True)),
        migrations.AddField("agreement", "suspended_with_framework", models.BooleanField(default=False)),
        migrations.AddField(
            "agreement", "told_of_end", models.CharField(blank=True, choices=TOLD, default="", max_length=10)
        ),
        migrations.AddIndex(
            "agreement",
            models.Index(fields=["ends_at"], name="agreement_ends", condition=~models.Q(told_of_end="expired")),
        ),
        migrations.RunSQL(OPENED + HEADINGS + FORCED, migrations.RunSQL.noop),
        migrations.RunSQL(FROZEN, "DROP FUNCTION tenants_guard_version CASCADE"),
        migrations.RunSQL(GUARD_AGREEMENT, migrations.RunSQL.noop),
        migrations.RunSQL(RECALL, "DROP FUNCTION tenants_recall_rights CASCADE"),
    ]

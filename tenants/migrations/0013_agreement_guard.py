"""What must never happen to an agreement, whoever writes: steps that its life does not have, force without consent,
signatures for another text, clauses that the text does not hold."""

from django.db import migrations, models

from tenants.policies import ME, OWN

TABLES = ("tenants_agreement", "tenants_clause", "tenants_site", "tenants_equipment", "tenants_tenant")
# The owner of a table passes its policies only while they are not forced on it.
OPENED = "".join(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;" for table in TABLES)
FORCED = "".join(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;" for table in TABLES)
NAMES = """
ALTER TABLE tenants_clause DISABLE TRIGGER clause_is_frozen;
UPDATE tenants_agreement a SET owner_name = o.name, partner_name = p.name,
       offered_at = CASE WHEN a.status <> 'draft' THEN coalesce(a.activated_at, a.created_at) END
  FROM tenants_tenant o, tenants_tenant p WHERE o.id = a.tenant_id AND p.id = a.partner_id;
UPDATE tenants_clause c SET code = s.code, name = s.name FROM tenants_site s WHERE s.id = c.site_id;
UPDATE tenants_clause c SET code = e.code, name = e.name FROM tenants_equipment e WHERE e.id = c.equipment_id;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE tenants_clause ENABLE TRIGGER clause_is_frozen;
"""
# A draft that was never offered stays the owner's own, also after its end.
READ = f"ALTER POLICY wall_select ON tenants_agreement USING ({OWN} OR (partner_id = {ME} AND offered_at IS NOT NULL));"

# The pairs of states of tenants/agreements/lifecycle.py; a test compares the two cell by cell.
GUARD_AGREEMENT = """
CREATE FUNCTION tenants_has_consent(agreement public.tenants_agreement) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT CASE agreement.kind
    WHEN 'mandate' THEN true
    WHEN 'call_off' THEN EXISTS (
      SELECT FROM public.tenants_agreement f
       WHERE f.tenant_id = agreement.tenant_id AND f.id = agreement.framework_id AND f.kind = 'framework'
         AND f.partner_id = agreement.partner_id AND f.status = 'active' AND (f.ends_at IS NULL OR f.ends_at > now()))
    ELSE 2 = (
      SELECT count(*) FROM public.tenants_signature s
        JOIN public.tenants_agreementversion v ON v.tenant_id = s.tenant_id AND v.id = s.version_id
       WHERE s.tenant_id = agreement.tenant_id AND s.agreement_id = agreement.id AND v.number = agreement.version)
  END $$;

CREATE FUNCTION tenants_guard_agreement() RETURNS trigger LANGUAGE plpgsql AS $$
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
  IF (NEW.id, NEW.tenant_id, NEW.kind, NEW.partner_id, NEW.owner_name, NEW.partner_name, NEW.title, NEW.purpose,
      NEW.framework_id, NEW.supersedes_id, NEW.statute, NEW.ends_at, NEW.created_at)
     IS DISTINCT FROM
     (OLD.id, OLD.tenant_id, OLD.kind, OLD.partner_id, OLD.owner_name, OLD.partner_name, OLD.title, OLD.purpose,
      OLD.framework_id, OLD.supersedes_id, OLD.statute, OLD.ends_at, OLD.created_at) THEN
    RAISE EXCEPTION 'what an agreement is about never changes; draft another one' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.version <> OLD.version AND (NEW.version < OLD.version OR OLD.status NOT IN ('draft', 'offered', 'countered'))
  THEN
    RAISE EXCEPTION 'the version of an agreement that is % stays', OLD.status USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.status = 'active' AND OLD.status <> 'suspended' AND OLD.status <> 'active' AND NOT tenants_has_consent(NEW)
  THEN
    RAISE EXCEPTION 'an agreement is in force once both parties have signed' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_agreement BEFORE INSERT OR UPDATE ON tenants_agreement
  FOR EACH ROW EXECUTE FUNCTION tenants_guard_agreement();

CREATE FUNCTION tenants_guard_signature() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT wall.importing() AND NOT EXISTS (
    SELECT FROM public.tenants_agreement a JOIN public.tenants_agreementversion v
        ON v.tenant_id = a.tenant_id AND v.agreement_id = a.id AND v.number = a.version
     WHERE a.tenant_id = NEW.tenant_id AND a.id = NEW.agreement_id AND v.id = NEW.version_id
       AND v.text_hash = NEW.text_hash AND a.status IN ('draft', 'agreed')
       AND NEW.party_id IN (a.tenant_id, a.partner_id)) THEN
    RAISE EXCEPTION 'a party signs the text that is on the table' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_signature BEFORE INSERT ON tenants_signature
  FOR EACH ROW EXECUTE FUNCTION tenants_guard_signature();

CREATE FUNCTION tenants_guard_clause() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT wall.importing() AND NOT EXISTS (
    SELECT FROM public.tenants_agreementversion v
     WHERE v.tenant_id = NEW.tenant_id AND v.id = NEW.version_id AND position(NEW.id::text in v.text) > 0) THEN
    RAISE EXCEPTION 'a clause stands in the text of its version' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_clause BEFORE INSERT ON tenants_clause FOR EACH ROW EXECUTE FUNCTION tenants_guard_clause();
"""
UNGUARDED = """
DROP FUNCTION tenants_guard_agreement CASCADE;
DROP FUNCTION tenants_guard_signature CASCADE;
DROP FUNCTION tenants_guard_clause CASCADE;
DROP FUNCTION tenants_has_consent CASCADE;
"""


def named(model: str, name: str, length: int) -> migrations.AddField:
    return migrations.AddField(
        model, name, models.CharField(max_length=length, default=""), preserve_default=False
    )


class Migration(migrations.Migration):
    dependencies = [("tenants", "0012_sharing")]

    operations = [
        migrations.AddField("agreement", "offered_at", models.DateTimeField(null=True, blank=True)),
        named("agreement", "owner_name", 200),
        named("agreement", "partner_name", 200),
        named("clause", "code", 40),
        named("clause", "name", 200),
        migrations.RunSQL(OPENED + NAMES + FORCED, migrations.RunSQL.noop),
        migrations.RunSQL(READ, migrations.RunSQL.noop),
        migrations.RunSQL(GUARD_AGREEMENT, UNGUARDED),
    ]

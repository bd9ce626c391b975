"""What was agreed before there were versions gets its first one; then the walls, and the records that never change."""

import django.db.models.deletion
from django.db import migrations

import tenants.models.base
from tenants.policies import DELAY_FUNCTIONS, ME, NARROWING_FUNCTIONS, OWN, Wall

NOBODY = "false"
OLD_TABLES = (
    *("tenants_agreement", "tenants_clause"),
    *("tenants_sitegroupobjectpermission", "tenants_equipmentgroupobjectpermission"),
)
# The owner of a table passes its policies only while they are not forced on it.
OPENED = "".join(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;" for table in OLD_TABLES)
FORCED = "".join(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;" for table in OLD_TABLES)
FIRST_VERSIONS = """
UPDATE tenants_agreement SET status = 'terminated' WHERE status = 'ended';
INSERT INTO tenants_agreementversion
    (id, tenant_id, agreement_id, number, author_id, terms, text, text_hash, created_by_id, created_at, offered_at)
  SELECT uuidv7(), tenant_id, id, 1, tenant_id, '', title, encode(sha256(convert_to(title, 'UTF8')), 'hex'),
         created_by_id, created_at, activated_at
    FROM tenants_agreement;
UPDATE tenants_clause c SET version_id = v.id FROM tenants_agreementversion v WHERE v.agreement_id = c.agreement_id;
UPDATE tenants_sitegroupobjectpermission g SET clause_id = c.id FROM tenants_clause c
 WHERE c.agreement_id = g.agreement_id AND c.site_id = g.content_object_id;
UPDATE tenants_equipmentgroupobjectpermission g SET clause_id = c.id FROM tenants_clause c
 WHERE c.agreement_id = g.agreement_id AND c.equipment_id = g.content_object_id;
SET CONSTRAINTS ALL IMMEDIATE;
"""

AS_PARTNER = f"SELECT id FROM tenants_agreement WHERE partner_id = {ME}"
OFFERED_TO_ME = f"offered_at IS NOT NULL AND agreement_id IN ({AS_PARTNER})"
OF_OFFERED_VERSION = f"version_id IN (SELECT id FROM tenants_agreementversion WHERE tenant_id <> {ME})"
PURPOSE = "(SELECT wall.purpose())"
KEYS = "".join(
    f'ALTER TABLE tenants_{table} ADD CONSTRAINT "tenants_{table}_{column}_id_wall" FOREIGN KEY (tenant_id, {column}_id) '
    f"REFERENCES tenants_{target} (tenant_id, id) DEFERRABLE INITIALLY DEFERRED;"
    for table, column, target in (
        ("agreement", "framework", "agreement"),
        ("agreement", "supersedes", "agreement"),
        ("clause", "version", "agreementversion"),
        ("sitegroupobjectpermission", "clause", "clause"),
        ("equipmentgroupobjectpermission", "clause", "clause"),
    )
)
IN_FORCE = (
    f"grantee_id = {ME} AND during @> now() AND (purpose = '' OR purpose = {PURPOSE} OR {PURPOSE} = '*') "
    f"AND agreement_id IN (SELECT id FROM tenants_agreement WHERE partner_id = {ME} AND status = 'active' "
    "AND (ends_at IS NULL OR ends_at > now())) AND agreement_id <> ALL (ARRAY(SELECT wall.withheld()))"
)
POLICIES = f"""
ALTER POLICY wall_update ON tenants_clause USING (false) WITH CHECK (false);
ALTER POLICY wall_delete ON tenants_clause USING (false);
ALTER POLICY wall_select ON tenants_clause USING ({OWN} OR {OF_OFFERED_VERSION});
ALTER POLICY wall_select ON tenants_sitegroupobjectpermission USING ({OWN} OR ({IN_FORCE}));
ALTER POLICY wall_select ON tenants_equipmentgroupobjectpermission USING ({OWN} OR ({IN_FORCE}));
"""
FROZEN = """
CREATE FUNCTION tenants_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER clause_is_frozen BEFORE UPDATE ON tenants_clause FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('A clause never changes; propose another version of the agreement.');
CREATE TRIGGER version_is_frozen
  BEFORE UPDATE OF id, tenant_id, agreement_id, number, author_id, terms, text, text_hash, created_by_id, created_at
  ON tenants_agreementversion FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('The text of a version never changes; propose another one.');
CREATE TRIGGER signature_is_frozen BEFORE UPDATE ON tenants_signature FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('A signature never changes; terminate the agreement instead.');
CREATE TRIGGER shared_read_is_frozen BEFORE UPDATE ON tenants_sharedread FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('What was read stays recorded.');
"""
THAWED = "DROP FUNCTION tenants_refuse_change CASCADE"


def required(model: str, name: str, to: str, related: str) -> migrations.AlterField:
    key = tenants.models.base.TenantForeignKey(
        on_delete=django.db.models.deletion.PROTECT, related_name=related, to=f"tenants.{to}"
    )
    return migrations.AlterField(model, name, key)


class Migration(migrations.Migration):
    dependencies = [("tenants", "0005_agreements_whole")]

    operations = [
        migrations.RunSQL(OPENED + FIRST_VERSIONS + FORCED, migrations.RunSQL.noop),
        required("clause", "agreement", "agreement", "clauses"),
        required("clause", "version", "agreementversion", "clauses"),
        required("sitegroupobjectpermission", "clause", "clause", "+"),
        required("equipmentgroupobjectpermission", "clause", "clause", "+"),
        Wall("AgreementVersion", read=f"{OWN} OR ({OFFERED_TO_ME})", write=NOBODY, insert=OWN, update=OWN),
        migrations.RunSQL(KEYS, migrations.RunSQL.noop),
        Wall("Signature", read=f"{OWN} OR agreement_id IN ({AS_PARTNER})", write=NOBODY, insert=OWN),
        Wall("Delegation"),
        Wall("SharedRead", read=f"{OWN} OR reader_id = {ME}", write=NOBODY, insert=OWN),
        migrations.RunSQL(NARROWING_FUNCTIONS, migrations.RunSQL.noop),
        migrations.RunSQL(POLICIES, migrations.RunSQL.noop),
        migrations.RunSQL(DELAY_FUNCTIONS, migrations.RunSQL.noop),
        migrations.RunSQL(FROZEN, THAWED),
    ]

"""The notice board shows notices of owners who are listed now, not only when they published."""

from django.db import migrations

from tenants.policies import MY_CREDENTIAL, OWN

BOARD = f"{MY_CREDENTIAL} = 'the notice board'"
BEFORE = f"ALTER POLICY wall_select ON marketplace_publicnotice USING ({OWN} OR {BOARD});"
# It looks in the owner's name, since who isn't signed in sees no organisation.
LISTED = f"""
CREATE FUNCTION marketplace_is_listed(organisation uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  me text := current_setting('app.tenant', true);
  found boolean;
BEGIN
  PERFORM set_config('app.tenant', organisation::text, true);
  SELECT listed INTO found FROM public.tenants_tenant WHERE id = organisation;
  PERFORM set_config('app.tenant', coalesce(me, ''), true);
  RETURN coalesce(found, false);
END $$;
ALTER POLICY wall_select ON marketplace_publicnotice USING (
  CASE WHEN {OWN} THEN true WHEN {BOARD} THEN marketplace_is_listed(tenant_id) ELSE false END);
"""


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0021_claims_that_were_shut")]

    operations = [migrations.RunSQL(LISTED, f"{BEFORE} DROP FUNCTION marketplace_is_listed(uuid);")]

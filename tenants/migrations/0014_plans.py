"""Policies that ask functions instead of spelling out whole queries: PostgreSQL plans them for every statement anew.

A function in a select list is not inlined, so that a policy of four tables deep is planned only if it is asked, which
for own rows is never.
"""

from django.db import migrations

from tenants.policies import ME, OWN, PLACE_FUNCTIONS

PURPOSE = "(SELECT wall.purpose())"
IN_FORCE = (
    f"grantee_id = {ME} AND during @> now() AND (purpose = '' OR purpose = {PURPOSE} OR {PURPOSE} = '*') "
    "AND agreement_id = ANY (ARRAY(SELECT wall.agreements_in_force()))"
)
GRANTED = f"CASE WHEN {OWN} THEN true ELSE {IN_FORCE} END"
AT_SITE = "ANY (ARRAY(SELECT wall.sites_by_grant()))"
AROUND_MACHINE = "ANY (ARRAY(SELECT wall.sites_of_machines_by_grant()))"
POLICIES = f"""
ALTER POLICY wall_select ON tenants_sitegroupobjectpermission USING ({GRANTED});
ALTER POLICY wall_select ON tenants_equipmentgroupobjectpermission USING ({GRANTED});
ALTER POLICY wall_select ON tenants_site
  USING (CASE WHEN {OWN} THEN true ELSE id = {AT_SITE} OR id = {AROUND_MACHINE} END);
ALTER POLICY wall_select ON tenants_equipment
  USING (CASE WHEN {OWN} THEN true ELSE site_id = {AT_SITE} OR id = ANY (ARRAY(SELECT wall.machines_by_grant())) END);
ALTER POLICY wall_select ON tenants_process
  USING (CASE WHEN {OWN} THEN true ELSE site_id = {AT_SITE} OR site_id = {AROUND_MACHINE} END);
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0013_agreement_guard")]

    operations = [
        migrations.RunSQL(PLACE_FUNCTIONS, migrations.RunSQL.noop),
        migrations.RunSQL(POLICIES, migrations.RunSQL.noop),
    ]

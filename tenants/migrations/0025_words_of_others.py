"""Who may see a single machine is not told what others beside it show: its grants hide `of_others`, too."""

from django.db import migrations

GRANTEES = """
CREATE OR REPLACE FUNCTION wall.grantees(asked jsonb)
RETURNS TABLE (n integer, grantee uuid, grant_id uuid, mask text[])
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
    SELECT q.n, g.grantee_id, g.id, g.mask
      FROM jsonb_to_recordset(asked) AS q(n integer, permission text, site uuid, equipment uuid)
      CROSS JOIN LATERAL (
        SELECT s.grantee_id, s.id, s.field_mask::text[] AS mask, s.permission_id, s.agreement_id
          FROM public.tenants_sitegroupobjectpermission s
         WHERE s.content_object_id = q.site AND s.during @> statement_timestamp() AND s.delay_s = 0 AND s.floor_n = 0
        UNION ALL
        SELECT e.grantee_id, e.id, {of_machine}, e.permission_id, e.agreement_id
          FROM public.tenants_equipmentgroupobjectpermission e
         WHERE e.content_object_id = q.equipment AND e.during @> statement_timestamp() AND e.delay_s = 0
           AND e.floor_n = 0) AS g
      JOIN public.auth_permission p ON p.id = g.permission_id AND p.codename = q.permission
      JOIN public.tenants_agreement a ON a.id = g.agreement_id AND a.status = 'active'
       AND (a.ends_at IS NULL OR a.ends_at > statement_timestamp());
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0024_far_times")]

    operations = [
        migrations.RunSQL(
            GRANTEES.replace("{of_machine}", "e.field_mask::text[] || 'of_others'::text"),
            GRANTEES.replace("{of_machine}", "e.field_mask::text[]"),
        ),
    ]

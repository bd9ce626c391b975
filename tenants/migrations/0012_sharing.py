"""What explains and records who sees what."""

import django.contrib.postgres.fields
from django.db import migrations, models

from tenants.policies import DELIVER_BY_GRANTS_FUNCTION, DELIVER_FUNCTION, OWN

OPENED = "ALTER TABLE tenants_feedevent NO FORCE ROW LEVEL SECURITY;"
FORCED = "ALTER TABLE tenants_feedevent FORCE ROW LEVEL SECURITY;"
# An event that several grants open is seen for as long as one of them is in force.
SEVERAL_GRANTS = f"""
{OPENED}
UPDATE tenants_feedevent SET grant_ids = ARRAY[grant_id] WHERE grant_id IS NOT NULL;
{FORCED}
ALTER POLICY wall_select ON tenants_feedevent
  USING ({OWN} AND (grant_ids = '{{}}' OR grant_ids && ARRAY(SELECT wall.live_grants())));
"""
ONE_GRANT = f"""
{OPENED}
UPDATE tenants_feedevent SET grant_id = grant_ids[1] WHERE grant_ids <> '{{}}';
{FORCED}
ALTER POLICY wall_select ON tenants_feedevent
  USING ({OWN} AND (grant_id IS NULL OR grant_id = ANY (ARRAY(SELECT wall.live_grants()))));
"""
# A record is the owner's: like wall.deliver it is written in their name, for rows that the reader was just given.
RECORD_READS = """
CREATE FUNCTION wall.record_reads(entries jsonb, via text, purpose text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  me text := current_setting('app.tenant', true);
  who uuid := wall.user_id();
  who_name text := coalesce((SELECT name FROM public.tenants_user WHERE id = who), '');
  entry record;
BEGIN
  FOR entry IN
    SELECT * FROM jsonb_to_recordset(entries) AS e(
      tenant uuid, reader uuid, agreement uuid, clause uuid, permission text, kind text,
      n_rows integer, first_id text, last_id text, ids_hash text)
  LOOP
    PERFORM set_config('app.tenant', entry.tenant::text, true);
    INSERT INTO public.tenants_sharedread
      (id, tenant_id, reader_id, user_id, user_name, via, agreement_id, clause_id, permission, purpose, kind, n_rows,
       first_id, last_id, ids_hash, read_at)
      VALUES (uuidv7(), entry.tenant, entry.reader, who, who_name, via, entry.agreement, entry.clause, entry.permission,
              purpose, entry.kind, entry.n_rows, entry.first_id, entry.last_id, entry.ids_hash, clock_timestamp());
  END LOOP;
  PERFORM set_config('app.tenant', coalesce(me, ''), true);
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0011_tree")]

    operations = [
        migrations.AddField(
            "feedevent",
            "grant_ids",
            django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None),
        ),
        migrations.RunSQL(SEVERAL_GRANTS, ONE_GRANT),
        migrations.RunSQL(DELIVER_BY_GRANTS_FUNCTION, DELIVER_FUNCTION),
        migrations.RemoveField("feedevent", "grant_id"),
        migrations.AddField("feedticket", "purpose", models.CharField(blank=True, default="", max_length=40)),
        migrations.RunSQL(RECORD_READS, "DROP FUNCTION wall.record_reads(jsonb, text, text)"),
    ]

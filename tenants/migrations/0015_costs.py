"""What a shared read writes goes in one statement for each organisation in whose name it is written; and policies that
are asked in every request no longer spell out queries of other closed tables, see 0014_plans."""

import django.db.models.deletion
from django.db import migrations, models

import tenants.models.base
from tenants.policies import ME, MY_CREDENTIAL, MY_USER, OWN

# Entries by owner. A record is the owner's: like wall.deliver it is written in their name, for rows that the reader was
# just given.
RECORD_READS = """
CREATE OR REPLACE FUNCTION wall.record_reads(entries jsonb, via text, purpose text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  me text := current_setting('app.tenant', true);
  who uuid := wall.user_id();
  who_name text := coalesce((SELECT name FROM public.tenants_user WHERE id = who), '');
  owner record;
BEGIN
  FOR owner IN SELECT key::uuid AS id, value AS entries FROM jsonb_each(entries)
  LOOP
    PERFORM set_config('app.tenant', owner.id::text, true);
    INSERT INTO public.tenants_sharedread
      (id, tenant_id, reader_id, user_id, user_name, via, agreement_id, clause_id, permission, purpose, kind, n_rows,
       first_id, last_id, ids_hash, read_at)
      SELECT uuidv7(), owner.id, e.reader, who, who_name, record_reads.via, e.agreement, e.clause, e.permission,
             record_reads.purpose, e.kind, e.n_rows, e.first_id, e.last_id, e.ids_hash, clock_timestamp()
        FROM jsonb_to_recordset(owner.entries) AS e(
          reader uuid, agreement uuid, clause uuid, permission text, kind text,
          n_rows integer, first_id text, last_id text, ids_hash text);
  END LOOP;
  PERFORM set_config('app.tenant', coalesce(me, ''), true);
END $$;
"""
# Uses by payer; ordered, so that transactions that bill each other can't deadlock.
METER = """
CREATE OR REPLACE FUNCTION wall.meter(uses jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  me text := current_setting('app.tenant', true);
  payer record;
BEGIN
  FOR payer IN SELECT key::uuid AS id, value AS uses FROM jsonb_each(uses) ORDER BY 1
  LOOP
    PERFORM set_config('app.tenant', payer.id::text, true);
    INSERT INTO public.tenants_usageevent
      (id, tenant_id, source, event_id, meter, quantity, at, hour,
       subject_kind, subject_id, counterpart_id, agreement_id)
      SELECT u.id, payer.id, u.source, u.event_id, u.meter, u.quantity, u.at, date_trunc('hour', u.at, 'UTC'),
             u.subject_kind, u.subject_id, u.counterpart, u.agreement
        FROM jsonb_to_recordset(payer.uses) AS u(
          id uuid, source text, event_id text, meter text, quantity numeric, at timestamptz,
          subject_kind text, subject_id text, counterpart uuid, agreement uuid)
       ORDER BY u.source, u.event_id
      ON CONFLICT (tenant_id, source, event_id) DO NOTHING;
  END LOOP;
  PERFORM set_config('app.tenant', coalesce(me, ''), true);
END $$;
"""

MEMBERS_AND_PARTIES = f"""
CREATE FUNCTION wall.my_tenants() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT tenant_id FROM public.tenants_membership WHERE user_id = {MY_USER}
  UNION ALL SELECT tenant_id FROM public.tenants_invitation WHERE token_hash = {MY_CREDENTIAL} $$;
CREATE FUNCTION wall.colleagues() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT user_id FROM public.tenants_membership WHERE tenant_id = {ME} $$;
CREATE FUNCTION wall.agreements_as_partner() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT id FROM public.tenants_agreement WHERE partner_id = {ME} $$;
CREATE FUNCTION wall.versions_as_partner() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT id FROM public.tenants_agreementversion
   WHERE agreement_id = ANY (ARRAY(SELECT wall.agreements_as_partner())) $$;
"""
AS_PARTNER = "agreement_id IN (SELECT wall.agreements_as_partner())"
POLICIES = f"""
ALTER POLICY wall_select ON tenants_tenant USING (
  CASE WHEN id = {ME} OR listed AND {ME} IS NOT NULL THEN true ELSE id IN (SELECT wall.my_tenants()) END);
ALTER POLICY wall_select ON tenants_user USING (
  CASE WHEN id = {MY_USER} OR email = {MY_CREDENTIAL} OR service_of_id = {ME} THEN true
    ELSE id IN (SELECT wall.colleagues()) END);
ALTER POLICY wall_select ON tenants_user_groups USING (
  CASE WHEN user_id = {MY_USER} THEN true ELSE user_id IN (SELECT wall.colleagues()) END);
ALTER POLICY wall_select ON tenants_agreementversion USING (
  CASE WHEN {OWN} THEN true ELSE offered_at IS NOT NULL AND {AS_PARTNER} END);
ALTER POLICY wall_select ON tenants_clause USING (
  CASE WHEN {OWN} THEN true ELSE version_id IN (SELECT wall.versions_as_partner()) END);
ALTER POLICY wall_select ON tenants_signature USING (CASE WHEN {OWN} THEN true ELSE {AS_PARTNER} END);
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0014_plans")]

    operations = [
        # The key (tenant, id) already sorts an owner's reads, and (reader, -id) finds a reader's.
        migrations.RemoveIndex("sharedread", "shared_read_newest"),
        migrations.AlterField(
            "sharedread",
            "agreement",
            tenants.models.base.TenantForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.agreement"
            ),
        ),
        migrations.AlterField(
            "sharedread",
            "reader",
            models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant"
            ),
        ),
        migrations.AddIndex(
            "sharedread", models.Index(fields=["agreement", "read_at"], name="shared_read_of_agreement")
        ),
        migrations.RunSQL(RECORD_READS, migrations.RunSQL.noop),
        migrations.RunSQL(METER, migrations.RunSQL.noop),
        migrations.RunSQL(MEMBERS_AND_PARTIES, migrations.RunSQL.noop),
        migrations.RunSQL(POLICIES, migrations.RunSQL.noop),
    ]

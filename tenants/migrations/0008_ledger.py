"""The chain of what was decided, in each organisation's own ledger: its entries never change and leave no gap."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

import tenants.models.base
from tenants.policies import OWN, Wall
from tenants.roles import CAPABILITIES

NOBODY = "false"
GENESIS = "0" * 64

# Heads are locked in one order, so that transactions between the same organisations can't deadlock; the time is that
# of the last lock, so that entries of a chain are in the order of their times.
FUNCTIONS = """
CREATE FUNCTION wall.ledger_heads(tenants uuid[])
  RETURNS TABLE (tenant uuid, seq bigint, hash text, locked_at timestamptz) LANGUAGE plpgsql AS $$
DECLARE
  me text := current_setting('app.tenant', true);
BEGIN
  FOR tenant IN SELECT DISTINCT t FROM unnest(tenants) AS t ORDER BY t LOOP
    PERFORM set_config('app.tenant', tenant::text, true);
    INSERT INTO public.tenants_ledgerhead (tenant_id, seq, hash) VALUES (tenant, 0, repeat('0', 64))
      ON CONFLICT (tenant_id) DO NOTHING;
    SELECT h.seq, h.hash INTO STRICT ledger_heads.seq, ledger_heads.hash
      FROM public.tenants_ledgerhead h WHERE h.tenant_id = tenant FOR UPDATE;
    locked_at := clock_timestamp();
    RETURN NEXT;
  END LOOP;
  PERFORM set_config('app.tenant', coalesce(me, ''), true);
END $$;

CREATE FUNCTION wall.enter(entries jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  me text := current_setting('app.tenant', true);
  entry public.tenants_ledgerentry;
BEGIN
  FOR entry IN
    SELECT * FROM jsonb_populate_recordset(NULL::public.tenants_ledgerentry, entries) ORDER BY tenant_id, seq
  LOOP
    PERFORM set_config('app.tenant', entry.tenant_id::text, true);
    INSERT INTO public.tenants_ledgerentry SELECT entry.*;
  END LOOP;
  PERFORM set_config('app.tenant', coalesce(me, ''), true);
END $$;
"""
NO_FUNCTIONS = "DROP FUNCTION wall.enter; DROP FUNCTION wall.ledger_heads"

TRIGGERS = """
CREATE FUNCTION tenants_ledger_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.tenants_ledgerhead (tenant_id, seq, hash) VALUES (NEW.tenant_id, 0, repeat('0', 64))
    ON CONFLICT (tenant_id) DO NOTHING;
  UPDATE public.tenants_ledgerhead SET seq = NEW.seq, hash = NEW.hash
   WHERE tenant_id = NEW.tenant_id AND seq = NEW.seq - 1 AND hash = NEW.prev_hash;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'Entry % does not go on from the end of its ledger.', NEW.seq USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER ledger_goes_on BEFORE INSERT ON tenants_ledgerentry FOR EACH ROW
  EXECUTE FUNCTION tenants_ledger_goes_on();
CREATE TRIGGER ledger_entry_is_frozen BEFORE UPDATE OR DELETE ON tenants_ledgerentry FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('What was entered in the ledger never changes; enter what corrects it.');
CREATE TRIGGER ledger_is_kept BEFORE TRUNCATE ON tenants_ledgerentry
  EXECUTE FUNCTION tenants_refuse_change('The ledger is kept.');
CREATE TRIGGER ledger_begins_empty BEFORE INSERT ON tenants_ledgerhead FOR EACH ROW
  WHEN (NEW.seq <> 0 OR NEW.hash <> repeat('0', 64))
  EXECUTE FUNCTION tenants_refuse_change('A ledger begins without entries.');
CREATE TRIGGER ledger_head_follows_entries BEFORE UPDATE ON tenants_ledgerhead FOR EACH ROW
  WHEN (pg_trigger_depth() = 0)
  EXECUTE FUNCTION tenants_refuse_change('Only an entry moves the end of a ledger.');
CREATE TRIGGER ledger_head_is_kept BEFORE DELETE ON tenants_ledgerhead FOR EACH ROW
  EXECUTE FUNCTION tenants_refuse_change('The ledger is kept.');

-- Also for a session that replays what another server wrote.
ALTER TABLE tenants_ledgerentry ENABLE ALWAYS TRIGGER ledger_goes_on;
ALTER TABLE tenants_ledgerentry ENABLE ALWAYS TRIGGER ledger_entry_is_frozen;
ALTER TABLE tenants_ledgerentry ENABLE ALWAYS TRIGGER ledger_is_kept;
ALTER TABLE tenants_ledgerhead ENABLE ALWAYS TRIGGER ledger_begins_empty;
ALTER TABLE tenants_ledgerhead ENABLE ALWAYS TRIGGER ledger_head_follows_entries;
ALTER TABLE tenants_ledgerhead ENABLE ALWAYS TRIGGER ledger_head_is_kept;
"""
NO_TRIGGERS = """
DROP FUNCTION tenants_ledger_goes_on CASCADE;
DROP TRIGGER ledger_entry_is_frozen ON tenants_ledgerentry;
DROP TRIGGER ledger_is_kept ON tenants_ledgerentry;
DROP TRIGGER ledger_begins_empty ON tenants_ledgerhead;
DROP TRIGGER ledger_head_follows_entries ON tenants_ledgerhead;
DROP TRIGGER ledger_head_is_kept ON tenants_ledgerhead;
"""

HASH = {"max_length": 64}
TO_TENANT = {"on_delete": django.db.models.deletion.PROTECT, "related_name": "+", "to": "tenants.tenant"}


class Migration(migrations.Migration):
    dependencies = [("tenants", "0007_people")]

    operations = [
        migrations.AlterField(
            "apikey",
            "scopes",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(choices=[(name, name) for name in sorted(CAPABILITIES)], max_length=40),
                size=None,
            ),
        ),
        migrations.CreateModel(
            "LedgerHead",
            [
                ("tenant", models.OneToOneField(primary_key=True, serialize=False, **TO_TENANT)),
                ("seq", models.BigIntegerField(default=0)),
                ("hash", models.CharField(default=GENESIS, **HASH)),
            ],
        ),
        migrations.CreateModel(
            "LedgerEntry",
            [
                (
                    "id",
                    models.UUIDField(
                        default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("tenant", models.ForeignKey(db_index=False, editable=False, **TO_TENANT)),
                ("seq", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("kind", models.CharField(max_length=60)),
                (
                    "subject_id",
                    models.UUIDField(help_text="The agreement, plan release, alarm, claim, key … that it is about."),
                ),
                ("by", models.ForeignKey(null=True, **TO_TENANT)),
                ("user_id", models.UUIDField(null=True)),
                ("user_name", models.CharField(blank=True, max_length=200)),
                ("via", models.CharField(blank=True, max_length=100)),
                ("payload", models.TextField(help_text="Canonical JSON.")),
                ("shared_id", models.UUIDField(null=True)),
                (
                    "with_tenants",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), default=list, size=None
                    ),
                ),
                ("prev_hash", models.CharField(**HASH)),
                ("digest", models.CharField(**HASH)),
                (
                    "others",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(**HASH), default=list, size=None
                    ),
                ),
                ("hash", models.CharField(**HASH)),
            ],
            {
                "ordering": ["-seq"],
                "verbose_name_plural": "ledger entries",
                "indexes": [
                    models.Index(fields=["tenant", "subject_id", "-seq"], name="ledger_entry_of_subject"),
                    models.Index(fields=["tenant", "kind", "-seq"], name="ledger_entry_of_kind"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "seq"), name="ledger_entry_seq"),
                    models.UniqueConstraint(fields=("tenant", "shared_id"), name="ledger_entry_shared_once"),
                    models.CheckConstraint(
                        condition=Q(shared_id__isnull=True, with_tenants__len=0)
                        | Q(shared_id__isnull=False, with_tenants__len__gt=0),
                        name="ledger_entry_shared_with_somebody",
                    ),
                ],
            },
        ),
        Wall("LedgerHead", write=NOBODY, insert=OWN, update=OWN),
        Wall("LedgerEntry", write=NOBODY, insert=OWN),
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
    ]

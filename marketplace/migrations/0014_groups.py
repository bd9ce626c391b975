"""Firms of one group of companies don't work for each other; profiles have versions."""

from django.db import migrations, models

GUARDED = {
    "claim": "INSERT",
    "bid": "INSERT OR UPDATE OF state",
    "bidversion": "INSERT",
    "taskinvitation": "INSERT",
}
OTHER_GROUP = """
CREATE FUNCTION marketplace_refuse_sister() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  buyer uuid := coalesce((to_jsonb(NEW) ->> 'owner_id')::uuid, NEW.tenant_id);
  firm uuid := coalesce((to_jsonb(NEW) ->> 'firm_id')::uuid, NEW.tenant_id);
BEGIN
  IF wall.group_of(buyer) = wall.group_of(firm) AND wall.group_of(buyer) <> '' AND NOT wall.importing() THEN
    RAISE EXCEPTION 'buyer and firm belong to one group' USING ERRCODE = 'check_violation',
      CONSTRAINT = 'marketplace_other_group';
  END IF;
  RETURN NEW;
END $$;
"""
# What was agreed before both came into one group goes on; a bid that is withdrawn or lost may be, too.
WHEN = {"bid": "WHEN (NEW.state IN ('draft', 'won'))"}


def guard(table: str, events: str) -> migrations.RunSQL:
    trigger = f"CREATE TRIGGER guard_group BEFORE {events} ON marketplace_{table} FOR EACH ROW {WHEN.get(table, '')}"
    return migrations.RunSQL(f"{trigger} EXECUTE FUNCTION marketplace_refuse_sister();", migrations.RunSQL.noop)


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0013_remote_sessions"), ("tenants", "0023_groups")]

    operations = [
        migrations.AddField("profile", "version", models.PositiveIntegerField(default=1)),
        migrations.RunSQL(OTHER_GROUP, "DROP FUNCTION marketplace_refuse_sister CASCADE"),
        *[guard(table, events) for table, events in GUARDED.items()],
    ]

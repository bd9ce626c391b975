"""The wall around the marketplace's tables, and the triggers that refuse what the lifecycle does not allow."""

from django.db import migrations

from tenants.policies import ME, OWN, Wall

CLAIMED_BY_ME = f"SELECT task_id FROM marketplace_claim WHERE tenant_id = {ME}"

# The pairs of states of marketplace/lifecycle.py; a test compares the two cell by cell.
GUARD_TASK = """
CREATE FUNCTION marketplace_guard_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'draft' THEN
      RAISE EXCEPTION 'a service task begins as a draft, not as %', NEW.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
    ('draft', 'open'), ('draft', 'cancelled'),
    ('open', 'claimed'), ('open', 'cancelled'),
    ('claimed', 'submitted'), ('claimed', 'open'),
    ('submitted', 'closed'), ('submitted', 'claimed')
  ) THEN
    RAISE EXCEPTION 'a service task can not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.tenant_id, NEW.site_id, NEW.equipment_id, NEW.alarm_id, NEW.snapshot, NEW.created_at)
     IS DISTINCT FROM
     (OLD.id, OLD.tenant_id, OLD.site_id, OLD.equipment_id, OLD.alarm_id, OLD.snapshot, OLD.created_at) THEN
    RAISE EXCEPTION 'what a service task was posted about never changes' USING ERRCODE = 'check_violation';
  END IF;
  IF OLD.state <> 'draft' AND
     (NEW.title, NEW.description, NEW.category, NEW.opens, NEW.access_h, NEW.fee_minor, NEW.currency, NEW.published_at)
     IS DISTINCT FROM
     (OLD.title, OLD.description, OLD.category, OLD.opens, OLD.access_h, OLD.fee_minor, OLD.currency, OLD.published_at)
  THEN
    RAISE EXCEPTION 'the terms of a published service task never change' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.token < OLD.token OR NEW.version < OLD.version THEN
    RAISE EXCEPTION 'token and version of a service task only rise' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_task BEFORE INSERT OR UPDATE ON marketplace_servicetask
  FOR EACH ROW EXECUTE FUNCTION marketplace_guard_task();
"""

GUARD_CLAIM = """
CREATE FUNCTION marketplace_guard_claim() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state <> 'live' THEN
    RAISE EXCEPTION 'a claim that has ended never changes' USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.tenant_id, NEW.owner_id, NEW.task_id, NEW.token, NEW.firm_name, NEW.claimed_at)
     IS DISTINCT FROM
     (OLD.id, OLD.tenant_id, OLD.owner_id, OLD.task_id, OLD.token, OLD.firm_name, OLD.claimed_at) THEN
    RAISE EXCEPTION 'whose claim it is never changes' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_claim BEFORE UPDATE ON marketplace_claim
  FOR EACH ROW EXECUTE FUNCTION marketplace_guard_claim();
"""


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0001_initial"), ("edge_bridge", "0002_wall")]

    operations = [
        Wall(
            "ServiceTask",
            read=f"CASE WHEN {OWN} THEN true ELSE (state = 'open' AND {ME} IS NOT NULL) "
            f"OR id = ANY (ARRAY({CLAIMED_BY_ME})) END",
        ),
        # A claim opens the owner's data, so it is written in the owner's name alone; the firm reads it as its own.
        Wall("Claim", read=f"{OWN} OR owner_id = {ME}", write=f"owner_id = {ME}"),
        migrations.RunSQL(GUARD_TASK, "DROP FUNCTION marketplace_guard_task CASCADE"),
        migrations.RunSQL(GUARD_CLAIM, "DROP FUNCTION marketplace_guard_claim CASCADE"),
    ]

from django.db import migrations

from tenants.policies import OWN, Wall

NOBODY = "false"

# `UPDATE OF` keeps a heartbeat from comparing two large documents; a finished row refuses whatever is set.
FROZEN = """
CREATE FUNCTION optimization_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER plan_run_request_is_frozen
  BEFORE UPDATE OF id, tenant_id, name, instance, options, requested_by_id, requested_via, requested_roles,
                   requested_scopes, created_at
  ON optimization_planrun FOR EACH ROW
  WHEN ((OLD.id, OLD.tenant_id, OLD.name, OLD.instance, OLD.options, OLD.requested_by_id, OLD.requested_via,
         OLD.requested_roles, OLD.requested_scopes, OLD.created_at)
    IS DISTINCT FROM
        (NEW.id, NEW.tenant_id, NEW.name, NEW.instance, NEW.options, NEW.requested_by_id, NEW.requested_via,
         NEW.requested_roles, NEW.requested_scopes, NEW.created_at))
  EXECUTE FUNCTION optimization_refuse_change('What was asked of a plan never changes; ask for another plan.');
CREATE TRIGGER plan_run_result_is_frozen
  BEFORE UPDATE ON optimization_planrun FOR EACH ROW
  WHEN (OLD.finished_at IS NOT NULL)
  EXECUTE FUNCTION optimization_refuse_change('A finished plan never changes; ask for another plan.');
"""
THAWED = """
DROP TRIGGER plan_run_result_is_frozen ON optimization_planrun;
DROP TRIGGER plan_run_request_is_frozen ON optimization_planrun;
DROP FUNCTION optimization_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("optimization", "0001_initial")]

    operations = [
        # Plans are the record of what was decided on: nobody deletes one.
        Wall("PlanRun", write=NOBODY, insert=OWN, update=OWN),
        migrations.RunSQL(FROZEN, THAWED),
    ]

from django.db import migrations, models

from tenants.policies import ME, OWN

# In a subquery a bare column is the inner table's: the row that is asked for has to be named by its table.
SEATED = f"EXISTS (SELECT FROM optimization_jointseat s WHERE s.participant_id = {ME} AND s.joint_id = %s)"
PLAN_SEATED = SEATED % "optimization_jointplan.id"
PART_SEATED = SEATED % "optimization_jointpart.joint_id"
SHARE_SEATED = SEATED % "optimization_planshare.joint_id"

POLICIES = f"""
ALTER POLICY wall_select ON optimization_jointplan USING (CASE WHEN {OWN} THEN true ELSE {PLAN_SEATED} END);
ALTER POLICY wall_insert ON optimization_jointpart WITH CHECK ({OWN} AND {PART_SEATED});
ALTER POLICY wall_insert ON optimization_planshare WITH CHECK ({OWN} AND {SHARE_SEATED});
ALTER POLICY wall_delete ON optimization_jointseat USING (false);
"""
# Parts are brought for what the plan and the seat say: neither may change under them.
FROZEN = """
CREATE TRIGGER joint_plan_is_frozen
  BEFORE UPDATE OF id, tenant_id, name, coordinator_name, frame, created_by_id, created_at
  ON optimization_jointplan FOR EACH ROW
  EXECUTE FUNCTION optimization_refuse_change('What a plan of several organisations asks for never changes; found another one.');
CREATE TRIGGER joint_seat_is_frozen
  BEFORE UPDATE OF id, tenant_id, joint_id, participant_id, participant_name, mines, centres, users
  ON optimization_jointseat FOR EACH ROW
  EXECUTE FUNCTION optimization_refuse_change('The names of a seat never change; found another plan.');
"""
THAWED = """
DROP TRIGGER joint_seat_is_frozen ON optimization_jointseat;
DROP TRIGGER joint_plan_is_frozen ON optimization_jointplan;
"""


class Migration(migrations.Migration):
    dependencies = [("optimization", "0004_wall")]

    operations = [
        migrations.AddField(
            "jointplan", "coordinator_name", models.CharField(max_length=200, default=""), preserve_default=False
        ),
        migrations.RunSQL(POLICIES, migrations.RunSQL.noop),
        migrations.RunSQL(FROZEN, THAWED),
    ]

from django.db import migrations

from tenants.policies import ME, OWN, Wall

NOBODY = "false"
# What is decided, released, sampled or brought is a record: it is added to and read.
RECORDS = ("ScenarioVersion", "PlanDecision", "PlanRelease", "SampleBatch", "GradeSet", "GradeRetest")
SEATED = f"EXISTS (SELECT FROM optimization_jointseat s WHERE s.participant_id = {ME} AND s.joint_id = %s)"

KEYS = "".join(
    f'ALTER TABLE optimization_planrun ADD CONSTRAINT "optimization_planrun_{name}_id_wall" '
    f"FOREIGN KEY (tenant_id, {name}_id) REFERENCES optimization_{table} (tenant_id, id) DEFERRABLE INITIALLY DEFERRED;"
    for name, table in (("scenario_version", "scenarioversion"), ("grade_set", "gradeset"), ("joint", "jointplan"))
)
FROZEN = """
DROP TRIGGER plan_run_request_is_frozen ON optimization_planrun;
CREATE TRIGGER plan_run_request_is_frozen
  BEFORE UPDATE OF id, tenant_id, name, instance, options, requested_by_id, requested_via, requested_roles,
                   requested_scopes, created_at, scenario_version_id, grade_set_id, joint_id, parts
  ON optimization_planrun FOR EACH ROW
  WHEN ((OLD.id, OLD.tenant_id, OLD.name, OLD.instance, OLD.options, OLD.requested_by_id, OLD.requested_via,
         OLD.requested_roles, OLD.requested_scopes, OLD.created_at, OLD.scenario_version_id, OLD.grade_set_id,
         OLD.joint_id, OLD.parts)
    IS DISTINCT FROM
        (NEW.id, NEW.tenant_id, NEW.name, NEW.instance, NEW.options, NEW.requested_by_id, NEW.requested_via,
         NEW.requested_roles, NEW.requested_scopes, NEW.created_at, NEW.scenario_version_id, NEW.grade_set_id,
         NEW.joint_id, NEW.parts))
  EXECUTE FUNCTION optimization_refuse_change('What was asked of a plan never changes; ask for another plan.');
CREATE TRIGGER experiment_request_is_frozen
  BEFORE UPDATE OF id, tenant_id, name, kind, options, requested_by_id, requested_via, requested_roles,
                   requested_scopes, created_at
  ON optimization_experiment FOR EACH ROW
  WHEN ((OLD.id, OLD.tenant_id, OLD.name, OLD.kind, OLD.options, OLD.requested_by_id, OLD.requested_via,
         OLD.requested_roles, OLD.requested_scopes, OLD.created_at)
    IS DISTINCT FROM
        (NEW.id, NEW.tenant_id, NEW.name, NEW.kind, NEW.options, NEW.requested_by_id, NEW.requested_via,
         NEW.requested_roles, NEW.requested_scopes, NEW.created_at))
  EXECUTE FUNCTION optimization_refuse_change('What was asked of an experiment never changes; ask for another one.');
CREATE TRIGGER experiment_result_is_frozen
  BEFORE UPDATE ON optimization_experiment FOR EACH ROW
  WHEN (OLD.finished_at IS NOT NULL)
  EXECUTE FUNCTION optimization_refuse_change('A finished experiment never changes; ask for another one.');
"""
THAWED = """
DROP TRIGGER experiment_result_is_frozen ON optimization_experiment;
DROP TRIGGER experiment_request_is_frozen ON optimization_experiment;
DROP TRIGGER plan_run_request_is_frozen ON optimization_planrun;
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
"""


class Migration(migrations.Migration):
    dependencies = [("optimization", "0003_scenarios_sets_and_studies")]

    operations = [
        # What others refer to comes first.
        Wall("Scenario", write=NOBODY, insert=OWN, update=OWN),
        *(Wall(name, write=NOBODY, insert=OWN) for name in RECORDS),
        Wall("Experiment", write=NOBODY, insert=OWN, update=OWN),
        Wall("ExperimentCase", write=NOBODY, insert=OWN),
        Wall(
            "JointPlan",
            read=f"CASE WHEN {OWN} THEN true ELSE {SEATED % 'id'} END",
            write=NOBODY,
            insert=OWN,
            update=OWN,
        ),
        Wall("JointSeat", read=f"{OWN} OR participant_id = {ME}"),
        # A part is seen by nobody but who brought it, and only who has a seat brings one.
        Wall("JointPart", write=NOBODY, insert=f"{OWN} AND {SEATED % 'joint_id'}"),
        Wall("PlanShare", write=NOBODY, insert=OWN),
        migrations.RunSQL(KEYS, migrations.RunSQL.noop),
        migrations.RunSQL(FROZEN, THAWED),
    ]

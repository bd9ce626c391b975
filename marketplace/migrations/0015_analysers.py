"""Alarms of analysers are reacted to; what was submitted is evidence at its submission, and no reaction beside it."""

from django.db import migrations, models

REACTIONS = ("critical_alarm", "plan_infeasible", "grades_drifted", "analyser_drifted")
# The owner of a table passes its policies only while they are not forced on it.
WITHOUT_SUBMITTED = """
ALTER TABLE marketplace_reactionswitch NO FORCE ROW LEVEL SECURITY;
DELETE FROM marketplace_reactionswitch WHERE reaction = 'work_submitted';
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE marketplace_reactionswitch FORCE ROW LEVEL SECURITY;
"""


def named() -> models.CharField:
    return models.CharField(choices=[(name, name) for name in REACTIONS], max_length=20)


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0014_groups")]

    operations = [
        migrations.RemoveConstraint("reactionswitch", "reaction_switch_known"),
        migrations.RunSQL(WITHOUT_SUBMITTED, migrations.RunSQL.noop),
        migrations.AlterField("reactionswitch", "reaction", named()),
        migrations.AlterField("reaction", "reaction", named()),
        migrations.AddConstraint(
            "reactionswitch",
            models.CheckConstraint(condition=models.Q(reaction__in=list(REACTIONS)), name="reaction_switch_known"),
        ),
    ]

"""A machine that is moved has another series, and other alarms, at each site: who may see one site sees no other."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("edge_bridge", "0003_delay"), ("tenants", "0010_resources")]

    operations = [
        migrations.RemoveConstraint(model_name="series", name="series_tag_once"),
        migrations.AddConstraint(
            model_name="series",
            constraint=models.UniqueConstraint(fields=["tenant", "equipment", "site", "tag"], name="series_tag_once"),
        ),
        migrations.RemoveConstraint(model_name="alarm", name="alarm_active_once"),
        migrations.AddConstraint(
            model_name="alarm",
            constraint=models.UniqueConstraint(
                fields=["tenant", "equipment", "site", "alarm_type"],
                condition=~models.Q(state="NORM"),
                name="alarm_active_once",
            ),
        ),
    ]

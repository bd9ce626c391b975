"""A set of rules says when it was last changed, so that a gateway knows an older one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("edge_bridge", "0016_grounds_of_alarms")]

    operations = [
        migrations.AddField("keptrule", "switched_at", models.DateTimeField(blank=True, null=True)),
    ]

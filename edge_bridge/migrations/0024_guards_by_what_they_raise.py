"""An alarm over several sensors finds its rule by what that raises, since guards are of the sensors."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("edge_bridge", "0023_trespass")]

    operations = [
        migrations.AddIndex(
            "guard", models.Index(fields=["site", "rule", "alarm_type"], name="guard_by_what_it_raises")
        ),
    ]

"""When each sweep was last done; past the wall only."""

from django.db import migrations, models

from tenants.policies import Wall

NOBODY = "false"


class Migration(migrations.Migration):
    dependencies = [("tenants", "0020_session_minutes")]

    operations = [
        migrations.CreateModel(
            "SweepMark",
            [
                ("name", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("done_at", models.DateTimeField()),
            ],
        ),
        Wall("SweepMark", read=NOBODY, write=NOBODY),
    ]

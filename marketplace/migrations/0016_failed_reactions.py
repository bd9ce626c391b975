from django.db import migrations, models

OUTCOMES = ("done", "known", "nothing", "refused", "failed")


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0015_analysers")]

    operations = [
        migrations.AlterField(
            "reaction", "outcome", models.CharField(choices=[(name, name) for name in OUTCOMES], max_length=10)
        ),
    ]

"""A dispute knows whether it closed the data; those that are open now open it again, as they would have before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0019_far_times")]

    operations = [
        migrations.AddField(
            model_name="dispute",
            name="shut_data",
            field=models.BooleanField(
                default=True,
                help_text="Whether it closed the data, which opens again if it is withdrawn.",
            ),
            preserve_default=False,
        ),
    ]

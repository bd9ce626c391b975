"""A claim knows whether a party had shut its data when it ended."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0020_shut_before_a_dispute")]

    operations = [
        migrations.AddField(
            model_name="claim",
            name="was_shut",
            field=models.BooleanField(
                default=False, help_text="Whether a party had ended or suspended the agreement when the claim ended."
            ),
        ),
    ]

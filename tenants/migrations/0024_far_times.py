"""A clause's window ends before 2200, or not at all: what is later can't be shown in every zone."""

from datetime import UTC, datetime

from django.db import migrations, models

# The text that was signed stays as it is.
OPEN_ENDED = """
ALTER TABLE tenants_clause NO FORCE ROW LEVEL SECURITY;
ALTER TABLE tenants_clause DISABLE TRIGGER clause_is_frozen;
UPDATE tenants_clause SET during = tstzrange(lower(during), NULL) WHERE upper(during) >= '2200-01-01T00:00:00Z';
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE tenants_clause ENABLE TRIGGER clause_is_frozen;
ALTER TABLE tenants_clause FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0023_groups")]

    operations = [
        migrations.RunSQL(OPEN_ENDED, migrations.RunSQL.noop),
        migrations.AddConstraint(
            "clause",
            models.CheckConstraint(
                condition=models.Q(during__upper_inf=True)
                | models.Q(during__endswith__lt=datetime(2200, 1, 1, tzinfo=UTC)),
                name="clause_window_bounded",
            ),
        ),
    ]

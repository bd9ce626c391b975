"""An archive that is read back brings tasks in the state that they had; everybody else's begin as drafts."""

from django.db import migrations

BY_EVERYBODY = "IF NEW.state <> 'draft' THEN"
BUT_IMPORT = "IF NEW.state <> 'draft' AND NOT wall.importing() THEN"


def change(old: str, new: str):
    def run(apps, schema_editor):
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT pg_get_functiondef('marketplace_guard_task'::regproc)")
            (definition,) = cursor.fetchone()
            assert old in definition
            cursor.execute(definition.replace(old, new))

    return run


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0002_wall"), ("tenants", "0011_tree")]

    operations = [migrations.RunPython(change(BY_EVERYBODY, BUT_IMPORT), change(BUT_IMPORT, BY_EVERYBODY))]

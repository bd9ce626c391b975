"""The two acts of the regulator's story that are not the API's: a mandate by law, and a row edited in the database."""

import io
import os

import psycopg
from django.core.management import call_command

from cloudmining.story import StoryError
from tenants.context import as_platform
from tenants.models import Agreement, Tenant

STATUTE = "Mine Safety Act, s. 12"
PERMISSIONS = ["view_alarms", "view_telemetry"]
# As somebody does it who owns the tables: neither the application nor the platform can.
UNLOCK = "ALTER TABLE tenants_ledgerentry DISABLE TRIGGER USER, NO FORCE ROW LEVEL SECURITY"
LOCK = "ALTER TABLE tenants_ledgerentry ENABLE TRIGGER USER, FORCE ROW LEVEL SECURITY"


class Acts:
    """Of the owner of the mines and the regulator with these short names."""

    def __init__(self, owner: str = "aurora", regulator: str = "delta") -> None:
        self.owner, self.regulator = owner, regulator

    def lay_mandate(self) -> None:
        """Unless one is in force."""
        with as_platform("story", "look for the mandate"):
            parties = {"tenant": _named(self.owner), "partner": _named(self.regulator)}
            is_laid = Agreement.objects.filter(**parties, kind="mandate", status="active").exists()
        if not is_laid:
            opened = [word for permission in PERMISSIONS for word in ("--permission", permission)]
            words = ["--statute", STATUTE, "--title", "Gas watch", *opened]
            call_command("lay_mandate", self.owner, self.regulator, *words, stdout=io.StringIO())

    def edit_row(self, entry_id: str, payload: str) -> str:
        with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as owner:
            owner.execute(UNLOCK)
            found = owner.execute("SELECT payload FROM tenants_ledgerentry WHERE id = %s", [entry_id]).fetchone()
            owner.execute("UPDATE tenants_ledgerentry SET payload = %s WHERE id = %s", [payload, entry_id])
            owner.execute(LOCK)
        if found is None:
            raise StoryError(f"there is no entry {entry_id}")
        return str(found[0])


def _named(slug: str) -> Tenant:
    return Tenant.objects.get(slug=slug)

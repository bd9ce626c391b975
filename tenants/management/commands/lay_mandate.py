from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.agreements.mandates import lay_mandate, places_of
from tenants.context import as_platform
from tenants.data import Invalid
from tenants.models import Tenant
from tenants.roles import SITE_PERMISSIONS


class Command(BaseCommand):
    help = "Open an organisation's sites to a regulator by force of a statute; the owner is told and can't end it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("owner", help="slug of the organisation")
        parser.add_argument("regulator", help="slug of the regulator")
        parser.add_argument("--statute", required=True, help="the law that it rests on")
        parser.add_argument("--title", required=True)
        parser.add_argument("--purpose", default="supervision")
        parser.add_argument("--permission", action="append", required=True, choices=list(SITE_PERMISSIONS))
        parser.add_argument("--site", action="append", default=[], help="code of a site; all if none is given")
        parser.add_argument("--ends-at", type=_moment, help="such as 2027-12-31T00:00Z; open-ended if left out")

    def handle(self, *args: Any, owner: str, regulator: str, **given: Any) -> None:
        try:
            with as_platform("lay_mandate", f"{given['statute']}: {owner} to {regulator}"):
                mandate = self._laid(_named(owner), _named(regulator), **given)
        except Invalid as refusal:
            words = "; ".join(f"{error.pointer.strip('/')}: {error.message}" for error in refusal.errors)
            raise CommandError(f"{refusal.detail} ({words})") from refusal
        self.stdout.write(f"{mandate.title}: in force as {mandate.pk}; {mandate.owner_name} was told.")

    def _laid(self, owner: Tenant, regulator: Tenant, **given: Any) -> Any:
        window = (datetime.now(UTC), None)
        clauses = [
            {"site": site, "permissions": given["permission"], "during": window}
            for site in places_of(owner, given["site"])
        ]
        return lay_mandate(
            owner=owner,
            regulator=regulator,
            title=given["title"],
            statute=given["statute"],
            purpose=given["purpose"],
            ends_at=given["ends_at"],
            clauses=clauses,
        )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _named(slug: str) -> Tenant:
    found = Tenant.objects.filter(slug=slug).first()
    if found is None:
        raise CommandError(f"There is no organisation {slug!r}.")
    return found

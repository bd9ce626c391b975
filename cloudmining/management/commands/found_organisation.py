from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from cloudmining.sample_data import add_sample_data
from tenants.context import as_platform
from tenants.data import Refusal
from tenants.models import Tenant
from tenants.organisation.founding import found_organisation
from tenants.people.mail import mail_invitation

WHO = "found_organisation"


class Command(BaseCommand):
    help = "Found an organisation with what its kind begins with, and invite its first owner."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="its short name, in addresses")
        parser.add_argument("name")
        parser.add_argument("kind", choices=Tenant.Kind.values)
        parser.add_argument("email", help="of the first owner, who is invited")
        parser.add_argument("--currency", default="USD")
        parser.add_argument("--time-zone", default="UTC")
        parser.add_argument("--address", default="http://127.0.0.1:8000", help="where people reach this system")
        parser.add_argument("--mail", action="store_true", help="send the link to the owner instead of printing it")
        parser.add_argument("--sample-data", action="store_true", help="a small mine with readings and a plan to solve")

    def handle(self, *args: Any, address: str, mail: bool, sample_data: bool, **options: Any) -> None:
        names = ("slug", "name", "kind", "email", "currency", "time_zone")
        try:
            with as_platform(WHO, f"found {options['slug']}"):
                founded = found_organisation(**{name: options[name] for name in names})
                link = address.rstrip("/") + reverse("accept-invitation", args=[founded.token])
                if mail:
                    mail_invitation(founded.invitation, link)
        except Refusal as refusal:
            places = "; ".join(f"{error.pointer.strip('/')}: {error.message}" for error in refusal.errors)
            raise CommandError(f"{refusal.detail} {places}".strip()) from refusal
        if sample_data:
            add_sample_data(founded.tenant)
        self.stdout.write(f"{founded.tenant.name} is founded. {founded.invitation.email} joins within seven days:")
        self.stdout.write("the link was sent by mail." if mail else link)
        if founded.rate_plan is None:
            self.stdout.write(f"There is no rate plan in {founded.tenant.currency}: make one, or usage has no price.")

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.context import acting_as, as_platform
from tenants.data import Actor
from tenants.models import Tenant
from tenants.organisation.exporting import write_archive


class Command(BaseCommand):
    help = "Write an archive of everything that an organisation owns, as that organisation itself."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the organisation")
        parser.add_argument("file", type=Path, help="a file that is not there yet")

    def handle(self, *args: Any, slug: str, file: Path, **options: Any) -> None:
        with as_platform("export_organisation", f"export {slug}"):
            organisation = Tenant.objects.filter(slug=slug).first()
        if organisation is None:
            raise CommandError(f"There is no organisation {slug!r}.")
        owner = Actor(organisation.pk, None, frozenset({"owner"}), "command:export_organisation")
        try:
            target = file.open("xb")
        except OSError as error:
            raise CommandError(f"{file} can't be written: {error.strerror}.") from error
        file.chmod(0o600)
        try:
            with target, acting_as(owner, snapshot=True):
                rows = write_archive(target)
        except BaseException:
            file.unlink()
            raise
        self.stdout.write(f"{organisation.name}: {rows} rows in {file}, {file.stat().st_size} bytes.")

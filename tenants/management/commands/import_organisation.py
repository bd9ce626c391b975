from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.data import Invalid
from tenants.organisation.archive import DEFAULT_LIMIT_BYTES
from tenants.organisation.importing import import_archive


class Command(BaseCommand):
    help = "Bring the organisation of an archive into this system, in which it isn't yet: all of it, or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--limit-bytes", type=int, default=DEFAULT_LIMIT_BYTES, help="the most that it may unpack to"
        )

        parser.add_argument(
            "--join", action="store_true", help="also rows on other organisations' rows; only for archives of your own"
        )

    def handle(self, *args: Any, file: Path, limit_bytes: int, join: bool, **options: Any) -> None:
        try:
            with file.open("rb") as source:
                report = import_archive(source, who="import_organisation", limit_bytes=limit_bytes, joins=join)
        except OSError as error:
            raise CommandError(f"{file} can't be read: {error.strerror}.") from error
        except Invalid as refusal:
            raise CommandError(f"Nothing was imported. {refusal.detail}") from refusal
        self.stdout.write(
            f"{report.organisation}: {report.rows} rows, {report.people_made} people new here: each sets a password."
        )
        for name, rows in sorted(report.set_aside.items()):
            self.stdout.write(f"Set aside: {rows} rows of {name} that need another organisation's row.")

"""A study for an organisation: in the foreground, or handed to the workers; either way it is kept as over HTTP."""

import argparse
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from optimization import actions as planning
from optimization.experiments.command import Teller, add_options, options_of, stopping, write_results
from optimization.models import Experiment
from optimization.outcome import PlanStatus
from optimization.studies import access, actions
from optimization.studies.running import carry_out
from tenants.api import acting_as, memberships_of, presenting
from tenants.data import Actor, Refusal
from tenants.models import User


class Command(BaseCommand):
    help = "Study a plan of an organisation, or generated instances, as one of its members."

    def add_arguments(self, parser: CommandParser) -> None:
        add_options(parser)
        parser.add_argument("--organisation", required=True, metavar="SLUG")
        parser.add_argument("--user", required=True, metavar="EMAIL", help="the member who asks")
        parser.add_argument("--plan", type=UUID, help="study the instance of this plan, in place of generated ones")
        parser.add_argument("--name", default="From the command line")
        parser.add_argument("--queue", action="store_true", help="hand it to the workers and return at once")
        parser.add_argument("--output", type=Path, metavar="FOLDER", help="for the table and the figures")

    def handle(self, *args: Any, **options: Any) -> None:
        given = argparse.Namespace(**options)
        try:
            actor = member(given.organisation, given.user)
            run = self._asked(actor, given)
            self.stdout.write(f"experiment {run.pk}: {'queued' if given.queue else 'running'}")
            if not given.queue:
                self._report(actor, run, given.output)
        except Refusal as error:
            raise CommandError(
                "\n".join([error.detail, *(f"{e.pointer}: {e.message}" for e in error.errors)])
            ) from error

    def _asked(self, actor: Actor, given: argparse.Namespace) -> Experiment:
        options = options_of(given)
        with acting_as(actor):
            return actions.request_study(
                kind=given.study, name=given.name, options=options, plan=given.plan, is_sent=given.queue
            )

    def _report(self, actor: Actor, asked: Experiment, folder: Path | None) -> None:
        with acting_as(actor):
            run = planning.take_up(run_id=asked.pk, model=Experiment)
        if run is None:
            raise CommandError("It is in a worker's hands already; follow it there.")
        carry_out(actor, run, on_progress=Teller(), should_stop=stopping())
        with acting_as(actor):
            done = access.get_experiment(run.pk)
            summary = done.summary or {"rows": [], "conclusions": []}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            write_results(folder, done.kind, summary["rows"])
        for line in summary["conclusions"]:
            self.stdout.write(line)
        if done.status != PlanStatus.SOLVED:
            raise CommandError(done.message)


def member(slug: str, email: str) -> Actor:
    """The user acting for that organisation; CommandError if they are no member of it."""
    with presenting(credential=email.strip().lower()):
        user = User.objects.filter(email=email.strip().lower()).first()
    for membership in memberships_of(user.pk) if user else ():
        if membership.tenant.slug == slug and user:
            return Actor(membership.tenant_id, user.pk, frozenset(membership.roles), "command:experiment")
    raise CommandError(f"{email} is no member of {slug}: give the email of one, and the organisation's slug.")

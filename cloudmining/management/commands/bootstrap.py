import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db.migrations.state import ProjectState


class Command(BaseCommand):
    help = "Bring the database to this version, as its owner, and make today's partitions."

    def handle(self, *args: Any, **options: Any) -> None:
        # Migrations make and drop thousands of classes; looking for those again and again is a third of the time.
        gc.disable()
        try:
            with _only_what_is_new():
                call_command("migrate", database="owner", interactive=False, verbosity=options["verbosity"])
        finally:
            gc.enable()


@contextmanager
def _only_what_is_new() -> Iterator[None]:
    """A model that is added is rendered alone, and an index or constraint is noted on its model.

    Django renders anew each time all that is related, which is nearly every table here, as all belong to a tenant: two
    thirds of the time, for a schema that a test holds against that of `migrate` alone.
    """
    reload_model, append_option = ProjectState.reload_model, ProjectState._append_option

    def render(state: Any, app_label: str, model_name: str, delay: bool = False) -> None:
        if "apps" not in state.__dict__ or model_name in state.apps.all_models[app_label]:
            reload_model(state, app_label, model_name, delay)
        else:
            state.apps.render_multiple([state.models[app_label, model_name]])

    def append(state: Any, app_label: str, model_name: str, option_name: str, added: Any) -> None:
        options = state.models[app_label, model_name].options
        options[option_name] = [*options[option_name], added]
        if "apps" in state.__dict__:
            setattr(state.apps.get_model(app_label, model_name)._meta, option_name, options[option_name])

    ProjectState.reload_model, ProjectState._append_option = render, append
    try:
        yield
    finally:
        ProjectState.reload_model, ProjectState._append_option = reload_model, append_option

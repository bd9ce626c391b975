from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class ConsoleConfig(AppConfig):
    name = "cloudmining.console"
    verbose_name = "Console"

    def ready(self) -> None:
        # Django's receiver saves the user outside of any identity: the wall lets no row through and the login fails.
        user_logged_in.disconnect(dispatch_uid="update_last_login")
        user_logged_in.connect(note_login, dispatch_uid="note_login")


def note_login(sender: Any, user: Any, **kwargs: Any) -> None:
    """Keep the time of the login, under the identity of who signed in."""
    from django.contrib.auth.models import update_last_login

    from tenants.api import presenting

    with presenting(user_id=user.pk):
        update_last_login(sender, user)

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Tenants, agreements and the feed"

    def ready(self) -> None:
        # Django's own receiver saves the user outside of any identity, where the wall shows no row to save.
        user_logged_in.disconnect(dispatch_uid="update_last_login")
        user_logged_in.connect(_note_login, dispatch_uid="tenants.note_login")


def _note_login(sender: type, user: Any, **kwargs: Any) -> None:
    from django.utils import timezone

    from tenants.context import identify, presenting
    from tenants.models import User

    identify(user.pk)
    with presenting(user_id=user.pk):
        User.objects.filter(pk=user.pk).update(last_login=timezone.now())

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
        from allauth.account import signals as account
        from allauth.mfa import signals as second_factor

        from tenants.people.throttle import count_wrong_factor

        second_factor.authentication_failed.connect(count_wrong_factor, dispatch_uid="tenants.wrong_factor")
        for changed in (account.password_changed, account.password_reset):
            changed.connect(_end_other_sessions, dispatch_uid="tenants.password_changed")


def _note_login(sender: type, user: Any, **kwargs: Any) -> None:
    from django.utils import timezone

    from tenants.context import identify, presenting
    from tenants.models import User

    identify(user.pk)
    with presenting(user_id=user.pk):
        User.objects.filter(pk=user.pk).update(last_login=timezone.now())


def _end_other_sessions(sender: type, request: Any, user: Any, **kwargs: Any) -> None:
    from tenants.people.sessions import end_other_sessions

    end_other_sessions(user.pk, request.session.session_key)

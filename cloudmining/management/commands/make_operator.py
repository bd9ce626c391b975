import secrets
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from allauth.mfa.utils import encrypt
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from tenants.context import as_platform
from tenants.models import User

WHO = "make_operator"


class Command(BaseCommand):
    help = "Make a platform operator: prints, once, a first password and the secret of their second factor."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"].strip().lower()
        try:
            validate_email(email)
        except ValidationError:
            raise CommandError(f"{email!r} is no address.") from None
        password, secret = secrets.token_urlsafe(12), generate_totp_secret()
        with as_platform(WHO, f"make {email} an operator"):
            if User.objects.filter(email=email).exists():
                raise CommandError(f"{email} exists already; an operator is a person of their own.")
            operator = User.objects.create_superuser(email, password, name=options["name"])
            data = {"secret": encrypt(secret)}
            Authenticator.objects.create(user=operator, type=Authenticator.Type.TOTP, data=data)
        self.stdout.write(f"Password:  {password}   (change it after signing in, under your account)")
        self.stdout.write(f"Second factor, for an authenticator app: {get_adapter().build_totp_url(operator, secret)}")
        self.stdout.write("Sign in at /login, then open /platform/ and say why.")

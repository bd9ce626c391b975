"""The environment that the processes of one home share: the only place that turns secrets and ports into variables."""

from __future__ import annotations

from typing import Literal

from cloudmining.embedded import database, valkey
from cloudmining.embedded.home import Home
from cloudmining.embedded.ports import LOOPBACK

Mode = Literal["demo", "test"]


def variables(home: Home, mode: Mode, *, postgres_port: int, valkey_port: int, web_port: int) -> dict[str, str]:
    """What settings.py reads, by name; `test` adds the superuser's address, for making databases."""
    secrets = home.secrets()
    found = {
        "CLOUDMINING_HOME": str(home.root),
        "CLOUDMINING_MODE": mode,
        "DATABASE_URL": database.url("cloudmining_app", secrets.postgres_app, postgres_port),
        "DATABASE_OWNER_URL": database.url("cloudmining_owner", secrets.postgres_owner, postgres_port),
        "DATABASE_PLATFORM_URL": database.url("cloudmining_platform", secrets.postgres_platform, postgres_port),
        "REDIS_URL": valkey.url(secrets.valkey, valkey_port),
        "SECRET_KEY": secrets.secret_key,
        "WEB_PORT": str(web_port),
        "BASE_URL": f"http://{LOOPBACK}:{web_port}",
    }
    if mode == "test":
        found["DATABASE_ADMIN_URL"] = database.url(database.ADMIN, secrets.postgres_admin, postgres_port, "postgres")
    return found

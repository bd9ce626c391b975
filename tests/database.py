"""One database for each test worker, cloned from a template that was migrated once for this set of migrations."""

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
URLS = ("DATABASE_URL", "DATABASE_PLATFORM_URL", "DATABASE_OWNER_URL")


def with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def fingerprint() -> str:
    """Changes with any migration, or with the policies that migrations are made of."""
    digest = hashlib.sha256()
    for path in sorted([*ROOT.glob("*/migrations/*.py"), ROOT / "tenants/policies.py"]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def make(worker: str) -> str:
    """Make this worker's database, fresh, and return its name."""
    template, name = f"test_template_{fingerprint()}", f"test_{os.getpid()}_{worker}"
    with _lock(), psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True) as admin:
        if not admin.execute("SELECT FROM pg_database WHERE datname = %s", [template]).rowcount:
            _make_template(admin, template)
        admin.execute(
            sql.SQL("CREATE DATABASE {} OWNER cloudmining_owner TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    return name


def drop(name: str) -> None:
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def environment(name: str) -> dict[str, str]:
    """The environment in which a process of ours uses that database, and queues of its own in the shared broker."""
    return os.environ | {key: with_database(os.environ[key], name) for key in URLS} | {"REDIS_PREFIX": name}


def _make_template(admin: psycopg.Connection, template: str) -> None:
    building = f"{template}_building"
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(building)))
    admin.execute(sql.SQL("CREATE DATABASE {} OWNER cloudmining_owner").format(sql.Identifier(building)))
    command = [sys.executable, "manage.py", "bootstrap", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=environment(building), check=True, timeout=300)
    admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(building), sql.Identifier(template)))


class _lock:
    """Workers start together; one of them makes the template."""

    def __enter__(self) -> None:
        self.file = (Path(tempfile.gettempdir()) / f"cloudmining-test-template-{os.getuid()}.lock").open("w")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *exception: object) -> None:
        self.file.close()

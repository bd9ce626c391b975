"""The database and the roles inside a PostgreSQL server: `roles.sql`, run where it belongs."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg import sql

from cloudmining.embedded.home import Secrets
from cloudmining.embedded.ports import LOOPBACK

DATABASE = "cloudmining"
ADMIN = "postgres"
ROLES_SQL = Path(__file__).with_name("roles.sql")


def url(role: str, password: str, port: int, database: str = DATABASE) -> str:
    return f"postgresql://{role}:{password}@{LOOPBACK}:{port}/{database}"


def admin_connection(port: int, secrets: Secrets, database: str = "postgres") -> psycopg.Connection:
    address = url(ADMIN, secrets.postgres_admin, port, database)
    return psycopg.connect(address, autocommit=True, connect_timeout=5)


def prepare(port: int, secrets: Secrets) -> None:
    """Make the database and its roles, or bring them back to what `roles.sql` says; safe to repeat."""
    with admin_connection(port, secrets) as connection:
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    # template1 too, so that databases made by tests are born with the same privileges.
    for database in ("template1", DATABASE):
        with admin_connection(port, secrets, database) as connection:
            connection.execute(ROLES_SQL.read_bytes())
    with admin_connection(port, secrets) as connection:
        _set_passwords(connection, secrets)


def _set_passwords(connection: psycopg.Connection, secrets: Secrets) -> None:
    passwords = {"owner": secrets.postgres_owner, "app": secrets.postgres_app, "platform": secrets.postgres_platform}
    for role, password in passwords.items():
        statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
        connection.execute(statement.format(sql.Identifier(f"cloudmining_{role}"), sql.Literal(password)))
    # Only here, never in production: test runs make databases of their own.
    connection.execute("ALTER ROLE cloudmining_owner CREATEDB")

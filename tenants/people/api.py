"""The public door of people and programs for the console. Apart from `tenants.api`, which models of apps import."""

from tenants.access import get_api_key
from tenants.actions import make_api_key, revoke_api_key, rotate_api_key
from tenants.context import identify
from tenants.people.access import get_invitation, get_member, get_service_account
from tenants.people.actions import (
    GONE,
    accept_invitation,
    change_roles,
    found_service_account,
    invite_member,
    remove_member,
    retire_service_account,
    revoke_invitation,
)
from tenants.people.mail import mail_invitation
from tenants.people.queries import STATES, invitation_of, keys_in, open_invitations, person_of, service_accounts
from tenants.people.sessions import end_other_sessions, end_session, sessions_of, tell_session_ended
from tenants.people.throttle import is_locked
from tenants.queries import api_keys, members

__all__ = [
    "GONE",
    "STATES",
    "accept_invitation",
    "api_keys",
    "change_roles",
    "end_other_sessions",
    "end_session",
    "found_service_account",
    "get_api_key",
    "get_invitation",
    "get_member",
    "get_service_account",
    "identify",
    "invitation_of",
    "invite_member",
    "is_locked",
    "keys_in",
    "mail_invitation",
    "make_api_key",
    "members",
    "open_invitations",
    "person_of",
    "remove_member",
    "retire_service_account",
    "revoke_api_key",
    "revoke_invitation",
    "rotate_api_key",
    "service_accounts",
    "sessions_of",
    "tell_session_ended",
]

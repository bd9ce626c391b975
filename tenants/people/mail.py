"""Mail to people, sent when the transaction has committed and by Django's mail backend."""

from django.core.mail import send_mail
from django.db import transaction

from tenants.context import opened
from tenants.models import Invitation, Tenant

SUBJECT = "You are invited to {organisation} on cloudmining"
BODY = """{inviter} asks you to join {organisation} on cloudmining as {roles}.

Accept here until {until:%d %B %Y, %H:%M} UTC; the link works once and is for you alone:

{link}

If you don't know {organisation}, ignore this message: without you nothing happens.
"""


def mail_invitation(invitation: Invitation, link: str) -> None:
    """Tell the invited person, once the invitation is there for good."""
    organisation = Tenant.objects.get(pk=invitation.tenant_id).name
    words = BODY.format(
        inviter=invitation.invited_by.name if invitation.invited_by else "An administrator",
        organisation=organisation,
        roles=", ".join(invitation.roles),
        until=invitation.expires_at,
        link=link,
    )
    subject = SUBJECT.format(organisation=organisation).replace("\n", " ")
    transaction.on_commit(lambda: _send(subject, words, invitation.email), using=opened().alias)


def _send(subject: str, words: str, address: str) -> None:
    send_mail(subject, words, from_email=None, recipient_list=[address])

"""Who belongs to an organisation: invitations, members' roles, service accounts, their keys, and how people sign in."""

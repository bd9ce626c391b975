"""Keys of rows."""

import uuid

import uuid_utils.compat


def new_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562): keys sort by creation time, and a caller can't choose one to probe for a foreign row."""
    return uuid_utils.compat.uuid7()

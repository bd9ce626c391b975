"""Where files of organisations lie: each below a folder of its own, whose name nobody outside chooses."""

from pathlib import Path
from uuid import UUID

from django.conf import settings


def file_of(tenant_id: UUID, kind: str, name: UUID, suffix: str = "") -> Path:
    """The path of an organisation's file; the folder is made, for the server's own user only."""
    folder: Path = settings.HOME / "files" / str(tenant_id) / kind
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"{name}{suffix}"

"""Where files of organisations lie: each below a folder of its own, whose name nobody outside chooses."""

from pathlib import Path
from uuid import UUID

from django.conf import settings


def file_of(tenant_id: UUID, kind: str, name: UUID, suffix: str = "") -> Path:
    """The path of an organisation's file; the folder is made, for the server's own user only."""
    folder = folder_of(tenant_id) / kind
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"{name}{suffix}"


def folder_of(tenant_id: UUID) -> Path:
    """All files of an organisation, if there are any."""
    files: Path = settings.HOME / "files"
    return files / str(tenant_id)

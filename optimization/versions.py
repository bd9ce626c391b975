"""What worked on a plan, so that it can be repeated: kept in the run's report."""

from __future__ import annotations

import platform
import tomllib
from functools import cache
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("highspy", "pyomo", "numpy", "scipy")
ROOT = Path(__file__).resolve().parent.parent


@cache
def versions() -> dict[str, str]:
    """By name; `commit` only where the source is a git checkout that is not hidden from the process."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    known = {"cloudmining": str(project["version"]), "python": platform.python_version()}
    known |= {name: version(name) for name in PACKAGES}
    commit = _commit(ROOT / ".git")
    return known | ({"commit": commit} if commit else {})


def _commit(git: Path) -> str:
    """What HEAD points to, without running git; empty where that can't be told."""
    head = _text(git / "HEAD").strip()
    name = head.removeprefix("ref: ")
    if name == head:
        return head
    packed = (line.split(" ") for line in _text(git / "packed-refs").splitlines() if line.endswith(f" {name}"))
    return _text(git / name).strip() or next(packed, [""])[0]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""

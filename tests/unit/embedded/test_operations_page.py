"""The table of the environment in docs/operations.md is the one people read, so it must be complete."""

import re

from cloudmining.embedded.home import PROJECT_ROOT

UVICORN = "FORWARDED_ALLOW_IPS"


def test_every_variable_that_settings_read_has_a_row_and_no_row_is_stale() -> None:
    settings = (PROJECT_ROOT / "cloudmining" / "settings.py").read_text()
    read = set(re.findall(r'(?:\benv\.\w+|os\.environ\.get)\(\s*"([A-Z_]+)"', settings))
    page = (PROJECT_ROOT / "docs" / "operations.md").read_text().partition("### Environment")[2]
    told = set(re.findall(r"`([A-Z_]+)`", " ".join(re.findall(r"^\| (`.+?`) \|", page, re.MULTILINE))))
    scripts = "".join((PROJECT_ROOT / "script" / name).read_text() for name in ("server", "worker"))
    assert read - told == set()
    assert told - read - {UVICORN} == set(re.findall(r"\$\{([A-Z_]+):-", scripts)) - read

"""The table of the environment in README.md is the one people read, so it must be complete."""

import re

from cloudmining.embedded.home import PROJECT_ROOT


def test_every_variable_that_settings_read_has_a_row_and_no_row_is_stale() -> None:
    settings = (PROJECT_ROOT / "cloudmining" / "settings.py").read_text()
    read = set(re.findall(r'(?:\benv\.\w+|os\.environ\.get)\(\s*"([A-Z_]+)"', settings))
    page = (PROJECT_ROOT / "README.md").read_text().partition("## Settings for production")[2]
    assert read == set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE))

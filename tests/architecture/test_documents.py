"""What people read is there: links lead somewhere, and the API's description is complete."""

import re
import subprocess
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parents[2]
PAGES = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("page", PAGES)
def test_relative_links_lead_to_a_file(page):
    text = (ROOT / page).read_text()
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text)
    broken = [link for link in links if not ((ROOT / page).parent / link).exists()]
    assert broken == []


def test_description_of_the_api_is_valid_and_complete(tmp_path):
    call_command("spectacular", file=str(tmp_path / "openapi.yaml"), validate=True, fail_on_warn=True)
    assert "/api/v1/service-tasks/{task_id}/claim" in (tmp_path / "openapi.yaml").read_text()


def test_every_how_to_page_is_in_the_index():
    folder = ROOT / "docs" / "how-to"
    index = (folder / "README.md").read_text()
    assert {page.name for page in folder.glob("*.md")} - set(re.findall(r"\(([^)]+)\)", index)) == {"README.md"}

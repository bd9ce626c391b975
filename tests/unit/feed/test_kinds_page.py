"""The page on the feed lists just the events that there are."""

import re
from pathlib import Path

from tenants.feed.kinds import KINDS

PAGE = Path(__file__).parents[3] / "docs/how-to/follow-the-feed.md"
LINE = re.compile(r"^- `(\w+)`: ((?:`[a-z_.]+`\s*)+)", re.MULTILINE)


def test_page_lists_every_kind_by_its_capability_and_no_other():
    listed = [(kind, line[1]) for line in LINE.finditer(PAGE.read_text()) for kind in re.findall(r"`(.+?)`", line[2])]
    assert len(listed) == len(KINDS)
    assert dict(listed) == {kind: about.permission for kind, about in KINDS.items()}

import json
import os
from collections.abc import Callable
from typing import Any

import httpx
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from websockets.exceptions import WebSocketException

from cloudmining.feed_client import FeedBroken
from cloudmining.stories import director, dispatcher, regulator
from cloudmining.stories.backstage import Acts
from cloudmining.story import Say, StoryError, tell

Keys = dict[str, str]
STORIES: dict[str, Callable[[str, Keys, Say], None]] = {
    "demo": tell,
    "director": director.tell,
    "dispatcher": dispatcher.tell,
    "regulator": lambda base_url, keys, say: regulator.tell(base_url, keys, Acts(), say),
}


class Command(BaseCommand):
    help = "Tell a story against a running system, which was seeded for the demo or is now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("story", nargs="?", choices=list(STORIES), default="demo")
        parser.add_argument("--seed", action="store_true", help="found the demo's organisations first")
        parser.add_argument("--base-url", default=os.environ.get("BASE_URL", "http://127.0.0.1:8000"))

    def handle(self, *args: Any, **options: Any) -> None:
        base_url = options["base_url"]
        if options["seed"]:
            call_command("seed_demo")
        keys = json.loads((settings.HOME / "demo-keys.json").read_text())["keys"]
        self.stdout.write(f"\nThe story, told by two programs through {base_url}/api/v1/\n")
        stopped: Exception | None = None
        try:
            STORIES[options["story"]](base_url, keys, self._say)
        except (StoryError, FeedBroken, WebSocketException, httpx.HTTPError, OSError) as error:
            stopped = error
        if options["story"] == "demo":  # the others' systems are gone afterwards
            self._look_around(base_url)
        if stopped:
            raise CommandError(f"The story stopped: {stopped}") from stopped

    def _look_around(self, base_url: str) -> None:
        self._say(f"\nLook around: {base_url}/ (API: {base_url}/api/v1/docs)\nLogins:")
        for login in json.loads((settings.HOME / "demo-logins.json").read_text()):
            self._say(f"   {login['email']:<28} {login['password']:<14} {login['organisation']}, {login['role']}")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

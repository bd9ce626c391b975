"""The supervisor over small stand-in processes: `stand_in.py HOME [--once] [--port N] [--story CODE] [--break]`."""

from __future__ import annotations

import argparse
import sys

from cloudmining.embedded import demo
from cloudmining.embedded.demo import Environment, Part, Program
from cloudmining.embedded.home import Home, StartError

parser = argparse.ArgumentParser()
parser.add_argument("home")
parser.add_argument("--once", action="store_true")
parser.add_argument("--port", type=int)
parser.add_argument("--story", default="0")
parser.add_argument("--break", dest="broken", action="store_true")
options = parser.parse_args()


def program(home: Home, env: Environment) -> Program:
    python = sys.executable
    seeding = "raise SystemExit('the seed is broken')" if options.broken else "print('seeded')"
    return Program(
        steps={"seed_demo": (python, "-c", seeding)},
        parts=lambda: {
            "web": Part(
                (python, "-m", "http.server", env["WEB_PORT"], "--bind", "127.0.0.1"), port=int(env["WEB_PORT"])
            ),
            "worker": Part(("sleep", "600")),
        },
        story=(python, "-c", f"print('once upon a time'); raise SystemExit({options.story})"),
    )


try:
    sys.exit(demo.run(Home.at(options.home), demo.DemoOptions(web_port=options.port, once=options.once), program))
except StartError as error:
    sys.exit(f"cloudmining: {error}")

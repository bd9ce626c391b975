"""python -m edge_bridge.gateway --config gateway.toml; … alarms --data-dir DIR for what stands there."""

import argparse
import asyncio
import json
import logging
import signal
import sys
from pathlib import Path

from edge_bridge.gateway.admission import new_token, sha256_of
from edge_bridge.gateway.asyncapi import document
from edge_bridge.gateway.config import Config, ConfigError, load_config
from edge_bridge.gateway.local import as_text, read_standing
from edge_bridge.gateway.process import open_listeners, run_gateway
from edge_bridge.gateway.schema import JournalError


def main() -> int:
    arguments = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("websockets").setLevel(logging.WARNING)
    flags = {name: getattr(arguments, name) for name in ("edge", "cloud_url", "data_dir", "uplink", "listen_port")}
    try:
        if arguments.what == "token":
            print(f"token: {(token := new_token())}\ntoken_sha256: {sha256_of(token)}")
            return 0
        if arguments.what == "asyncapi":
            print(json.dumps(document(), indent=2, ensure_ascii=False))
            return 0
        if arguments.what == "alarms":
            print(as_text(read_standing(Path(arguments.data_dir or "."))))
            return 0
        asyncio.run(_run(load_config(arguments.config, arguments.rules, flags)))
    except (ConfigError, JournalError) as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m edge_bridge.gateway", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=["run", "alarms", "token", "asyncapi"],
        default="run",
        help="run the gateway (default), or print the alarms that stand in its journal, a new token for a terminal,"
        " what the gateway speaks (AsyncAPI)",
    )
    parser.add_argument("--config", type=Path, help="TOML file with the settings below and more")
    parser.add_argument("--rules", type=Path, help="TOML file with [[rules]] and [[deadbands]]")
    parser.add_argument("--edge", help="the gateway's name in the cloud")
    parser.add_argument("--cloud-url", help="such as https://cloud.example")
    parser.add_argument("--data-dir", help="where the journal lives")
    parser.add_argument("--uplink", help="http (default) or websocket")
    parser.add_argument("--listen-port", type=int, help="for terminals; 0 takes a free one and prints it")
    parser.epilog = "The credential comes from the environment: DEVICE_CREDENTIAL=<id>.<secret>."
    return parser


async def _run(config: Config) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    with open_listeners(config) as listeners:
        await run_gateway(config, listeners, stop)


if __name__ == "__main__":
    sys.exit(main())

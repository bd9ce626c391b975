"""The tongues spoken besides our own, each by its name in the address. Pure."""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from edge_bridge.adapters import iso15143, open_autonomy, own, senml, sparkplug
from edge_bridge.adapters.data import Translation

Translate = Callable[[bytes, datetime], Translation]
TONGUES: Final[dict[str, Translate]] = {
    "senml": senml.translate,
    "iso15143": iso15143.translate,
    "sparkplug": sparkplug.translate,
    "open-autonomy": open_autonomy.translate,
}
# A tongue has one epoch for ever: its numbers are given here, so nobody else can lose count.
EPOCHS: Final = {tongue: uuid5(NAMESPACE_URL, f"urn:cloudmining:tongue:{tongue}") for tongue in TONGUES}
OWN: Final = "batch"
CHECKED: Final[dict[str, Translate]] = {OWN: own.translate, **TONGUES}

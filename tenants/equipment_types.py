"""Names for kinds of machines, as OPC UA for Mining (OPC 40560) has them in its parts; any other word is as good."""

import csv
from functools import cache
from pathlib import Path


@cache
def equipment_types() -> dict[str, str]:
    """Our spelling → the machine and the part of the standard that describes it."""
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return {row["type"]: f"{row['name']} ({row['document']})" for row in csv.DictReader(file)}

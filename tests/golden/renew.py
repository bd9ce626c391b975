"""The program of one tiny instance as LP text. After a wanted change of it: `python -m tests.golden.renew`.

Read the difference before it is committed: it is the change of the mathematics.
"""

from __future__ import annotations

import io
from pathlib import Path

from pyomo.repn.plugins.lp_writer import LPWriter

from optimization.data import SupplyChainInstance
from optimization.formulation.program import build_program
from optimization.instance_builder import build_instance
from tests.unit.optimization import tiny

GOLDEN = Path(__file__).with_name("tiny_program.lp")


def golden_instance() -> SupplyChainInstance:
    """Two cut-offs at one location, a contaminant, a closing stock and a budget: a row of every kind."""
    document = tiny.document({"kind": "budget", "Gamma": 1.5}, elements=[{"name": "SiO2", "most": 0.05}])
    mine = document["mines"][0]
    mine["locations"][0]["cutoffs"].append(
        {"name": "0.6", "c": 2.5, "K": 12, "a": 1.25, "xmax": 40, "gamma": 0.7, "delta": 0.05}
    )
    for k, cutoff in enumerate(j for i in mine["locations"] for j in i["cutoffs"]):
        cutoff["grades"] = [{"element": "SiO2", "gamma": 0.03 + 0.01 * k, "delta": 0.005}]
    document["mill_lanes"][0] |= {"w0": 5, "w_end": 8}
    return build_instance(document)


def program_text() -> str:
    text = io.StringIO()
    LPWriter().write(build_program(golden_instance()), text, symbolic_solver_labels=True, file_determinism=30)
    return text.getvalue()


if __name__ == "__main__":
    GOLDEN.write_text(program_text(), encoding="utf-8")
    print(f"renewed {GOLDEN.name}; read the difference")

"""Where the scenarios are."""

from pathlib import Path

ROOT = Path(__file__).parents[3]
SCENARIOS = ROOT / "terminal_sim/scenarios"
DEMO = SCENARIOS / "demo.toml"
DEMO_RULES = ROOT / "edge_bridge/gateway/demo_rules.toml"

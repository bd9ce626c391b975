"""Celery shells of the edge."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from celery import shared_task

from edge_bridge.alarms import sweeps
from edge_bridge.catalogue import running, trying
from edge_bridge.commands.sweeps import sweep_commands as sweep_all_commands
from edge_bridge.partitions import make_ahead
from edge_bridge.production import rolling as production
from edge_bridge.readings import retention, rolling
from edge_bridge.watching import twins
from tenants.api import as_platform, opened


@shared_task(bind=True, name="edge_bridge.make_reading_partitions", system=True)
def make_reading_partitions(self: Any) -> int:
    """Keep the partitions of the days to come made; hourly, so a night without a worker does no harm."""
    with as_platform("sweep", "make partitions for readings"):
        return make_ahead(opened().alias)


@shared_task(bind=True, name="edge_bridge.sweep_alarms", system=True)
def sweep_alarms(self: Any) -> int:
    """Shelves that end, escalation, floods that are over, silent gateways; safe to run twice or at the same time."""
    return sweeps.sweep_alarms(datetime.now(UTC))


@shared_task(bind=True, name="edge_bridge.sweep_rollups", system=True)
def sweep_rollups(self: Any) -> int:
    """Sum up the minutes and hours that readings came to; safe to run twice or at the same time."""
    return rolling.sweep_rollups(datetime.now(UTC))


@shared_task(bind=True, name="edge_bridge.sweep_reading_retention", system=True)
def sweep_reading_retention(self: Any) -> int:
    """Remove readings and figures that are no longer kept."""
    return retention.sweep_retention(datetime.now(UTC))


@shared_task(bind=True, name="edge_bridge.sweep_commands", system=True)
def sweep_commands(self: Any) -> int:
    """Commands whose time is over, and those that are judged by what is read back; safe to run twice."""
    return sweep_all_commands(datetime.now(UTC))


@shared_task(bind=True, name="edge_bridge.sweep_twins", system=True)
def sweep_twins(self: Any) -> int:
    """Twins that a mandate relies on, judged from stored readings; safe to run twice or at the same time."""
    return twins.sweep_twins(datetime.now(UTC))


@shared_task(bind=True, name="edge_bridge.sweep_production", system=True)
def sweep_production(self: Any, reach_days: int) -> int:
    """Intervals and loads of machines, made anew for days with more readings; safe to run twice or at the same time."""
    return production.sweep_production(datetime.now(UTC), timedelta(days=reach_days))


@shared_task(bind=True, name=trying.RUN_TRIAL)
def run_trial(self: Any, trial_id: str) -> None:
    """A backtest of a rule on stored readings."""
    running.carry_out(self.actor, UUID(trial_id))


@shared_task(bind=True, name="edge_bridge.sweep_trials", system=True)
def sweep_trials(self: Any) -> int:
    """Backtests that nobody works at any more are said to have failed."""
    with as_platform("sweep", "backtests without a worker") as platform:
        given_up = trying.give_up_forsaken(datetime.now(UTC))
        platform.leaves_trace = bool(given_up)
    return given_up

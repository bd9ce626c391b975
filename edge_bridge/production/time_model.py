"""Which category of time a state of a mobile machine belongs to. Pure.

The words are those of GMG's "A Standardized Time Classification Framework for Mobile Equipment in Surface Mining"
(Global Mining Guidelines Group, 2020): calendar time = unscheduled + scheduled; scheduled = down + available;
available = standby + operating; operating = operating delay + working; working = productive + non-productive. Time of
which nothing is known is a category of its own, so that no figure takes silence for work or for rest.
"""

from enum import StrEnum
from typing import Final

from edge_bridge.protocol.machine import MachineState, StopReason


class Category(StrEnum):
    """Leaves of the time model: every moment belongs to one."""

    PRODUCTIVE = "productive"
    NON_PRODUCTIVE = "non_productive"  # work that is not the machine's own: moving about, cleaning up
    OPERATING_DELAY = "operating_delay"  # manned and running, kept from work
    STANDBY = "standby"  # able to work, and left standing
    PLANNED_MAINTENANCE = "planned_maintenance"
    UNPLANNED_MAINTENANCE = "unplanned_maintenance"
    UNSCHEDULED = "unscheduled"  # outside every shift
    NO_DATA = "no_data"


WORKING: Final = frozenset({Category.PRODUCTIVE, Category.NON_PRODUCTIVE})
OPERATING: Final = WORKING | {Category.OPERATING_DELAY}
AVAILABLE: Final = OPERATING | {Category.STANDBY}
DOWN: Final = frozenset({Category.PLANNED_MAINTENANCE, Category.UNPLANNED_MAINTENANCE})
# Scheduled time of which anything is known: what figures are shares of.
KNOWN: Final = AVAILABLE | DOWN
# What a person may say of a stop; that a machine worked is for the machine to say.
OF_STOPS: Final = frozenset(Category) - WORKING - {Category.NO_DATA}

_USUAL: Final = {
    MachineState.LOADING: Category.PRODUCTIVE,
    MachineState.HAULING: Category.PRODUCTIVE,
    MachineState.DUMPING: Category.PRODUCTIVE,
    MachineState.RETURNING: Category.PRODUCTIVE,
    MachineState.SPOTTING: Category.PRODUCTIVE,
    MachineState.DRILLING: Category.PRODUCTIVE,
    MachineState.CHARGING: Category.PRODUCTIVE,
    MachineState.TRAMMING: Category.NON_PRODUCTIVE,
    MachineState.SUPPORTING: Category.NON_PRODUCTIVE,
    MachineState.REFUELLING: Category.OPERATING_DELAY,
    MachineState.QUEUEING: Category.OPERATING_DELAY,
    MachineState.BLASTING: Category.OPERATING_DELAY,
    MachineState.WAITING: Category.OPERATING_DELAY,
    MachineState.STOPPED: Category.STANDBY,
    MachineState.SERVICE: Category.PLANNED_MAINTENANCE,
    MachineState.BREAKDOWN: Category.UNPLANNED_MAINTENANCE,
}
STATES_WITH_REASON: Final = frozenset({MachineState.WAITING, MachineState.STOPPED})


def categorise(state: MachineState | None, stop_reason: StopReason = StopReason.NONE) -> Category:
    """`None`: nothing is known. A machine that waits because nothing is asked of it stands by."""
    if state is None:
        return Category.NO_DATA
    if state is MachineState.WAITING and stop_reason is StopReason.NO_WORK:
        return Category.STANDBY
    return _USUAL[state]

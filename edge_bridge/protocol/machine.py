"""Codes in the tags `state`, `stop_reason` and `load_kind` of mobile machines: one table for all of them.

Terminals send the codes as numbers; whoever sorts a machine's hours into categories of a time model reads them here.
"""

from enum import IntEnum


class MachineState(IntEnum):
    LOADING = 1  # a truck being loaded, a loader loading it
    HAULING = 2
    DUMPING = 3
    RETURNING = 4
    REFUELLING = 5
    QUEUEING = 6  # behind other trucks at the loader
    SPOTTING = 7  # manoeuvring into place
    DRILLING = 8
    CHARGING = 9  # explosives into holes
    BLASTING = 10  # the face is cleared and fired
    TRAMMING = 11  # driving between places of work
    SUPPORTING = 12  # grading, watering, cleaning up
    WAITING = 13  # ready and manned, but `stop_reason` keeps it from working
    STOPPED = 14  # by its operator, see `stop_reason`
    SERVICE = 15  # planned maintenance
    BREAKDOWN = 16


class StopReason(IntEnum):
    NONE = 0
    SHIFT_CHANGE = 1
    MEAL = 2
    PERSONAL = 3
    BLAST_CLEARANCE = 4
    NO_TRUCK = 5
    NO_MATERIAL = 6
    NO_WORK = 7  # nothing is asked of it
    DUMP_FULL = 8


class LoadKind(IntEnum):
    NONE = 0
    ORE = 1
    WASTE = 2

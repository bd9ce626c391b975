"""The public door of assignments."""

from marketplace.crew.access import get_need, get_own_assignment
from marketplace.crew.actions import assign_person, release_all, release_person
from marketplace.crew.queries import holds, people_on

__all__ = [
    "assign_person",
    "get_need",
    "get_own_assignment",
    "holds",
    "people_on",
    "release_all",
    "release_person",
]

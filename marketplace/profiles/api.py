"""The public door of profiles and matching."""

from marketplace.profiles.access import get_own_expert, get_profile
from marketplace.profiles.actions import publish_expert, save_profile, set_needs, withdraw_expert
from marketplace.profiles.data import VISIBILITIES, Machines, NeedTerms, Paper, ProfileTerms, RateLine
from marketplace.profiles.queries import (
    experts_of,
    firms_for,
    needs_of,
    own_experts,
    own_profile,
    references_of,
    tasks_for_me,
)

__all__ = [
    "VISIBILITIES",
    "Machines",
    "NeedTerms",
    "Paper",
    "ProfileTerms",
    "RateLine",
    "experts_of",
    "firms_for",
    "get_own_expert",
    "get_profile",
    "needs_of",
    "own_experts",
    "own_profile",
    "publish_expert",
    "references_of",
    "save_profile",
    "set_needs",
    "tasks_for_me",
    "withdraw_expert",
]

"""The public door of reactions."""

from marketplace.reactions.actions import set_reaction
from marketplace.reactions.data import RULES
from marketplace.reactions.queries import reactions, switches

__all__ = ["RULES", "reactions", "set_reaction", "switches"]

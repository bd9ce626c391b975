"""The tables of the marketplace: what is needed, who may see it, and who has taken it on."""

from marketplace.models.claim import CLAIM_STATES, Claim
from marketplace.models.invitation import TaskInvitation
from marketplace.models.reaction import Reaction, ReactionSwitch
from marketplace.models.task import STATES, ServiceTask

__all__ = ["CLAIM_STATES", "STATES", "Claim", "Reaction", "ReactionSwitch", "ServiceTask", "TaskInvitation"]

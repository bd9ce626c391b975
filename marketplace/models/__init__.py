"""The tables of the marketplace: what is needed, who may see it, what is asked about it, and who has taken it on."""

from marketplace.models.attachment import TaskAttachment
from marketplace.models.claim import CLAIM_STATES, Claim
from marketplace.models.invitation import TaskInvitation
from marketplace.models.notice import PublicNotice
from marketplace.models.question import TaskAsker, TaskQuestion
from marketplace.models.reaction import Reaction, ReactionSwitch
from marketplace.models.task import STATES, ServiceTask

__all__ = [
    "CLAIM_STATES",
    "STATES",
    "Claim",
    "PublicNotice",
    "Reaction",
    "ReactionSwitch",
    "ServiceTask",
    "TaskAsker",
    "TaskAttachment",
    "TaskInvitation",
    "TaskQuestion",
]

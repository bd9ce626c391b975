"""The tables of the marketplace: what is needed, what is asked about it, who has taken it on, and what came of it."""

from marketplace.models.attachment import TaskAttachment
from marketplace.models.claim import CLAIM_STATES, Claim
from marketplace.models.contract import Contract, ContractRow, Milestone
from marketplace.models.dispute import Dispute, DisputeNote, Rating
from marketplace.models.invitation import TaskInvitation
from marketplace.models.notice import PublicNotice
from marketplace.models.question import TaskAsker, TaskQuestion
from marketplace.models.reaction import Reaction, ReactionSwitch
from marketplace.models.settlement import Invoice, InvoiceLine, JournalEntry, JournalLine, Receipt
from marketplace.models.task import STATES, ServiceTask
from marketplace.models.work import Inspection, Submission

__all__ = [
    "CLAIM_STATES",
    "STATES",
    "Claim",
    "Contract",
    "ContractRow",
    "Dispute",
    "DisputeNote",
    "Inspection",
    "Invoice",
    "InvoiceLine",
    "JournalEntry",
    "JournalLine",
    "Milestone",
    "PublicNotice",
    "Rating",
    "Reaction",
    "ReactionSwitch",
    "Receipt",
    "ServiceTask",
    "Submission",
    "TaskAsker",
    "TaskAttachment",
    "TaskInvitation",
    "TaskQuestion",
]

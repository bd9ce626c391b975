"""The tables of the marketplace: what is needed and asked, who takes it on, with whom, and what came of it."""

from marketplace.models.assignment import Assignment
from marketplace.models.attachment import TaskAttachment
from marketplace.models.bid import BID_STATES, Bid, BidScore, BidVersion, Complaint
from marketplace.models.calendar import CalendarAddress
from marketplace.models.claim import CLAIM_STATES, Claim
from marketplace.models.contract import Contract, Milestone
from marketplace.models.dispute import Dispute, DisputeNote, Rating
from marketplace.models.invitation import TaskInvitation
from marketplace.models.mediation import Mediation
from marketplace.models.need import TaskNeed
from marketplace.models.notice import PublicNotice
from marketplace.models.opener import Opener, Opening
from marketplace.models.profile import Expert, Profile
from marketplace.models.question import TaskAsker, TaskQuestion
from marketplace.models.reaction import Reaction, ReactionSwitch
from marketplace.models.reference import Reference
from marketplace.models.session import SESSION_STATES, RemoteSession, SessionEntry
from marketplace.models.settlement import Invoice, InvoiceLine, JournalEntry, JournalLine, Receipt
from marketplace.models.task import STATES, ServiceTask
from marketplace.models.watch import Watch
from marketplace.models.work import Inspection, Submission

__all__ = [
    "BID_STATES",
    "CLAIM_STATES",
    "SESSION_STATES",
    "STATES",
    "Assignment",
    "Bid",
    "BidScore",
    "BidVersion",
    "CalendarAddress",
    "Claim",
    "Complaint",
    "Contract",
    "Dispute",
    "DisputeNote",
    "Expert",
    "Inspection",
    "Invoice",
    "InvoiceLine",
    "JournalEntry",
    "JournalLine",
    "Mediation",
    "Milestone",
    "Opener",
    "Opening",
    "Profile",
    "PublicNotice",
    "Rating",
    "Reaction",
    "ReactionSwitch",
    "Receipt",
    "Reference",
    "RemoteSession",
    "ServiceTask",
    "SessionEntry",
    "Submission",
    "TaskAsker",
    "TaskAttachment",
    "TaskInvitation",
    "TaskNeed",
    "TaskQuestion",
    "Watch",
]

"""The closed list of events: what may be announced, who may see it, and what it says. Pure."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """`permission` is what a role needs to receive it; `words` say what happened."""

    permission: str
    words: str


def _of(permission: str, kinds: dict[str, str]) -> dict[str, Kind]:
    return {kind: Kind(permission, words) for kind, words in kinds.items()}


_ALARMS: Final = {
    "alarm.raised": "An alarm was raised, or came back.",
    "alarm.updated": "Severity or value of an alarm changed.",
    "alarm.cleared": "The condition of an alarm is over.",
    "alarm.acknowledged": "Somebody has seen the alarm and says so.",
    "alarm.shelved": "Somebody set an alarm aside for a while.",
    "alarm.suppressed": "An alarm is suppressed by design.",
    "alarm.out_of_service": "An alarm was taken out of service.",
    "alarm.returned": "An alarm is no longer set aside, suppressed or out of service.",
    "alarm.assigned": "An alarm was given to a member.",
    "alarm.commented": "Somebody wrote about an alarm.",
    "alarm.escalated": "Nobody acknowledged an alarm in time: the next ones are told.",
    "alarm.re_alarmed": "An alarm that was seen must be seen again: it grew worse, or still stands.",
    "alarm.flood": "Too many alarms at a site in a short time, with their counts.",
}
_COMMANDS: Final = {
    "command.requested": "Somebody asked for a value to be set on a machine.",
    "command.approved": "A command may be sent.",
    "command.rejected": "The owner's second person said no to a command.",
    "command.withdrawn": "A command was taken back before it was sent.",
    "command.sent": "A command is on its way to its gateway.",
    "command.delivered": "A gateway has a command in its journal.",
    "command.done": "A command was carried out.",
    "command.failed": "A command was not carried out, by the terminal's word or by what was read back.",
    "command.refused": "A command was not acted upon: an interlock held, or its gateway began another epoch.",
    "command.expired": "A command was not acted upon: its time was over.",
    "command.unknown": "A command may have been carried out, and nobody has said so.",
}
_RULES: Final = {
    "rule.made": "A rule was drafted.",
    "rule.changed": "A rule has a new version.",
    "rule.progress": "A backtest of a rule was asked for, or goes on.",
    "rule.backtested": "A backtest of a rule is over.",
    "rule.calls_set": "How the alarms of a rule call was set: safety, and when one is announced again.",
    "rule.enabled": "A version of a rule is in force; one of safety is told to who has a mandate, too.",
    "rule.disabled": "A rule is no longer in force; one of safety is told to who has a mandate, too.",
    "rule.retired": "A rule was ended for good.",
    "rule.taken": "A gateway judges by the rules of the cloud.",
    "rule.refused": "A gateway refused the rules of the cloud, and why.",
}
_PLANS: Final = {
    "plan.queued": "A plan was asked for.",
    "plan.progress": "A better plan or bound was found.",
    "plan.solved": "A plan was found and checked.",
    "plan.infeasible": "No plan fits; what is short is named in the plan.",
    "plan.stopped": "The solver was stopped before it had a plan.",
    "plan.failed": "The plan could not be solved.",
    "plan.approved": "A person approved a plan.",
    "plan.rejected": "A person rejected a plan.",
    "plan.released": "A plan was released to those who carry it out.",
    "plan.invited": "An organisation was invited to a plan of several.",
    "plan.part": "An organisation gave its part of such a plan, or took it back.",
    "plan.share": "A participant's share of such a plan is there.",
    "experiment.queued": "An experiment was asked for.",
    "experiment.progress": "Some of an experiment's runs are done.",
    "experiment.solved": "An experiment is done.",
    "experiment.stopped": "An experiment was stopped.",
    "experiment.failed": "An experiment failed.",
    "grades.held": "New samples fit the set of grades.",
    "grades.drifted": "New samples no longer fit the set of grades.",
}
_TASKS: Final = {
    "task.drafted": "Something that happened became the draft of a task.",
    "task.evidence": "Stored readings were held against a task's rule of acceptance.",
    "task.watched": "How a task's rule of acceptance stands changed while the work goes on.",
    "task.published": "A service task is open to the market.",
    "task.claimed": "A firm took a service task.",
    "task.extended": "The owner gave the firm more time; its data is open under a new agreement.",
    "task.submitted": "The work is reported done.",
    "task.accepted": "The owner accepted the work, or has not answered it in time.",
    "task.rejected": "The owner refused the work, and why; the task is open again.",
    "task.reopened": "A task is open again: rework, a release or a lapsed claim.",
    "task.cancelled": "The owner withdrew a task.",
    "task.altered": "Terms of a task are not those in the owner's ledger, as they were published: they were altered.",
    "task.attached": "The owner laid a further file beside an open task.",
    "task.gone": "A task is no longer open to those to whom it was offered.",
    "task.asked": "A firm asked a question about a task.",
    "task.answered": "The owner answered a question about a task, for all who may read it.",
    "task.unsuccessful": "No bid on a task was acceptable.",
    "reaction.disabled": "A reaction is off: for whom it acts has left, or may no longer do what follows.",
}
_BIDS: Final = {
    "bid.submitted": "A firm made a bid, or a new version of one; what it says is not told.",
    "bid.withdrawn": "A firm took its bid back.",
    "bid.closed": "The deadline of a tender or of a request for quotations is past.",
    "bid.opening": "One of a tender's openers gave their part.",
    "bid.opened": "A bid can be read by the owner; what is wrong with it, if it was altered.",
    "bid.missing": "Firms whose bid is in the ledger and was not there at the opening.",
    "bid.shortlisted": "A bid is on the shortlist.",
    "bid.disqualified": "A bid is out, and why.",
    "bid.reinstated": "A disqualified bid stands again.",
    "bid.won": "A bid won its task.",
    "bid.lost": "A bid lost, why, and how it was scored.",
    "bid.altered": "No contract comes of an award: task, award or bid are not what the owner's ledger says; why.",
    "bid.annulled": "The award was taken back: the bid is judged again.",
    "bid.complained": "A firm complained about an award.",
    "bid.complaint_decided": "The owner decided a complaint.",
    "bid.contested": "A complaint about the award waits for its decision; the winner is told, not whose it is.",
    "bid.uncontested": "No complaint about the award waits any more, and it stands.",
}
_CONTRACTS: Final = {
    "contract.written": "An award or an accepted claim became a contract.",
    "contract.reopened": "The data of a contract is open under a new agreement, after rework, a dispute or for longer.",
    "contract.terms_set": "The buyer set the tax rate and the tolerance of a contract.",
    "contract.fulfilled": "Every milestone of a contract is accepted; its data is closed.",
    "contract.closed": "Everything of a contract is paid.",
    "contract.disputed": "A party stopped a contract; its data is closed.",
    "contract.noted": "A party said something in a dispute.",
    "contract.mediator_proposed": "A party to a dispute named a mediator.",
    "contract.mediator_agreed": "Both parties accept the mediator, who reads the dispute from now on.",
    "contract.mediator_declined": "A mediator was refused, or stepped down.",
    "contract.mediator_recommended": "The mediator recommends how a dispute should end.",
    "contract.resumed": "A dispute is settled; the contract goes on.",
    "contract.terminated": "A party ended a contract before its work was done.",
    "contract.rated": "A party rated a closed contract; blind until both have.",
    "milestone.submitted": "A milestone is reported done.",
    "milestone.accepted": "The buyer accepted a milestone.",
    "milestone.rework": "The buyer asked for more.",
    "milestone.receipted": "The buyer received what was accepted, and owes it.",
    "milestone.invoiced": "The firm sent an invoice for a milestone.",
    "milestone.matched": "Contract, receipt and invoice of a milestone agree: it is to be paid.",
    "milestone.returned": "An invoice that does not agree was returned.",
    "milestone.paid": "The buyer paid what was payable of a milestone.",
    "milestone.released": "The retention of a milestone is to be paid.",
}
_SESSIONS: Final = {
    "session.proposed": "A firm proposes a remote session under a contract, at a rate and up to a ceiling.",
    "session.booked": "The buyer confirmed a remote session.",
    "session.cancelled": "A remote session is not held, and why.",
    "session.started": "A remote session runs.",
    "session.stopped": "A remote session is over, and its minutes are counted.",
    "session.exhausted": "Nobody stopped a remote session: it ended at its ceiling.",
    "session.noted": "An entry was made in the log of a remote session.",
    "session.corrected": "The log of a remote session was corrected by a reversing entry.",
    "session.objected": "The buyer objects to the minutes of a remote session.",
    "session.accepted": "The minutes of a remote session are accepted, by a member or by silence.",
}
_ASSIGNMENTS: Final = {
    "assignment.made": "A firm assigned one of its people to a task.",
    "assignment.released": "Somebody no longer works on a task.",
}
_AGREEMENTS: Final = {
    "agreement.offered": "An agreement was offered.",
    "agreement.countered": "The partner proposed another version.",
    "agreement.accepted": "The partner accepted the text.",
    "agreement.signed": "A party signed.",
    "agreement.declined": "An offer was declined.",
    "rights.agreement_activated": "An agreement is in force.",
    "rights.agreement_suspended": "An agreement opens nothing for now.",
    "rights.agreement_resumed": "An agreement opens again.",
    "rights.agreement_ended": "An agreement was ended.",
    "rights.agreement_expired": "An agreement came to its end.",
    "rights.agreement_expiring": "An agreement's end is near.",
    "rights.agreement_superseded": "Another agreement took the place of this one.",
    "rights.delegation_changed": "Who of the organisation may use an agreement changed.",
    "rights.member_joined": "A member joined.",
    "rights.member_changed": "A member's roles changed.",
    "rights.member_removed": "A member left.",
    "rights.key_rotated": "An API key was replaced.",
    "rights.key_revoked": "An API key was revoked.",
    "rights.organisation_closing": "The organisation is to be closed.",
    "rights.organisation_reopened": "The closing was taken back.",
}
_RESOURCES: Final = {
    "booking.made": "A person or machine was booked.",
    "booking.cancelled": "A booking was cancelled.",
    "equipment.relocated": "A machine moved to another site.",
    "stock.moved": "Stock was received, used, moved or counted.",
}
_USAGE: Final = {
    "usage.budget_warning": "Most of the month's budget is used.",
    "usage.budget_reached": "The month's budget is used up.",
}
_READINGS: Final = {
    "readings.removed": "Readings whose time was over were removed.",
    "readings.retention_set": "For how long readings are kept was changed; told to who has a mandate, too.",
}
_HANDOVERS: Final = {
    "handover.waiting": "The outgoing shift signed its hand-over: somebody else has to sign for the incoming one.",
    "handover.taken": "The incoming shift signed a hand-over, which stays as it is.",
}
_EXPORTS: Final = {
    "export.queued": "An archive was asked for.",
    "export.progress": "Some of the archive is written.",
    "export.ready": "The archive can be fetched.",
    "export.fetched": "The archive was fetched.",
    "export.cancelled": "The archive is no longer wanted.",
    "export.failed": "The archive could not be written.",
}

KINDS: Final[dict[str, Kind]] = {
    **_of("view_alarms", _ALARMS),
    **_of("send_commands", _COMMANDS),
    **_of("view_alarms", _RULES),
    **_of("view_plans", _PLANS),
    **_of("view_tasks", _TASKS),
    **_of("view_tasks", _CONTRACTS),
    **_of("view_tasks", _SESSIONS),
    **_of("view_tasks", _ASSIGNMENTS),
    **_of("view_tasks", _BIDS),
    **_of("view_agreements", _AGREEMENTS),
    **_of("view_resources", _RESOURCES),
    **_of("view_usage", _USAGE),
    **_of("view_telemetry", _READINGS),
    **_of("acknowledge_alarms", _HANDOVERS),
    **_of("manage_organisation", _EXPORTS),
    **_of("manage_members", {"rights.session_ended": "Somebody signed out, or was signed out."}),
    **_of("manage_keys", {"webhook.disabled": "A webhook was switched off: what it is sent was not taken."}),
}

"""The permission matrix as data: what each role may do inside its own organisation.

Capabilities named like the site permissions (`view_alarms`, …) are also what agreements open to partners; a partner's
user needs both the grant of the owner and the capability of their own role.
"""

from typing import Final

SITE_PERMISSIONS: Final = {
    "view_production": "See production figures",
    "view_telemetry": "See live and stored readings",
    "view_alarms": "See alarms",
    "acknowledge_alarms": "Acknowledge alarms",
    "send_commands": "Send commands to equipment",
    "view_plans": "See plans",
    "comment": "Comment",
    "manage": "Manage",
}
SITE_PERMISSION_CHOICES: Final = tuple(SITE_PERMISSIONS.items())

_VIEW = frozenset({"view_registry", "view_production", "view_telemetry", "view_alarms", "view_plans", "view_tasks"})
# People, their papers and stock: seen by those who plan, do and audit the work, and by no viewer.
_USE = frozenset({"view_resources", "use_resources"})
_OPERATE = (
    _VIEW | _USE | {"acknowledge_alarms", "shelve_alarms", "send_commands", "comment", "post_tasks", "view_agreements"}
)
_PLAN = frozenset({"run_plans", "manage_grades"})
_PAY = frozenset({"view_usage", "manage_budget", "settle"})
_DECIDE = frozenset({"approve_plans", "release_plans"})
_MANAGE = (
    _OPERATE
    | _PAY
    | _PLAN
    | _DECIDE
    | {"claim_tasks", "manage", "manage_agreements", "manage_keys", "manage_members", "manage_resources"}
    | {"view_ledger", "manage_rules", "approve_commands"}
)

ROLES: Final[dict[str, frozenset[str]]] = {
    # Only an owner takes all data out, or closes the organisation.
    "owner": _MANAGE | {"manage_organisation"},
    "manager": _MANAGE - {"manage_members"},
    "planner": _VIEW | _USE | _PLAN | {"comment", "post_tasks"},
    "operator": _OPERATE,
    "expert": _VIEW | {"comment", "claim_tasks", "view_agreements", "manage_grades", "view_resources"},
    # Of a service firm: wins work, sends the crew, sees that it is paid.
    "dispatcher": _VIEW | _USE | {"comment", "claim_tasks", "view_agreements", "view_usage", "settle"},
    "finance": frozenset(
        {"view_registry", "view_production", "view_plans", "view_tasks", "view_agreements", "view_ledger"}
    )
    | _PAY,
    "viewer": _VIEW,
    "auditor": _VIEW | {"view_agreements", "view_ledger", "view_resources", "view_usage"},
}

CAPABILITIES: Final[frozenset[str]] = frozenset().union(*ROLES.values())

# What is left to the owners of an organisation that is closing, instead of their roles; other members have nothing.
CLOSING_ROLES: Final[dict[str, frozenset[str]]] = {"closing": frozenset({"view_registry", "manage_organisation"})}

# Roles of machines: no person can hold them and no API key can carry them.
MACHINE_ROLES: Final[dict[str, frozenset[str]]] = {"device": frozenset({"send_readings"})}


def capabilities_of(roles: frozenset[str]) -> frozenset[str]:
    """Union of what the roles allow; an unknown role allows nothing."""
    return frozenset().union(*((ROLES | CLOSING_ROLES | MACHINE_ROLES).get(role, frozenset()) for role in roles))

"""Every route × method × role × organisation is decided in one table, and the table is complete."""

import json
import re
from contextlib import nullcontext
from dataclasses import dataclass
from uuid import UUID

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from tenants.models import Membership
from tenants.roles import ROLES
from tests import personas
from tests.personas import Organisation
from tests.places import Places
from tests.sweep.filters import undone

# (route, method) → the capability it takes. Routes with `<…>` name one object of Aurora's.
TABLE = {
    ("identity", "GET"): "view_registry",
    ("tenant-list", "GET"): "view_registry",
    ("role-list", "GET"): "view_registry",
    ("member-list", "GET"): "view_registry",
    ("member-roles", "POST"): "manage_members",
    ("member-remove", "POST"): "manage_members",
    ("invitation-list", "GET"): "manage_members",
    ("invitation-list", "POST"): "manage_members",
    ("invitation-revoke", "POST"): "manage_members",
    ("service-account-list", "GET"): "manage_members",
    ("service-account-list", "POST"): "manage_members",
    ("service-account-retire", "POST"): "manage_members",
    ("site-list", "GET"): "view_registry",
    ("site-list", "POST"): "manage",
    ("site-detail", "GET"): "view_registry",
    ("site-detail", "PATCH"): "manage",
    ("organisation-tree", "GET"): "view_registry",
    ("export-list", "GET"): "manage_organisation",
    ("export-list", "POST"): "manage_organisation",
    ("export-detail", "GET"): "manage_organisation",
    ("export-cancel", "POST"): "manage_organisation",
    ("export-archive", "POST"): "manage_organisation",
    ("closure-detail", "GET"): "manage_organisation",
    ("closure-detail", "POST"): "manage_organisation",
    ("closure-detail", "DELETE"): "manage_organisation",
    ("company-list", "GET"): "view_registry",
    ("company-list", "POST"): "manage",
    ("company-detail", "GET"): "view_registry",
    ("company-detail", "PATCH"): "manage",
    ("company-detail", "DELETE"): "manage",
    ("process-list", "GET"): "view_registry",
    ("process-list", "POST"): "manage",
    ("process-detail", "GET"): "view_registry",
    ("process-detail", "PATCH"): "manage",
    ("process-detail", "DELETE"): "manage",
    ("equipment-detail", "GET"): "view_registry",
    ("equipment-detail", "PATCH"): "manage",
    ("equipment-list", "GET"): "view_registry",
    ("equipment-list", "POST"): "manage",
    ("agreement-list", "GET"): "view_agreements",
    ("agreement-list", "POST"): "manage_agreements",
    ("agreement-detail", "GET"): "view_agreements",
    ("agreement-draft-preview", "POST"): "manage_agreements",
    ("agreement-preview", "GET"): "view_agreements",
    ("agreement-version-list", "GET"): "view_agreements",
    ("agreement-version-list", "POST"): "manage_agreements",
    ("agreement-offer", "POST"): "manage_agreements",
    ("agreement-accept", "POST"): "manage_agreements",
    ("agreement-sign", "POST"): "manage_agreements",
    ("agreement-suspend", "POST"): "manage_agreements",
    ("agreement-resume", "POST"): "manage_agreements",
    ("agreement-terminate", "POST"): "manage_agreements",
    ("agreement-delegation", "GET"): "view_agreements",
    ("agreement-delegation", "PUT"): "manage_members",
    ("agreement-delegation", "DELETE"): "manage_members",
    ("access-explain", "GET"): "view_agreements",
    ("access-matrix", "GET"): "view_agreements",
    ("access-matrix-csv", "GET"): "view_agreements",
    ("shared-read-list", "GET"): "view_agreements",
    ("shared-read-file", "GET"): "view_agreements",
    ("ledger-entry-list", "GET"): "view_ledger",
    ("ledger-entry-detail", "GET"): "view_ledger",
    ("ledger-verify", "GET"): "view_ledger",
    ("ledger-bundle", "GET"): "view_ledger",
    ("ledger-subject-bundle", "GET"): "view_ledger",
    ("api-key-list", "GET"): "manage_keys",
    ("api-key-list", "POST"): "manage_keys",
    ("api-key-rotate", "POST"): "manage_keys",
    ("api-key-revoke", "POST"): "manage_keys",
    ("usage-event-list", "GET"): "view_usage",
    ("usage-hour-list", "GET"): "view_usage",
    ("statement-list", "GET"): "view_usage",
    ("statement-detail", "GET"): "view_usage",
    ("statement-csv", "GET"): "view_usage",
    ("rate-plan", "GET"): "view_usage",
    ("budget", "GET"): "view_usage",
    ("budget", "PUT"): "manage_budget",
    ("budget", "DELETE"): "manage_budget",
    ("agreement-usage", "GET"): "view_agreements",
    ("person-list", "GET"): "view_resources",
    ("person-list", "POST"): "manage_resources",
    ("person-table", "GET"): "view_resources",
    ("person-table", "POST"): "manage_resources",
    ("person-detail", "GET"): "view_resources",
    ("person-detail", "PATCH"): "manage_resources",
    ("person-assess", "POST"): "manage_resources",
    ("person-certificate-list", "POST"): "manage_resources",
    ("person-training-list", "POST"): "manage_resources",
    ("person-move", "POST"): "manage_resources",
    ("person-erase", "POST"): "manage_resources",
    ("skill-list", "GET"): "view_resources",
    ("skill-list", "POST"): "manage_resources",
    ("skills-matrix", "GET"): "view_resources",
    ("site-requirement-list", "GET"): "view_resources",
    ("site-requirement-list", "POST"): "manage_resources",
    ("site-requirement-detail", "DELETE"): "manage_resources",
    ("certificate-list", "GET"): "view_resources",
    ("certificate-table", "GET"): "view_resources",
    ("certificate-table", "POST"): "manage_resources",
    ("certificate-expiries", "GET"): "view_resources",
    ("material-list", "GET"): "view_resources",
    ("material-list", "POST"): "manage_resources",
    ("stock-level-list", "GET"): "view_resources",
    ("stock-move-list", "GET"): "view_resources",
    ("stock-move-list", "POST"): "use_resources",
    ("stock-transfer-list", "POST"): "use_resources",
    ("stock-check", "GET"): "view_resources",
    ("stock-table", "GET"): "view_resources",
    ("stock-table", "POST"): "manage_resources",
    ("booking-list", "GET"): "view_resources",
    ("booking-list", "POST"): "use_resources",
    ("booking-detail", "GET"): "view_resources",
    ("booking-cancel", "POST"): "use_resources",
    ("relocation-list", "GET"): "view_resources",
    ("equipment-move", "POST"): "manage_resources",
    ("equipment-status", "POST"): "manage_resources",
    ("feed-event-list", "GET"): "view_registry",
    ("feed-page", "GET"): "view_registry",
    ("feed-snapshot", "GET"): "view_registry",
    ("feed-ticket-list", "POST"): "view_registry",
    ("webhook-list", "GET"): "manage_keys",
    ("webhook-list", "POST"): "manage_keys",
    ("webhook-detail", "GET"): "manage_keys",
    ("webhook-detail", "PATCH"): "manage_keys",
    ("webhook-rotate", "POST"): "manage_keys",
    ("webhook-delivery-list", "GET"): "manage_keys",
    ("webhook-enable", "POST"): "manage_keys",
    ("webhook-disable", "POST"): "manage_keys",
    ("webhook-test", "POST"): "manage_keys",
    ("webhook-detail", "DELETE"): "manage_keys",
    ("fleet-iso15143", "GET"): "view_telemetry",
    ("alarm-list", "GET"): "view_alarms",
    ("alarm-detail", "GET"): "view_alarms",
    ("alarm-acknowledge", "POST"): "acknowledge_alarms",
    ("alarm-shelve", "POST"): "shelve_alarms",
    ("alarm-out-of-service", "POST"): "manage_rules",
    ("alarm-return", "POST"): "shelve_alarms",
    ("alarm-assign", "POST"): "acknowledge_alarms",
    ("alarm-comment", "POST"): "comment",
    ("alarm-suppression-list", "GET"): "view_alarms",
    ("alarm-suppression-list", "POST"): "manage_rules",
    ("alarm-suppression-end", "POST"): "manage_rules",
    ("alarm-escalation-list", "GET"): "view_alarms",
    ("alarm-escalation-list", "PUT"): "manage_rules",
    ("command-list", "GET"): "send_commands",
    ("command-list", "POST"): "send_commands",
    ("command-detail", "GET"): "send_commands",
    ("command-approve", "POST"): "approve_commands",
    ("command-reject", "POST"): "approve_commands",
    ("command-withdraw", "POST"): "send_commands",
    ("command-type-list", "GET"): "send_commands",
    ("command-type-list", "POST"): "manage_rules",
    ("command-type-retire", "POST"): "manage_rules",
    ("equipment-command-type-list", "GET"): "send_commands",
    ("alarm-clear", "POST"): "manage_rules",
    ("alarm-file", "GET"): "view_alarms",
    ("set-aside-alarm-list", "GET"): "view_alarms",
    ("set-aside-alarm-dismiss", "POST"): "manage_rules",
    ("alarm-health", "GET"): "view_alarms",
    ("alarm-health-csv", "GET"): "view_alarms",
    ("site-production", "GET"): "view_production",
    ("site-production-csv", "GET"): "view_production",
    ("machine-production", "GET"): "view_production",
    ("site-shifts", "GET"): "view_production",
    ("site-shifts", "PUT"): "manage",
    ("machine-rate", "PUT"): "manage",
    ("stop-correction-list", "GET"): "view_production",
    ("stop-correction-list", "POST"): "acknowledge_alarms",
    ("handover-list", "GET"): "view_production",
    ("handover-list", "POST"): "acknowledge_alarms",
    ("handover-detail", "GET"): "view_production",
    ("handover-sign", "POST"): "acknowledge_alarms",
    ("fleet-health", "GET"): "view_alarms",
    ("oversight", "GET"): "view_telemetry",
    ("oversight-gaps", "GET"): "view_telemetry",
    ("rule-list", "GET"): "view_alarms",
    ("rule-list", "POST"): "manage_rules",
    ("rule-from-template", "POST"): "manage_rules",
    ("rule-detail", "GET"): "view_alarms",
    ("rule-versions", "POST"): "manage_rules",
    ("rule-enable", "POST"): "manage_rules",
    ("rule-disable", "POST"): "manage_rules",
    ("rule-retire", "POST"): "manage_rules",
    ("rule-calls", "PUT"): "manage_rules",
    ("rule-trial-list", "GET"): "view_alarms",
    ("rule-trial-list", "POST"): "manage_rules",
    ("rule-trial-detail", "GET"): "view_alarms",
    ("rule-trial-cancel", "POST"): "manage_rules",
    ("rule-template-list", "GET"): "view_alarms",
    ("rule-kind-list", "GET"): "view_alarms",
    ("rules-in-use-list", "GET"): "view_alarms",
    ("series-list", "GET"): "view_telemetry",
    ("reading-list", "GET"): "view_telemetry",
    ("series-summary", "GET"): "view_telemetry",
    ("series-catalogue", "GET"): "view_telemetry",
    ("series-trend", "GET"): "view_telemetry",
    ("series-trend-csv", "GET"): "view_telemetry",
    ("series-quality", "GET"): "view_telemetry",
    ("series-lineage", "GET"): "view_telemetry",
    ("trend-list", "GET"): "view_telemetry",
    ("reading-quality", "GET"): "view_telemetry",
    ("reading-retention", "GET"): "view_telemetry",
    ("reading-retention", "PUT"): "manage",
    ("tag-dictionary", "GET"): "view_telemetry",
    ("device-list", "GET"): "manage",
    ("device-list", "POST"): "manage",
    ("device-detail", "GET"): "manage",
    ("device-revoke", "POST"): "manage",
    ("device-balance", "GET"): "view_alarms",
    ("device-balance-csv", "GET"): "view_alarms",
    ("plan-list", "GET"): "view_plans",
    ("plan-list", "POST"): "run_plans",
    ("plan-schema", "GET"): "view_plans",
    ("plan-detail", "GET"): "view_plans",
    ("plan-instance", "GET"): "view_plans",
    ("plan-variables", "GET"): "view_plans",
    ("plan-explanation", "GET"): "view_plans",
    ("plan-difference", "GET"): "view_plans",
    ("plan-cancel", "POST"): "run_plans",
    ("plan-decision", "GET"): "view_plans",
    ("plan-approve", "POST"): "approve_plans",
    ("plan-reject", "POST"): "approve_plans",
    ("plan-release", "POST"): "release_plans",
    ("release-list", "GET"): "view_plans",
    ("release-detail", "GET"): "view_plans",
    ("release-document", "GET"): "view_plans",
    ("release-verify", "GET"): "view_plans",
    ("scenario-list", "GET"): "view_plans",
    ("scenario-list", "POST"): "run_plans",
    ("scenario-compare", "GET"): "view_plans",
    ("scenario-variations-schema", "GET"): "view_plans",
    ("scenario-detail", "GET"): "view_plans",
    ("scenario-archive", "POST"): "run_plans",
    ("scenario-version-list", "GET"): "view_plans",
    ("scenario-version-list", "POST"): "run_plans",
    ("scenario-version-detail", "GET"): "view_plans",
    ("scenario-version-instance", "GET"): "view_plans",
    ("scenario-version-solve", "POST"): "run_plans",
    ("workbook-template", "GET"): "view_plans",
    ("plan-workbook", "GET"): "view_plans",
    ("plan-instance-zip", "GET"): "view_plans",
    ("plan-zip", "GET"): "view_plans",
    ("plan-csv", "GET"): "view_plans",
    ("grade-sample-list", "GET"): "view_plans",
    ("grade-sample-list", "POST"): "manage_grades",
    ("grade-sample-detail", "GET"): "view_plans",
    ("grade-sample-csv", "GET"): "view_plans",
    ("grade-set-list", "GET"): "view_plans",
    ("grade-set-list", "POST"): "manage_grades",
    ("grade-set-detail", "GET"): "view_plans",
    ("grade-set-evidence", "GET"): "view_plans",
    ("grade-set-figures", "GET"): "view_plans",
    ("joint-plan-list", "GET"): "view_plans",
    ("joint-plan-list", "POST"): "run_plans",
    ("joint-plan-detail", "GET"): "view_plans",
    ("joint-part-list", "GET"): "view_plans",
    ("joint-part-list", "POST"): "run_plans",
    ("joint-part-detail", "GET"): "view_plans",
    ("joint-plan-solve", "POST"): "run_plans",
    ("joint-plan-withdraw", "POST"): "run_plans",
    ("joint-plan-close", "POST"): "run_plans",
    ("plan-share-list", "GET"): "view_plans",
    ("plan-share-detail", "GET"): "view_plans",
    ("plan-share-plan", "GET"): "view_plans",
    ("experiment-list", "GET"): "view_plans",
    ("experiment-list", "POST"): "run_plans",
    ("experiment-kinds", "GET"): "view_plans",
    ("experiment-detail", "GET"): "view_plans",
    ("experiment-results", "GET"): "view_plans",
    ("experiment-csv", "GET"): "view_plans",
    ("experiment-figures", "GET"): "view_plans",
    ("experiment-cancel", "POST"): "run_plans",
    ("service-task-list", "GET"): "view_tasks",
    ("service-task-list", "POST"): "post_tasks",
    ("service-task-detail", "GET"): "view_tasks",
    ("service-task-detail", "PATCH"): "post_tasks",
    ("service-task-ocds", "GET"): "view_tasks",
    ("service-task-releases", "GET"): "view_tasks",
    ("service-task-attachment-list", "GET"): "view_tasks",
    ("service-task-attachment-list", "POST"): "post_tasks",
    ("service-task-attachment-detail", "GET"): "view_tasks",
    ("service-task-attachment-detail", "DELETE"): "post_tasks",
    ("service-task-question-list", "GET"): "view_tasks",
    ("service-task-question-list", "POST"): "claim_tasks",
    ("service-task-question-answer", "POST"): "post_tasks",
    ("service-task-publish", "POST"): "post_tasks",
    ("service-task-cancel", "POST"): "post_tasks",
    ("service-task-accept", "POST"): "post_tasks",
    ("service-task-rework", "POST"): "post_tasks",
    ("service-task-reject", "POST"): "post_tasks",
    ("service-task-extend", "POST"): "post_tasks",
    ("service-task-claim", "POST"): "claim_tasks",
    ("service-task-submit", "POST"): "claim_tasks",
    ("service-task-release", "POST"): "claim_tasks",
    ("reaction-list", "GET"): "view_tasks",
    ("reaction-switch-list", "GET"): "view_tasks",
    ("reaction-switch-list", "PUT"): "manage",
    ("contract-list", "GET"): "view_tasks",
    ("contract-detail", "GET"): "view_tasks",
    ("contract-terms", "PUT"): "settle",
    ("contract-invoice-list", "POST"): "settle",
    ("contract-extend", "POST"): "post_tasks",
    ("contract-dispute", "POST"): "manage_agreements",
    ("contract-note", "POST"): "comment",
    ("contract-withdraw", "POST"): "manage_agreements",
    ("contract-mediator", "POST"): "manage_agreements",
    ("contract-mediator-agree", "POST"): "manage_agreements",
    ("contract-mediator-decline", "POST"): "manage_agreements",
    ("mediation-list", "GET"): "view_tasks",
    ("mediation-detail", "GET"): "view_tasks",
    ("mediation-recommend", "POST"): "manage_agreements",
    ("mediation-step-down", "POST"): "manage_agreements",
    ("service-task-acceptance", "GET"): "view_tasks",
    ("contract-terminate", "POST"): "manage_agreements",
    ("contract-rating", "POST"): "comment",
    ("contract-journal", "GET"): "view_usage",
    ("contract-statement", "GET"): "view_usage",
    ("contract-statement-csv", "GET"): "view_usage",
    ("contract-session-list", "GET"): "view_tasks",
    ("contract-session-list", "POST"): "use_resources",
    ("remote-session-list", "GET"): "view_tasks",
    ("remote-session-detail", "GET"): "view_tasks",
    ("remote-session-confirm", "POST"): "post_tasks",
    ("remote-session-cancel", "POST"): "view_tasks",
    ("remote-session-start", "POST"): "claim_tasks",
    ("remote-session-stop", "POST"): "claim_tasks",
    ("remote-session-notes", "POST"): "claim_tasks",
    ("remote-session-correct", "POST"): "claim_tasks",
    ("remote-session-object", "POST"): "post_tasks",
    ("remote-session-accept", "POST"): "post_tasks",
    ("session-note-reverse", "POST"): "claim_tasks",
    ("milestone-submit", "POST"): "claim_tasks",
    ("milestone-accept", "POST"): "post_tasks",
    ("milestone-rework", "POST"): "post_tasks",
    ("milestone-receive", "POST"): "settle",
    ("milestone-pay", "POST"): "settle",
    ("milestone-release", "POST"): "settle",
    ("invoice-return", "POST"): "settle",
    ("service-task-needs", "GET"): "view_tasks",
    ("service-task-needs", "PUT"): "post_tasks",
    ("service-task-matches", "GET"): "post_tasks",
    ("service-task-people", "GET"): "view_tasks",
    ("service-task-people", "POST"): "use_resources",
    ("assignment-release", "POST"): "use_resources",
    ("task-match-list", "GET"): "view_tasks",
    ("own-profile", "GET"): "view_tasks",
    ("own-profile", "PUT"): "manage",
    ("profile-list", "GET"): "view_tasks",
    ("profile-detail", "GET"): "view_tasks",
    ("expert-list", "GET"): "view_resources",
    ("expert-list", "POST"): "manage",
    ("expert-detail", "DELETE"): "manage",
    ("service-task-criteria", "GET"): "view_tasks",
    ("service-task-criteria", "PUT"): "post_tasks",
    ("service-task-openers", "GET"): "post_tasks",
    ("service-task-openers", "POST"): "post_tasks",
    ("service-task-openers", "DELETE"): "post_tasks",
    ("service-task-open-bids", "POST"): "post_tasks",
    ("service-task-evaluate", "POST"): "post_tasks",
    ("service-task-conclude", "POST"): "post_tasks",
    ("service-task-fail", "POST"): "post_tasks",
    ("service-task-comparison", "GET"): "post_tasks",
    ("service-task-bid-list", "GET"): "view_tasks",
    ("service-task-bid", "POST"): "claim_tasks",
    ("service-task-complaint-list", "GET"): "view_tasks",
    ("bid-list", "GET"): "view_tasks",
    ("bid-detail", "GET"): "view_tasks",
    ("bid-withdraw", "POST"): "claim_tasks",
    ("bid-shortlist", "POST"): "post_tasks",
    ("bid-reinstate", "POST"): "post_tasks",
    ("bid-disqualify", "POST"): "post_tasks",
    ("bid-award", "POST"): "post_tasks",
    ("bid-scores", "PUT"): "post_tasks",
    ("bid-complain", "POST"): "claim_tasks",
    ("complaint-decide", "POST"): "post_tasks",
}
# Open to everybody, or with a credential of its own kind.
OTHERWISE = {
    "schema": "the description of the API, without any data",
    "api-docs": "a page that shows the schema",
    "api-reference": "a page that shows the schema",
    "asyncapi": "the description of the feed, without any data",
    "feed-reference": "a page that shows it",
    "edge-rules": "takes a device's credential; tests/integration/edge",
    "edge-batches": "takes a device's credential; tests/integration/edge",
    "adapter-senml": "takes a device's credential; tests/integration/edge/test_adapters.py",
    "adapter-iso15143": "the same",
    "adapter-sparkplug": "the same",
    "adapter-open-autonomy": "the same",
    "edge-conformance": "the same",
    "session-list": "a person's own, for no key; tests/functional/console/test_sessions_api.py",
    "session-detail": "a person's own, for no key; tests/functional/console/test_sessions_api.py",
}

# Bodies good enough to reach the object: what it is comes before what is said about it.
BODIES = {
    "member-roles": {"roles": ["viewer"]},
    "agreement-terminate": {"reason": "test"},
    "alarm-clear": {"reason": "test"},
    "set-aside-alarm-dismiss": {"reason": "test"},
    "command-reject": {"reason": "test"},
    "command-withdraw": {"reason": "test"},
    "plan-reject": {"reason": "test"},
    "scenario-version-list": {"expected_version": 1},
    "service-task-bid": {"price_minor": 1, "currency": "USD", "delivery_d": 1},
    "service-task-openers": {"passphrase": "seven shovels at dawn"},
    "service-task-open-bids": {"passphrase": "seven shovels at dawn"},
    "service-task-criteria": {"criteria": []},
    "service-task-fail": {"reason": "test"},
    "bid-disqualify": {"reason": "test"},
    "bid-award": {"reason": "test"},
    "bid-scores": {"scores": []},
    "bid-complain": {"text": "test"},
    "complaint-decide": {"is_upheld": False, "reason": "test"},
    "service-task-submit": {"token": 1},
    "service-task-release": {"token": 1},
    "service-task-reject": {"reason": "test"},
    "service-task-extend": {"hours": 1},
    "contract-extend": {"hours": 1},
    "remote-session-notes": {"words": "test"},
    "remote-session-correct": {"minutes": 1, "reason": "test"},
    "session-note-reverse": {"reason": "test"},
    "mediation-recommend": {"words": "test"},
    "contract-invoice-list": {"number": "1", "lines": [{"milestone": str(UUID(int=1)), "net_minor": 1}]},
}
# A firm's steps on another organisation's task; its owner is refused.
NOT_FOR_THE_OWNER = (
    *("service-task-claim", "service-task-submit", "service-task-release", "agreement-delegation"),
    *("milestone-submit", "contract-invoice-list"),
    *("service-task-bid", "bid-withdraw", "bid-complain"),
    *("remote-session-start", "remote-session-stop", "remote-session-notes", "remote-session-correct"),
    "session-note-reverse",
)


# They name no object: every organisation has a month of its own there.
OF_ONES_OWN = ("statement-detail", "statement-csv")


def routes(patterns: list, prefix: str = "") -> list[tuple[str, URLPattern]]:
    found = []
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += routes(pattern.url_patterns, path)
        elif path.startswith("api/v1/"):
            found.append((path, pattern))
    return found


ROUTES = {pattern.name: (path, pattern) for path, pattern in routes(get_resolver().url_patterns)}


def table_faults(table: dict[tuple[str, str], str], served: dict[str, tuple[str, URLPattern]]) -> list[str]:
    """Routes and methods that are served but not decided, or decided otherwise than served."""
    actual = {
        (name, method): capability
        for name, (_, pattern) in served.items()
        if name not in OTHERWISE
        for method, capability in pattern.callback.view_class.needs.items()
    }
    keys = sorted(actual.keys() | table.keys())
    return [
        f"{key}: table {table.get(key)}, served {actual.get(key)}" for key in keys if table.get(key) != actual.get(key)
    ]


def test_table_names_every_route_and_method():
    assert len(ROUTES) > 40
    assert table_faults(TABLE, ROUTES) == []


def test_planted_route_is_named():
    undecided = {key: capability for key, capability in TABLE.items() if key != ("site-list", "POST")}
    assert table_faults(undecided, ROUTES) == ["('site-list', 'POST'): table None, served manage"]


@dataclass
class Prober:
    """Asks for every route as one organisation in one role; unless `commits`, nothing stays of it."""

    organisation: Organisation
    client: APIClient
    places: Places
    commits: bool = False

    def become(self, role: str) -> None:
        with self.organisation.acting():
            Membership.objects.filter(user=self.organisation.user).update(roles=[role])

    def ask(self, name: str, method: str) -> int:
        path = "/" + ROUTES[name][0]
        for argument, value in self.places.ids.items():
            path = re.sub(rf"<\w+:{argument}>", str(value), path)
        assert "<" not in path, f"tests/places.py gives no object for {path}"
        body = json.dumps(BODIES.get(name, {}))
        with nullcontext() if self.commits or method == "GET" else undone():
            return self.client.generic(method, path, body, content_type="application/json").status_code


def expected(role: str, capability: str, name: str, is_owner: bool) -> set[int]:
    """The decision: lacking the capability 403; foreign objects 404; else anything but a refusal or our mistake."""
    if capability not in ROLES[role]:
        return {403}
    if "<" in ROUTES[name][0] and not is_owner and name not in OF_ONES_OWN:
        return {404}
    if name in NOT_FOR_THE_OWNER:
        return {403, 404}
    return {200, 201, 202, 204, 400, 409, 410, 422, 428}


def faults(prober: Prober, role: str, *, is_owner: bool) -> list[str]:
    """Answers to this role that are not those decided."""
    prober.become(role)
    statuses = {(name, method): prober.ask(name, method) for name, method in TABLE}
    return [
        f"{method} {name} as {role}: {status}"
        for (name, method), status in statuses.items()
        if status not in expected(role, TABLE[name, method], name, is_owner)
    ]


def test_every_route_answers_its_owner_as_decided(aurora):
    prober = Prober(aurora, aurora.client(), Places.of_aurora(aurora), commits=True)
    assert faults(prober, "owner", is_owner=True) == []


@pytest.fixture(scope="module")
def own_prober() -> Prober:
    group = personas.aurora()
    return Prober(group, group.client(), Places.of_aurora(group))


@pytest.mark.parametrize("role", ROLES)
def test_every_route_answers_each_role_of_the_owner_as_decided(role, own_prober):
    assert faults(own_prober, role, is_owner=True) == []


@pytest.fixture(scope="module")
def closed_places() -> Places:
    """Of an owner whose objects stay as they are, since nobody who asks may change them."""
    return Places.of_aurora(personas.aurora())


@pytest.mark.parametrize("role", ROLES)
def test_every_route_answers_each_role_of_an_outsider_as_decided(role, cassia, closed_places):
    assert faults(Prober(cassia, cassia.client(), closed_places), role, is_owner=False) == []


def test_no_route_answers_without_a_credential(aurora, closed_places):
    prober = Prober(aurora, APIClient(), closed_places)
    assert {(key, prober.ask(*key)) for key in TABLE} == {(key, 401) for key in TABLE}

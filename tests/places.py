"""One object of Aurora's for every argument that a route may name."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session

from edge_bridge.alarms import policies
from edge_bridge.models import Quarantine, Series
from edge_bridge.production import actions as production
from edge_bridge.protocol import Lane
from marketplace.desk import actions as desk
from marketplace.models import TaskNeed, TaskQuestion
from marketplace.profiles.api import NeedTerms, set_needs
from optimization import actions as planning
from optimization.studies import actions as studies
from tenants import actions as tenancy
from tenants.agreements import actions as agreeing
from tenants.context import as_platform
from tenants.ledger.actions import enter
from tenants.ledger.queries import entries_where
from tenants.models import Export, User, new_id
from tenants.organisation import actions as organising
from tenants.people import actions as people
from tenants.webhooks import actions as webhooks
from tests import personas
from tests.integration.edge import command_scenes as commands
from tests.integration.edge import rules
from tests.integration.edge.scenes import gateway, raised
from tests.integration.marketplace import bid_scenes as bidding
from tests.integration.marketplace import contract_scenes as contracts
from tests.integration.marketplace import firms, reactions
from tests.integration.marketplace import scenes as market
from tests.integration.marketplace import session_scenes as sessions
from tests.integration.optimization import documents, grades
from tests.integration.optimization import joint_scenes as joint
from tests.integration.optimization import scenes as scenarios
from tests.integration.tenants import resource_scenes as resources
from tests.personas import Organisation

LONG_OVER = datetime.now(UTC).date() - timedelta(days=2)  # whatever the zone, it is over


@dataclass(frozen=True)
class Places:
    """URL argument → the id of an object of Aurora's. The task is a draft, so that no outsider may see it."""

    ids: dict[str, UUID | int]

    @classmethod
    def of_aurora(cls, aurora: Organisation) -> "Places":
        alarm = market.alarm_of(aurora)
        with aurora.acting():
            invitation, _ = people.invite_member(email=f"{new_id()}@example.com", roles=["viewer"])
            account = people.found_service_account(name="Gateway", roles=["viewer"])
            key, _ = tenancy.make_api_key(
                name="other", scopes=["view_registry"], expires_at=datetime.now(UTC) + timedelta(hours=1)
            )
            run = planning.request_plan(name="Plan of the quarter", instance=documents.small(), options={})
            task = market.actions.post_task(terms=market.terms(), equipment_id=alarm.equipment_id)
            attachment = desk.attach(task=task, name="pump.pdf", content=b"%PDF-1.7 drawing of pump 7")
            question = TaskQuestion.objects.create(tenant_id=aurora.id, task=task, text="Which bearing is it?")
            webhook, _ = webhooks.make_webhook(name="Dispatch of Aurora", url="https://hooks.example.com/aurora")
            series = Series.objects.get(tenant=aurora.id)
            set_needs(task=task, needs=(NeedTerms(skill="blasting"),))
            suppression = policies.make_suppression(
                site=aurora.sites["north"], cause="power_failed", effect="fan_stopped", reason="nothing turns then"
            )
            policies.set_escalation(site=None, severity="high", steps=[policies.Step(600, user_id=aurora.user.pk)])
            handover = production.draft_handover(site=aurora.sites["north"], shift="night", day=LONG_OVER)
            reactions.switched(aurora)
            export = Export.objects.create(tenant=aurora.tenant, status=Export.Status.CANCELLED)
            company = organising.add_company(code="group", name="Group")
            process = organising.add_process(site=aurora.sites["north"], code="vent", name="Air", kind="ventilation")
            study = studies.request_study(kind="silos", name="Study of the quarter", options={}, is_sent=False)
            studies.cancel_study(run=study)  # so that no worker of a later test has it to do
            grade_set = grades.fitted()
            asked = commands.places(aurora)
            scenario = scenarios.actions.found_scenario(name="Base", instance=documents.small())
        return cls(
            {
                "site_id": aurora.sites["north"].pk,
                "export_id": export.pk,
                "company_id": company.pk,
                "process_id": process.pk,
                "equipment_id": alarm.equipment_id,
                "agreement_id": _draft(aurora),
                "key_id": key.pk,
                "webhook_id": webhook.pk,
                "invitation_id": invitation.pk,
                "account_id": account.pk,
                "membership_id": _colleague(aurora),
                "session_id": _session(aurora),
                "alarm_id": alarm.pk,
                "device_id": alarm.device_id,
                **asked,
                "suppression_rule_id": suppression.pk,
                "set_aside_id": _set_aside(aurora),
                "series_id": series.pk,
                "handover_id": handover.pk,
                **rules.places(aurora),
                "plan_id": run.pk,
                "experiment_id": study.pk,
                "batch_id": grade_set.batch_ids[0],
                "grade_set_id": grade_set.pk,
                "scenario_id": scenario.pk,
                "number": scenario.version,
                "release_id": scenarios.released(aurora).pk,
                "task_id": task.pk,
                "attachment_id": attachment.pk,
                "question_id": question.pk,
                **bidding.places(aurora),
                "month": f"{datetime.now(UTC):%Y-%m}",
                "need_id": _need(aurora),
                **resources.places(aurora),
                **firms.places(aurora),
                **joint.alone(aurora),
                **contracts.places(aurora),
                **sessions.places(aurora),
                **_entered(aurora),
            }
        )


def _entered(aurora: Organisation) -> dict[str, UUID]:
    with aurora.acting():
        enter(kind="test.entered", subject=aurora.id, payload={})
    with aurora.acting():
        return {"entry_id": entries_where(subject=aurora.id)[0].pk, "subject_id": aurora.id}


def _set_aside(aurora: Organisation) -> UUID:
    gateway(aurora).say(Lane.P0, raised(code="GAS-OF-AURORA"))
    with aurora.acting():
        return Quarantine.objects.get(tenant=aurora.id).pk


def _need(aurora: Organisation) -> UUID:
    with aurora.acting():
        return TaskNeed.objects.get(tenant=aurora.id).pk


def _draft(aurora: Organisation) -> UUID:
    partner = personas.organisation("Partner", "service_firm")
    window = (datetime.now(UTC), datetime.now(UTC) + timedelta(hours=1))
    clause = {"site": aurora.sites["north"], "permissions": ["view_alarms"], "during": window}
    with aurora.acting():
        return agreeing.draft_agreement(partner=partner.tenant, title="Draft", purpose="test", clauses=[clause]).pk


def _colleague(aurora: Organisation) -> UUID:
    with as_platform("tests", "admit a colleague"):
        user = User.objects.create_user(f"{new_id()}@example.com", personas.PASSWORD, name="Colleague")
        return tenancy.admit_member(tenant=aurora.tenant, user=user, roles=["viewer"]).pk


def _session(aurora: Organisation) -> int:
    """Where its user is signed in."""
    with as_platform("tests", "a session"):
        session = Session.objects.create(
            session_key=new_id().hex, session_data="", expire_date=datetime.now(UTC) + timedelta(hours=1)
        )
        about = {"user": aurora.user, "ip": "192.0.2.7", "user_agent": "Browser of Aurora"}
        return UserSession.objects.create(session_key=session.session_key, **about).pk

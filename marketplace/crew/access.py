"""Assignments, got and authorised in one step."""

from uuid import UUID

from marketplace.models import Assignment, ServiceTask, TaskNeed
from tenants.api import require
from tenants.data import NotFound


def get_own_assignment(assignment_id: UUID) -> Assignment:
    firm = require("use_resources")
    row = Assignment.objects.select_related("task", "booking").filter(pk=assignment_id).first()
    if row is None or row.tenant_id != firm.tenant_id:
        raise NotFound
    return row


def get_need(task: ServiceTask, need_id: UUID) -> TaskNeed:
    need = TaskNeed.objects.filter(pk=need_id, task=task).first()
    if need is None:
        raise NotFound("The task has no such need; read its needs again.")
    return need

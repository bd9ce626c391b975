"""Plans and instances as files over HTTP: fetch the documents, then make the file."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from optimization import access
from optimization.data import Plan, SolveOptions, SupplyChainInstance
from optimization.exchange.files import XLSX, ZIP, Fetched, LargeFileView
from optimization.exchange.parsers import BOUNDS
from optimization.exchange.serializers import TemplateSizeSerializer
from optimization.generator import generate
from optimization.instance_builder import build_instance, build_plan
from optimization.workbook.csv_tables import csv_bytes, instance_zip, zipped
from optimization.workbook.plan import plan_beside_instance, plan_bytes, plan_tables
from optimization.workbook.unfold import rows_of
from optimization.workbook.write import template_bytes
from tenants.data import Conflict
from tenants.rest.files import CSV, answers


class WorkbookTemplate(LargeFileView):
    needs = {"GET": "view_plans"}

    @extend_schema(parameters=[TemplateSizeSerializer], responses=answers(XLSX))
    def get(self, request: Request) -> Fetched:
        """A workbook of the wanted size with its names filled in and every number empty."""
        form = TemplateSizeSerializer(data=request.query_params)
        form.is_valid(raise_exception=True)
        sizes: dict[str, Any] = {f"n_{name}": size for name, size in form.validated_data.items()}
        return Fetched(lambda: template_bytes(generate(**sizes, seed=0)), XLSX, "plan-template.xlsx")


class InstanceFile(LargeFileView):
    """A file about the instance of a requested plan, and the plan if there is one."""

    needs = {"GET": "view_plans"}
    kind, suffix = XLSX, ".xlsx"

    def fetched(self, plan_id: UUID) -> Fetched:
        run = access.get_plan(plan_id)
        if run.joint_id is not None:
            raise Conflict("This is a plan of several organisations: fetch your share of it instead.")
        instance, options, plan = run.instance, run.options, run.plan
        self.require(plan, run.status)

        def make() -> bytes:
            built = None if plan is None else build_plan(plan)
            return self.file_of(build_instance(instance), SolveOptions(**options), built)

        return Fetched(make, self.kind, f"plan-{run.pk}{self.suffix}")

    def require(self, plan: Any, status: str) -> None:
        """Conflict where there is nothing to make the file of."""

    def file_of(self, instance: SupplyChainInstance, options: SolveOptions, plan: Any) -> bytes:
        raise NotImplementedError


class PlanFile(InstanceFile):
    """A file about the plan."""

    def require(self, plan: Any, status: str) -> None:
        if plan is None:
            raise Conflict(f"There is no plan to show: it is {status}.")


class PlanWorkbook(InstanceFile):
    @extend_schema(responses=answers(XLSX))
    def get(self, request: Request, plan_id: UUID) -> Fetched:
        """The instance, to be changed and sent again, and the plan, if there is one, on further sheets."""
        return self.fetched(plan_id)

    def file_of(self, instance: SupplyChainInstance, options: SolveOptions, plan: Plan | None) -> bytes:
        cells = sum(len(row) for rows in rows_of(instance, options).values() for row in rows)
        if cells > BOUNDS.cells:
            raise Conflict(f"The workbook would have {cells:,} cells, above {BOUNDS.cells:,}: fetch instance.zip.")
        return plan_beside_instance(instance, options, plan)


class InstanceZip(InstanceFile):
    kind, suffix = ZIP, "-instance.zip"

    @extend_schema(responses=answers(ZIP))
    def get(self, request: Request, plan_id: UUID) -> Fetched:
        """The tables of the workbook, each as a CSV, to be changed and sent again."""
        return self.fetched(plan_id)

    def file_of(self, instance: SupplyChainInstance, options: SolveOptions, plan: Plan | None) -> bytes:
        return instance_zip(instance, options)


class PlanZip(PlanFile):
    kind, suffix = ZIP, ".zip"

    @extend_schema(responses=answers(ZIP))
    def get(self, request: Request, plan_id: UUID) -> Fetched:
        """The plan's sheets of the workbook, each as a CSV: costs, cut-off calendar, mining, flows, stocks."""
        return self.fetched(plan_id)

    def file_of(self, instance: SupplyChainInstance, options: SolveOptions, plan: Plan) -> bytes:
        return zipped({name: csv_bytes(*table) for name, table in plan_tables(instance, plan).items()})


class PlanCsv(PlanFile):
    kind, suffix = CSV, ".csv"

    @extend_schema(responses=answers(CSV))
    def get(self, request: Request, plan_id: UUID) -> Fetched:
        """Every value of the plan that is not zero in one table, with its names, quantity and unit."""
        return self.fetched(plan_id)

    def file_of(self, instance: SupplyChainInstance, options: SolveOptions, plan: Plan) -> bytes:
        return plan_bytes(instance, plan, ".csv")

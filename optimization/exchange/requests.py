"""What a request for a plan says, whatever form its body has."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request

from optimization import access
from optimization.data import SolveOptions
from optimization.exchange.files import ZIP
from optimization.exchange.parsers import request_of, told_at_cells
from optimization.instance_builder import build_instance
from optimization.workbook.csv_tables import instance_tables, read_tables
from tenants.data import FieldError, Invalid, NotFound


def asked_of(request: Request) -> Any:
    """The body in its JSON form. Tables that a zip lacks are those of the plan that the address names as `base`."""
    if not str(request.content_type).startswith(ZIP):
        return request.data
    tables = request.data.get("tables", {})
    if base := request.query_params.get("base"):
        tables = {**_tables_of(base), **tables}
    with told_at_cells("The tables can't be read."):
        return request_of(*read_tables(tables))


def _tables_of(plan_id: str) -> dict[str, str]:
    try:
        run = access.get_plan(UUID(plan_id))
    except (ValueError, NotFound) as error:
        raise Invalid(
            "There is no such plan to build on.", (FieldError("/base", "name a plan of GET plans"),)
        ) from error
    if run.joint_id is not None:
        words = "is a plan of several organisations: name one of your own"
        raise Invalid("There is no instance to build on.", (FieldError("/base", words),))
    return instance_tables(build_instance(run.instance), SolveOptions(**run.options))

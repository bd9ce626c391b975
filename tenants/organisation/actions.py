"""Writes of the tree. Each runs in the caller's open transaction."""

from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import BaseConstraint, Model, ProtectedError, UniqueConstraint

from tenants import access
from tenants.data import Conflict, FieldError, Invalid, NotFound
from tenants.models import Company, Equipment, Process, Site, Tenant

# Bounds of one organisation's tree: the tree is read and drawn as a whole.
MOST_COMPANIES: Final = 200
MOST_SITES: Final = 2000
MOST_PROCESSES: Final = 5000


def add_company(*, code: str, name: str, parent: Company | None = None) -> Company:
    owner = access.require("manage")
    _refuse_more(Company, MOST_COMPANIES)
    return _kept(Company(tenant_id=owner.tenant_id, code=code, name=name, parent=parent))


def change_company(*, company: Company, **changes: Any) -> Company:
    """`code`, `name` and `parent`; a company can't be put below itself."""
    access.require("manage")
    above = changes.get("parent")
    while above is not None:
        if above.pk == company.pk:
            raise Invalid("A company can't be above itself.", (FieldError("/parent", "choose another company"),))
        above = above.parent
    return _changed(company, changes)


def remove_company(*, company: Company) -> None:
    """Only one that nothing belongs to."""
    access.require("manage")
    _remove(company, "Sites or companies belong to this company: move them first.")


def add_process(*, site: Site, code: str, name: str, kind: str) -> Process:
    owner = access.require("manage")
    _refuse_more(Process, MOST_PROCESSES)
    return _kept(Process(tenant_id=owner.tenant_id, site=site, code=code, name=name, kind=kind))


def change_process(*, process: Process, **changes: Any) -> Process:
    """`code`, `name` and `kind`; a process stays at its site."""
    access.require("manage")
    return _changed(process, changes)


def remove_process(*, process: Process) -> None:
    access.require("manage")
    _remove(process, "Equipment belongs to this process: move it first.")


def register_site(*, code: str, name: str, kind: str, **rest: Any) -> Site:
    """A site with the organisation's currency and time zone where none are given.

    `rest`: company, mine, time_zone, currency, country, units.
    """
    owner = access.require("manage")
    _refuse_more(Site, MOST_SITES)
    organisation = Tenant.objects.get(pk=owner.tenant_id)
    given = {"currency": organisation.currency, "time_zone": organisation.time_zone, **rest}
    return _kept(Site(tenant_id=owner.tenant_id, code=code, name=name, kind=kind, **given))


def change_site(*, site: Site, **changes: Any) -> Site:
    """`code`, `name`, `company`, `mine`, `time_zone`, `currency`, `country`, `units`; its kind stays."""
    access.require("manage")
    return _changed(site, changes)


def register_equipment(*, site: Site, code: str, name: str, kind: str, process: Process | None = None) -> Equipment:
    owner = access.require("manage")
    _refuse_foreign(process, site)
    return _kept(Equipment(tenant_id=owner.tenant_id, site=site, process=process, code=code, name=name, kind=kind))


def change_equipment(*, equipment: Equipment, **changes: Any) -> Equipment:
    """`code`, `name`, `kind` and `process`, which has to be one of the equipment's own site."""
    access.require("manage")
    _refuse_foreign(changes.get("process"), equipment.site)
    return _changed(equipment, changes)


def _refuse_foreign(process: Process | None, site: Site) -> None:
    if process is not None and process.site_id != site.pk:
        words = "choose a process of the equipment's own site"
        raise Invalid("This process is at another site than the equipment.", (FieldError("/process", words),))


def get_own_company(company_id: UUID, *, needs: str = "manage") -> Company:
    return _own(Company, company_id, needs)


def get_own_process(process_id: UUID, *, needs: str = "manage") -> Process:
    return _own(Process, process_id, needs)


def _own(model: Any, row_id: UUID, needs: str) -> Any:
    owner = access.require(needs)
    row = model.objects.filter(pk=row_id, tenant=owner.tenant_id).first()
    if row is None:
        raise NotFound
    return row


def _refuse_more(model: Any, most: int) -> None:
    if model.objects.filter(tenant=access.actor().tenant_id).count() >= most:
        raise Conflict(f"An organisation has at most {most} {model._meta.verbose_name_plural}.")


def _changed(row: Any, changes: dict[str, Any]) -> Any:
    for name, value in changes.items():
        setattr(row, name, value)
    return _kept(row)


def _kept(row: Any) -> Any:
    """The row, written; what is wrong with it is said in the model's own words before the database would refuse it."""
    try:
        row.clean_fields()
        row.clean()
    except ValidationError as error:
        wrong = tuple(FieldError(f"/{name}", " ".join(words)) for name, words in error.message_dict.items())
        raise Invalid("Some values are not acceptable.", wrong) from error
    for constraint in row._meta.constraints:
        _hold_to(row, constraint)
    row.save()
    return row


def _hold_to(row: Model, constraint: BaseConstraint) -> None:
    try:
        constraint.validate(type(row), row)
    except ValidationError as error:
        refusal = Conflict if isinstance(constraint, UniqueConstraint) else Invalid
        raise refusal(" ".join(error.messages)) from error


def _remove(row: Any, words: str) -> None:
    try:
        row.delete()
    except ProtectedError as error:
        raise Conflict(words) from error

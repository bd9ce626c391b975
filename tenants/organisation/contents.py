"""What an organisation owns, table by table, as an archive holds it: worked out from the models, so that a new table is
in it unless it is named here with a reason."""

from dataclasses import dataclass, field
from typing import Any, Final

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db.models import ForeignKey, Model

from tenants.models import Tenant, TenantForeignKey

# Tables that stay behind.
LEFT_OUT: Final = {
    "tenants.ApiKey": "secrets: programs get new keys",
    "tenants.Invitation": "secrets: invitations are sent anew",
    "marketplace.CalendarAddress": "secrets: members make new addresses",
    "tenants.FeedTicket": "secrets, and valid for seconds",
    "tenants.IdempotencyKey": "answers to requests of the last two days",
    "tenants.FeedEvent": "what was told, most of it about rows that are here; cursors are void in another system",
    "tenants.FeedHead": "the end of the feed, which begins anew",
    "tenants.FeedReceipt": "how far members had the feed, whose cursors are void in another system",
    "tenants.Webhook": "secrets: receivers are told anew",
    "tenants.WebhookDelivery": "what was posted from this system",
    "tenants.LedgerHead": "the end of the ledger, which follows its entries",
    "tenants.UsageHour": "sums of usage events, made anew",
    "marketplace.ReactionSwitch": "how far its feed was looked at: reactions are switched on anew",
    "marketplace.Watch": "what was last told of rules of acceptance: told anew",
    "marketplace.Reference": "copies of what buyers said of it, which are theirs to hold",
    "tenants.Export": "archives of this system",
    "tenants.Closure": "the wish to close it in this system",
}
# Columns that stay behind, and what stands there after an import; None: what the database puts there itself.
WITHHELD: Final[dict[tuple[str, str], str | None]] = {
    ("edge_bridge.Device", "secret_hash"): "'imported ' || (j->>'id')",
    ("tenants.UsageEvent", "written_in"): None,
}
# Where the key is not the order of the rows.
ORDERED_BY: Final = {"tenants.LedgerEntry": ("seq",)}
# Rows of tables that are nobody's and that rows of an organisation refer to: (table, condition).
SHARED_ROWS: Final = (
    (
        "tenants_rateplan",
        "id IN (SELECT plan_id FROM tenants_statement WHERE tenant_id = %(tenant)s"
        " UNION SELECT plan_id FROM tenants_rateassignment WHERE tenant_id = %(tenant)s)",
    ),
    (
        "tenants_rate",
        "plan_id IN (SELECT plan_id FROM tenants_statement WHERE tenant_id = %(tenant)s"
        " UNION SELECT plan_id FROM tenants_rateassignment WHERE tenant_id = %(tenant)s)",
    ),
)
GROUP_NAME = "(SELECT g.name FROM auth_group g WHERE g.id = t.{column})"
PERMISSION_NAME = (
    "(SELECT c.app_label || '.' || c.model || '.' || p.codename FROM auth_permission p"
    " JOIN django_content_type c ON c.id = p.content_type_id WHERE p.id = t.{column})"
)
GROUP_ID = "(SELECT g.id FROM auth_group g WHERE g.name = j->>'{column}')"
PERMISSION_ID = (
    "(SELECT p.id FROM auth_permission p JOIN django_content_type c ON c.id = p.content_type_id"
    " WHERE c.app_label || '.' || c.model || '.' || p.codename = j->>'{column}')"
)


@dataclass(frozen=True, slots=True)
class Column:
    """`taken`: SQL that reads it from row `t`. `given`: SQL that makes it from the JSON object `j`, else copied."""

    name: str
    taken: str
    given: str = ""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A reference to a row of the organisation that `owner_column` names, where that may be another one."""

    column: str
    owner_column: str
    table: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table of rows of organisations."""

    label: str
    name: str
    columns: tuple[Column, ...]
    order: tuple[str, ...]
    elsewhere: tuple[Elsewhere, ...] = ()
    users: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    withheld: dict[str, str | None] = field(default_factory=dict)

    @property
    def abroad(self) -> str:
        """SQL: row `t` refers to another organisation's row, which an archive can't hold."""
        return " OR ".join(
            f"(t.{each.column} IS NOT NULL AND t.{each.owner_column} <> t.tenant_id)" for each in self.elsewhere
        )

    def rows_as_json(self, condition: str = "true") -> str:
        """SQL of the organisation's rows in their order, each as one line of JSON; takes `%(tenant)s`."""
        columns = ", ".join(f"{column.taken} AS {column.name}" for column in self.columns)
        order = ", ".join(f"r.{name}" for name in self.order)
        inner = f"SELECT {columns} FROM {self.name} t WHERE t.tenant_id = %(tenant)s AND ({condition})"
        return f"SELECT row_to_json(r)::text FROM ({inner}) r ORDER BY {order}"


def owned_models() -> list[type[Model]]:
    """Every model whose rows belong to an organisation, by label."""
    return sorted(
        (model for model in apps.get_models(include_auto_created=True) if _belongs(model)),
        key=lambda model: model._meta.label,
    )


def _belongs(model: type[Model]) -> bool:
    found = [field for field in model._meta.local_fields if field.name == "tenant"]
    return bool(found) and isinstance(found[0], ForeignKey) and found[0].remote_field.model is Tenant


def tables() -> list[Table]:
    """What an archive holds, by label."""
    return [table_of(model) for model in owned_models() if model._meta.label not in LEFT_OUT]


def table_of(model: type[Model]) -> Table:
    meta = model._meta
    withheld = {name: given for (label, name), given in WITHHELD.items() if label == meta.label}
    stored = [each for each in meta.local_concrete_fields if each.column and not getattr(each, "generated", False)]
    fields = [each for each in stored if each.column not in withheld]
    names = tuple(str(each.column) for each in fields)
    key = ("id",) if "id" in names else names
    return Table(
        label=meta.label,
        name=meta.db_table,
        columns=tuple(_column(each) for each in fields),
        order=ORDERED_BY.get(meta.label, key),
        elsewhere=tuple(_elsewhere(model, each) for each in fields if _may_be_abroad(each)),
        users=_referring(fields, "tenants.User"),
        tenants=_referring(fields, "tenants.Tenant"),
        withheld=withheld,
    )


def _column(stored: Any) -> Column:
    """Groups and permissions are numbered by each database for itself, so they travel by name."""
    name = str(stored.column)
    target = stored.remote_field.model if stored.remote_field else None
    if target is Group:
        return Column(name, GROUP_NAME.format(column=name), GROUP_ID.format(column=name))
    if target is Permission:
        return Column(name, PERMISSION_NAME.format(column=name), PERMISSION_ID.format(column=name))
    return Column(name, f"t.{name}")


def _may_be_abroad(stored: Any) -> bool:
    return isinstance(stored, TenantForeignKey) and stored.tenant_field != "tenant"


def _elsewhere(model: type[Model], stored: Any) -> Elsewhere:
    owner = str(model._meta.get_field(stored.tenant_field).column)
    return Elsewhere(str(stored.column), owner, stored.remote_field.model._meta.db_table)


def _referring(fields: list[Any], label: str) -> tuple[str, ...]:
    return tuple(
        str(each.column) for each in fields if each.remote_field and each.remote_field.model._meta.label == label
    )

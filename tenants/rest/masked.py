"""Rows of which an agreement may hide fields: these are null, and named in `masked`."""

from typing import Any, TypeVar

from rest_framework import serializers

from tenants.models.shared import SharedModel

Row = TypeVar("Row", bound=SharedModel)


class MaskedSerializer(serializers.ModelSerializer[Row]):
    masked = serializers.SerializerMethodField(help_text="Fields that the agreement hides; they are null.")

    def get_masked(self, row: Row) -> list[str]:
        """And what is left out though nothing of the row that it tells is named."""
        words = (name for name, of in row.tells.items() if name in row.left_out and set(of).isdisjoint(row.masked))
        return [*row.masked, *words]


def nullable(model: type[SharedModel], *names: str) -> dict[str, Any]:
    """`extra_kwargs` of fields that may be hidden, so that the schema says so."""
    assert set(names) <= set(model.maskable)
    return {name: {"allow_null": True} for name in names}


def refuse_null(value: str | None) -> str:
    """Null is only an answer: what is hidden. Nobody can set it."""
    if value is None:
        raise serializers.ValidationError("This field may not be null.")
    return value

"""What is asked of files over HTTP."""

from typing import Any

from rest_framework import serializers

# Beyond it the largest template would take a second to make, and nobody to fill in.
MAX_ROWS = 10_000


class TemplateSizeSerializer(serializers.Serializer[Any]):
    mines = serializers.IntegerField(default=2, min_value=1, max_value=200)
    centres = serializers.IntegerField(default=1, min_value=1, max_value=100)
    users = serializers.IntegerField(default=1, min_value=1, max_value=200)
    periods = serializers.IntegerField(default=4, min_value=1, max_value=100)
    locations = serializers.IntegerField(default=2, min_value=1, max_value=50)
    cutoffs = serializers.IntegerField(default=2, min_value=1, max_value=20)

    def validate(self, attrs: dict[str, int]) -> dict[str, int]:
        options, lanes = attrs["locations"] * attrs["cutoffs"], attrs["centres"] + attrs["users"]
        rows = attrs["periods"] * (attrs["mines"] * (options + lanes + 1) + attrs["centres"] * (attrs["users"] + 1))
        if rows > MAX_ROWS:
            raise serializers.ValidationError(f"makes {rows:,} rows, above {MAX_ROWS:,}: begin smaller and add rows")
        return attrs


class WorkbookFormSerializer(serializers.Serializer[Any]):
    workbook = serializers.FileField(help_text="An .xlsx as plans/workbook-template has it.")
    name = serializers.CharField(max_length=200, required=False, help_text="Instead of the workbook's.")
    grade_set = serializers.UUIDField(required=False)

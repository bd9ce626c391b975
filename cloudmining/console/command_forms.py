"""What a person fills in to say which commands there are."""

from typing import Any

from django import forms

from edge_bridge.commands.api import Zone
from edge_bridge.commands.data import MAX_INTERLOCKS
from edge_bridge.protocol import MAX_NAME_CHARS

MAX_KIND_CHARS = 40
TWO = "two"
ZONES = [(str(Zone.SITE), "at the site"), (str(Zone.PROCESS), "in the machine's process")]


class CommandTypeForm(forms.Form):
    """`cleaned_data` is what `make_command_type` takes; the action checks ranges."""

    name = forms.CharField(max_length=MAX_NAME_CHARS, label="Name, such as switch")
    equipment_kind = forms.CharField(max_length=MAX_KIND_CHARS, label="For machines of the kind, such as fan")
    tag = forms.CharField(max_length=MAX_NAME_CHARS, label="Sets the tag")
    unit = forms.CharField(max_length=MAX_NAME_CHARS, label="Unit (UCUM code)", required=False)
    min_value = forms.FloatField(label="Lowest value")
    max_value = forms.FloatField(label="Highest value")
    read_back_tag = forms.CharField(max_length=MAX_NAME_CHARS, label="Read back at the tag")
    tolerance = forms.FloatField(label="Tolerance of what is read back", initial=0)
    settles_s = forms.IntegerField(label="Shows within, s", initial=60)
    expires_s = forms.IntegerField(label="A command waits at most, s", initial=300)
    interlock_alarms = forms.CharField(
        max_length=MAX_INTERLOCKS * MAX_NAME_CHARS,
        label="Refused while an alarm of one of these types is open (with commas)",
        required=False,
    )
    interlock_zone = forms.ChoiceField(label="Where such an alarm counts", choices=ZONES)
    needs_two_persons = forms.TypedChoiceField(
        label="Approved by", choices=[(TWO, "somebody else than who asks"), ("one", "who asks")], coerce=TWO.__eq__
    )

    def clean_interlock_alarms(self) -> list[str]:
        names = [name.strip() for name in self.cleaned_data["interlock_alarms"].split(",") if name.strip()]
        if any(len(name) > MAX_NAME_CHARS for name in names):
            raise forms.ValidationError(f"at most {MAX_NAME_CHARS} characters each")
        return names

    def add_refusal(self, words: str, errors: Any) -> None:
        """Beside the fields they speak of."""
        for error in errors:
            self.add_error(error.pointer.strip("/"), error.message)
        if not errors:
            self.add_error(None, words)

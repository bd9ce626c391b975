"""One question after another, and what is wrong with the answers."""

import io
import json
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Model
from django.http import HttpResponse
from django.urls import resolve

from tenants.models import new_id
from tests.personas import Organisation
from tests.sweep.identities import Identity
from tests.sweep.operations import IdParameter, Operation, body_of

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NO_NUMBER = "987654321"
# Which organisations are listed is known to all, and everybody has months.
PUBLIC = {"partner", "tenant", "reader", "participant", "owner", "invited", "month"}


@dataclass
class Sweep:
    """Asks everything of `operations` with Aurora's ids and gathers what was covered and what leaked."""

    owner: Organisation
    rows: dict[str, list[Model]]
    secrets: dict[str, str]
    ids: dict[str, str]
    probes: int = 0
    operations: set[str] = field(default_factory=set)
    parameters: set[tuple[str, IdParameter]] = field(default_factory=set)
    leaks: list[str] = field(default_factory=list)

    def run(self, identity: Identity, operations: Iterable[Operation]) -> None:
        known = identity.may_know(self.owner, self.rows)
        for operation in operations:
            if identity.own and _capability(operation, self.ids) in (None, "view_registry"):
                continue  # open to this key, or takes a credential of another kind
            answer = self._ask(identity, operation, self.ids)
            self.operations.add(operation.operation_id)
            self._judge(identity, operation, answer, known)
            for choice in operation.choices:
                self._judge(identity, operation, self._ask(identity, operation, self.ids, choice), known)
            if identity.is_like_absent:
                self._compare_with_absent(identity, operation, answer)

    def _judge(self, identity: Identity, operation: Operation, answer: HttpResponse, known: set[str]) -> None:
        where = f"{identity.name}: {operation}: {answer.status_code}"
        if answer.status_code >= 500:
            self.leaks.append(f"{where}: our mistake")
        if identity.organisation is None and operation.needs_identity and answer.status_code != 401:
            self.leaks.append(f"{where}: answered without an identity")
        if identity.own and answer.status_code not in (401, 403):
            self.leaks.append(f"{where}: answered beyond the key's scopes")
        self.search(where, _text(answer), known)

    def search(self, where: str, text: str, known: set[str]) -> None:
        """A leak for each id or word of Aurora's in the text, but those known and those that we asked with."""
        for word in sorted(self._found_in(text) - known - set(self.ids.values())):
            self.leaks.append(f"{where}: shows {self.secrets[word]} {word!r}")

    def _compare_with_absent(self, identity: Identity, operation: Operation, answer: HttpResponse) -> None:
        """A stranger must not even learn whether an object exists."""
        for parameter in operation.ids:
            self.parameters.add((operation.operation_id, parameter))
            if parameter.name in PUBLIC:
                continue
            other = str(new_id()) if UUID.fullmatch(self.ids[parameter.name]) else NO_NUMBER
            absent = self._ask(identity, operation, {**self.ids, parameter.name: other})
            if _shape(answer) != _shape(absent):
                self.leaks.append(
                    f"{identity.name}: {operation}: {parameter.where} {parameter.name}: existing and absent differ: "
                    f"{answer.status_code} {_text(answer)[:150]} / {absent.status_code} {_text(absent)[:150]}"
                )

    def _ask(self, identity: Identity, operation: Operation, ids: dict[str, str], choice: str = "") -> HttpResponse:
        self.probes += 1
        path = re.sub(r"{(\w+)}", lambda match: ids[match[1]], operation.path)
        query = [f"{p.name}={ids[p.name]}" for p in operation.ids if p.where == "query" and not choice]
        path += "?" + "&".join([*query, choice])
        body = json.dumps(body_of(operation.body, ids)) if operation.body else ""
        return identity.client.generic(
            operation.method.upper(), path, body, content_type="application/json", **identity.headers
        )

    def _found_in(self, text: str) -> set[str]:
        tokens = set(UUID.findall(text))
        words = {word for word in self.secrets if word in text and _stands_alone(word, text)}
        return (tokens & self.secrets.keys()) | words


def _stands_alone(word: str, text: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


def _text(answer: HttpResponse) -> str:
    """The answer's words, those inside an archive or a workbook too."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    parts = [body]
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            parts = [archive.read(name) for name in archive.namelist()]
    return b"\n".join(parts).decode(errors="replace") + json.dumps(dict(answer.headers))


def _shape(answer: HttpResponse) -> tuple[int, str]:
    """Without what differs from one question to the next: ids, and the second of the answer that packages bear."""
    text = re.sub(r'"publishedDate":"[^"]*"', "", answer.content.decode(errors="replace"))
    return answer.status_code, UUID.sub("…", text).replace(NO_NUMBER, "1")


def _capability(operation: Operation, ids: dict[str, str]) -> str | None:
    path = re.sub(r"{(\w+)}", lambda match: ids[match[1]], operation.path)
    view = resolve(path).func.view_class
    return getattr(view, "needs", {}).get(operation.method.upper())

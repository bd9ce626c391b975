"""The first operator of a deployment."""

import re
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from tests.functional.console.second_factor import code_of


def test_operator_made_by_the_command_opens_the_platform():
    email, said = f"{uuid4().hex}@example.com", StringIO()
    call_command("make_operator", email, name="Opal", stdout=said)
    password = re.search(r"Password:\s+(\S+)", said.getvalue())[1]
    secret = re.search(r"secret=(\w+)", said.getvalue())[1]
    client = Client()
    client.post("/login", {"login": email, "password": password})
    client.post("/account/second-factor/enter", {"code": code_of(secret)})
    client.post("/platform/login/", {"reason": "first look"})
    assert client.get("/platform/").status_code == 200
    with pytest.raises(CommandError, match="exists already"):
        call_command("make_operator", email, name="Opal", stdout=said)


def test_address_that_is_none_is_refused():
    with pytest.raises(CommandError, match="no address"):
        call_command("make_operator", "opal", name="Opal", stdout=StringIO())

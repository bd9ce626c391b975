"""The ledger's pages: what was decided is found, followed and taken home as a proof."""

from io import BytesIO
from uuid import uuid4

import pytest

from tenants.api import feed_head
from tenants.ledger.actions import enter
from tenants.ledger.verify_bundle import check_bundle
from tenants.models import Membership
from tests.functional.console.scenes import sign_in
from tests.integration.tenants.ledger_scenes import SUBJECT, meeting_chains


@pytest.fixture(scope="module")
def parties():
    return meeting_chains()


@pytest.fixture(scope="module")
def member(parties):
    return sign_in(parties[0])


def text_of(client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def test_list_says_what_was_decided_and_with_whom(parties, member):
    page = text_of(member, "/ledger")
    assert page.index('id="entry-12"') < page.index('id="entry-1"')
    assert "Test entered" in page and "Borealis" in page and "Aurora owner" in page
    assert "Test other" not in page
    about = text_of(member, f"/ledger?subject={SUBJECT}")
    assert about.count('id="entry-') == 4
    assert "Nothing was entered of this yet" in text_of(member, "/ledger?kind=no.such")


def test_page_follows_the_feed_from_its_end(parties, member):
    with parties[0].acting():
        head = feed_head()
    assert f'data-epoch="{head.epoch}" data-cursor="{head.seq}"' in text_of(member, "/ledger")


def test_chain_is_verified_on_the_page(member):
    page = text_of(member, "/ledger?check=0")
    assert "Entries 1 to 12 are as they were made." in page
    assert "Entry 99 is broken:</strong> it is missing" in text_of(member, "/ledger?check=99")


def test_entry_shows_its_place_in_the_chain_and_the_link_of_the_other(parties, member):
    newest = member.get("/ledger").context_data["rows"][0].entry
    page = text_of(member, f"/ledger/{newest.pk}")
    for word in (newest.hash, newest.prev_hash, newest.digest, newest.others[0], "Link of Borealis", "Grade é"):
        assert word in page
    assert sign_in(parties[1]).get(f"/ledger/{newest.pk}").status_code == 404


def test_entry_leads_to_what_it_names_and_shows_as_it_is_what_is_no_id(borealis):
    task = uuid4()
    with borealis.acting():
        enter(
            kind="test.entered", subject=task, payload={"task": task, "contract": "none yet", "firm_name": "Borealis"}
        )
    client = sign_in(borealis)
    page = text_of(client, f"/ledger/{client.get('/ledger').context_data['rows'][0].entry.pk}")
    assert f'href="/tasks/{task}"' in page and "none yet" in page and 'href="/contracts/' not in page
    assert "<dt>firm name</dt>" in page


def test_bundles_are_saved_and_sound(member):
    for address in ("/ledger/bundle.zip", f"/ledger/about/{SUBJECT}.zip"):
        answer = member.get(address)
        assert answer["Content-Type"] == "application/zip"
        check_bundle(BytesIO(b"".join(answer.streaming_content)))
    assert member.get(f"/ledger/about/{uuid4()}.zip").status_code == 404


def test_older_entries_are_on_the_next_page(borealis):
    for n in range(27):
        with borealis.acting():
            enter(kind="test.entered", subject=uuid4(), payload={"n": n})
    client = sign_in(borealis)
    assert text_of(client, "/ledger").count('id="entry-') == 25
    assert text_of(client, "/ledger?before=3").count('id="entry-') == 2


@pytest.mark.parametrize("query", ["check=x", "check=-1", "before=²", "check=" + "9" * 40, "subject=x"])
def test_address_that_makes_no_sense_is_not_found(member, query):
    assert member.get(f"/ledger?{query}").status_code == 404


def test_viewer_neither_sees_the_tab_nor_the_page(cassia):
    with cassia.acting():
        Membership.objects.filter(user=cassia.user).update(roles=["viewer"])
    client = sign_in(cassia)
    assert client.get("/ledger").status_code == 403
    assert 'href="/ledger"' not in text_of(client, "/")

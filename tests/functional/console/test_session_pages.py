"""Remote sessions on the page of their contract: each side works them with the forms of its own."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tenants.models import Membership
from tests.functional.console.scenes import HOSTILE, sign_in
from tests.functional.console.test_console import text
from tests.functional.console.test_plan_pages import page_of
from tests.integration.marketplace.contract_scenes import written
from tests.integration.marketplace.firms import welders


def steps_on(page):
    return set(re.findall(r"/sessions/[\w-]+/steps/([\w-]+)", page))


def take(client, address, step, **given):
    """The form's answer with the session's version that the page shows."""
    form = re.search(
        rf'action="(/sessions/[\w-]+/steps/{step})".*?name="version" value="(\d+)"', page_of(client, address)
    )
    return client.post(form[1], {"version": form[2], **given})


def local(party, at):
    return at.astimezone(ZoneInfo(party.tenant.time_zone)).strftime("%Y-%m-%dT%H:%M")


def test_session_is_booked_held_and_accepted_by_the_forms_of_both_sides(aurora, borealis, cassia):
    contract, people = written(aurora, borealis), welders(borealis)
    address, book = f"/contracts/{contract.pk}", f"/contracts/{contract.pk}/sessions"
    buyer, firm = sign_in(aurora), sign_in(borealis)
    assert f'href="{book}"' in page_of(firm, address) and book not in page_of(buyer, address)
    assert sign_in(cassia).get(book).status_code == buyer.get(book).status_code == 404
    now = datetime.now(UTC)
    said = {"person": str(people.wei.pk), "subject": HOSTILE, "ceiling_min": "30"}
    said |= {"from_at": local(borealis, now), "to_at": local(borealis, now + timedelta(hours=1))}
    refused = firm.post(book, said)
    assert refused.status_code == 422 and "your rate card has no minute or hour" in text(refused.content)
    assert firm.post(book, said | {"rate_minor": "2.50"}).status_code == 302
    page = page_of(buyer, address)
    assert HOSTILE not in page and "2.50 USD a minute, at most 30 min = 75.00 USD" in text(page.encode())
    assert "Wei Chen" in page and steps_on(page) == {"confirm", "cancel"}
    assert steps_on(page_of(firm, address)) == {"cancel"}
    assert take(buyer, address, "confirm").status_code == 302
    assert take(firm, address, "start").status_code == 302
    assert steps_on(page_of(firm, address)) == {"stop", "note"} and steps_on(page_of(buyer, address)) == set()
    assert take(firm, address, "note", words="second harmonic", looked_at="vibration").status_code == 302
    note = re.search(r'name="note" value="([\w-]+)"', page_of(firm, address))[1]
    assert take(firm, address, "reverse", note=note, reason="first harmonic").status_code == 302
    assert "(reversed)" in page_of(buyer, address)
    assert take(firm, address, "stop", result="replace it").status_code == 302
    assert steps_on(page_of(buyer, address)) == {"accept", "object"}
    assert take(firm, address, "correct", minutes="0", reason="as a courtesy").status_code == 302
    assert take(buyer, address, "object", reason="why?").status_code == 302
    assert take(firm, address, "correct", minutes="1", reason="it was a minute").status_code == 302
    assert take(buyer, address, "accept").status_code == 302
    done = page_of(firm, address)
    assert "1 min × 2.50 USD = 2.50 USD" in text(done.encode()) and steps_on(done) == set()
    assert "Session 1:" in text(done.encode()) and "style=" not in done
    assert "Session 1" not in buyer.get(f"{address}/progress.csv").content.decode()
    assert b"1,250" in buyer.get(f"/api/v1/contracts/{contract.pk}/statement.csv").content


def test_dispatcher_cancels_by_the_form_what_they_booked(aurora, borealis):
    contract, people = written(aurora, borealis), welders(borealis)
    with borealis.acting():
        Membership.objects.filter(user=borealis.user).update(roles=["dispatcher"])
    address, firm, now = f"/contracts/{contract.pk}", sign_in(borealis), datetime.now(UTC)
    said = {"person": str(people.wei.pk), "subject": "x", "ceiling_min": "30", "rate_minor": "1"}
    said |= {"from_at": local(borealis, now), "to_at": local(borealis, now + timedelta(hours=1))}
    assert firm.post(f"{address}/sessions", said).status_code == 302
    assert steps_on(page_of(firm, address)) == {"cancel"}
    assert take(firm, address, "cancel", reason="ill").status_code == 302
    assert steps_on(page_of(firm, address)) == set()


def test_page_of_a_session_that_was_left_open_changes_nothing(aurora, borealis):
    contract, people = written(aurora, borealis), welders(borealis)
    address, firm, buyer = f"/contracts/{contract.pk}", sign_in(borealis), sign_in(aurora)
    now = datetime.now(UTC)
    said = {"person": str(people.wei.pk), "subject": "x", "ceiling_min": "30", "rate_minor": "1"}
    said |= {"from_at": local(borealis, now), "to_at": local(borealis, now + timedelta(hours=1))}
    assert firm.post(f"{address}/sessions", said).status_code == 302
    form = re.search(r'action="(/sessions/[\w-]+/steps/)confirm"', page_of(buyer, address))[1]
    assert take(buyer, address, "confirm").status_code == 302
    stale = buyer.post(f"{form}cancel", {"version": "1", "reason": "no"})
    assert stale.status_code == 409 and "changed since it was read" in text(stale.content)
    assert buyer.post(f"{form}gossip", {"version": "2"}).status_code == 404
    assert buyer.post(f"{form}cancel", {"reason": "no"}).status_code == 422

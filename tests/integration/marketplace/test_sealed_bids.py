"""Sealed bids against somebody who has the whole database: nothing is read before the opening, no change is unseen."""

import json
from secrets import randbelow, token_hex

import pytest
from django.apps import apps

from marketplace.access import get_own_task
from marketplace.actions import cancel_task
from marketplace.bids import access, actions, queries, sweeping
from marketplace.bids.data import BidContent
from marketplace.bids.sealing import commitment_of, receipt_text, seal
from tenants.data import Conflict, Invalid
from tests.integration.marketplace.bid_scenes import (
    CONTENT,
    PASSPHRASE,
    awarded,
    bodies,
    colleague,
    conclude,
    deadline_over,
    evaluating,
    opened,
    placed,
    quotation,
    seen,
    standstill_over,
    superuser,
    tender,
)
from tests.integration.marketplace.scenes import state_of

VERSION = "UPDATE marketplace_bidversion SET {} WHERE bid_id = %s"


def everything(about: str = "") -> str:
    """Every row of every table (whose name begins so) as text, past the wall."""
    models = apps.get_models(include_auto_created=True)
    tables = sorted({name for model in models if (name := model._meta.db_table).startswith(about)})
    statement = " UNION ALL ".join(f"SELECT t::text FROM {table} t" for table in tables)
    return "\n".join(text for (text,) in superuser(statement, dump=True))


def closed(aurora, *firms):
    task = tender(aurora)
    receipts = [placed(firm, task) for firm in firms]
    deadline_over(task)
    return task, receipts


def faults(aurora, receipts):
    return [seen(aurora, receipt.bid).newest.fault for receipt in receipts]


def test_price_and_words_are_nowhere_in_the_database_before_the_opening(aurora, borealis):
    task, method = tender(aurora), f"We lift it by {token_hex(8)}."
    price = 10**14 + randbelow(10**14)
    receipt = placed(borealis, task, price_minor=price, method=method)
    kept = everything()
    assert receipt.version.commitment in kept  # so the rows were read
    for word in (str(price), method, json.loads(receipt.text)["nonce"], f"{PASSPHRASE} {aurora.user.pk}"):
        assert word not in kept
        assert word.encode().hex() not in kept
    deadline_over(task)
    opened(aurora, task)
    assert str(price) in everything("marketplace_bid")


def test_bids_open_with_the_passphrase_of_every_needed_opener_and_not_before(aurora, borealis):
    second, third = colleague(aurora), colleague(aurora)
    task = tender(aurora, [aurora, second, third], openers_needed=2)
    receipt = placed(borealis, task)
    deadline_over(task)
    opened(third, task)
    assert state_of(task, aurora) == "sealed_closed"
    assert (seen(aurora, receipt.bid).state, seen(aurora, receipt.bid).content) == ("submitted", None)
    with pytest.raises(Conflict, match="given your part"):
        opened(third, task)
    opened(aurora, task)
    bid = seen(aurora, receipt.bid)
    assert (state_of(task, aurora), bid.state, bid.content, bid.newest.text) == (
        *("opened", "opened", CONTENT),
        receipt.text,
    )
    assert [body["fault"] for body in bodies(borealis, "bid.opened")] == [""]
    with pytest.raises(Conflict, match="is opened"):
        opened(second, task)


def test_one_openers_share_is_of_no_use_alone(aurora, borealis):
    """What the database holds after the first of two parts does not make the key."""
    task, method = tender(aurora, [aurora, colleague(aurora)]), f"We lift it by {token_hex(8)}."
    placed(borealis, task, method=method)
    deadline_over(task)
    opened(aurora, task)
    assert method not in everything("marketplace_")


def test_bids_stay_shut_before_the_deadline_and_to_whoever_is_no_opener(aurora, borealis):
    task = tender(aurora)
    placed(borealis, task)
    with pytest.raises(Conflict, match="once the bidding is closed"):
        opened(aurora, task)
    deadline_over(task)
    with pytest.raises(Conflict, match="no opener"):
        opened(colleague(aurora), task)
    with pytest.raises(Invalid, match="not the passphrase"):
        opened(aurora, task, "some other words")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("sealed = jsonb_set(sealed, '{text}', '\"00\"')", "the sealed text was altered"),
        ("sealed = jsonb_set(sealed, '{text}', to_jsonb(reverse(sealed->>'text')))", "the sealed text was altered"),
        ("sealed = '{}'", "a sealed share was altered"),
        ("commitment = repeat('a', 64)", "does not fit the commitment"),
        ("text = 'forged'", "written before the opening"),
    ],
)
def test_altered_bid_is_found_at_the_opening_by_name(aurora, borealis, cassia, change, fault):
    task, receipts = closed(aurora, borealis, cassia)
    assert superuser(VERSION.format(change), receipts[0].bid.pk) == 1
    opened(aurora, task)
    found, other = faults(aurora, receipts)
    assert fault in found and other == ""
    told = {body["firm_name"]: body["fault"] for body in bodies(aurora, "bid.opened")}
    assert fault in told["Borealis"] and told["Cassia"] == ""
    assert bodies(borealis, "bid.opened")[0]["fault"] == found
    with aurora.acting():
        assert [row.bid.firm_name for row in queries.comparison(get_own_task(task.pk))] == ["Cassia"]


def forged_index(index):
    """In every share of the bid, also of who does not open it."""
    return (
        "sealed = jsonb_set(sealed, '{shares}', (SELECT jsonb_object_agg(key, jsonb_set(value, '{index}', "
        f"'{index}')) FROM jsonb_each(sealed->'shares')))"
    )


@pytest.mark.parametrize("index", ["1", "-1", "0", "21", "1.0", '"one"', "true", "null", "[]", "1e40"])
def test_index_that_was_changed_is_a_fault_of_that_bid_alone(aurora, borealis, cassia, index):
    second, third = colleague(aurora), colleague(aurora)
    task = tender(aurora, [aurora, second, third], openers_needed=2)
    receipts = [placed(firm, task) for firm in (borealis, cassia)]
    deadline_over(task)
    assert superuser(VERSION.format(forged_index(index)), receipts[0].bid.pk) == 1
    for opener in (second, third):
        opened(opener, task)
    found, other = faults(aurora, receipts)
    assert ("altered" in found, other, state_of(task, aurora)) == (True, "", "opened")


def test_share_of_who_does_not_open_is_held_against_the_ledger_too(aurora, borealis):
    """What the ledger takes no digest of is as altered as what has another."""
    task = tender(aurora, [aurora, colleague(aurora)], openers_needed=1)
    receipt = placed(borealis, task)
    deadline_over(task)
    with aurora.acting():
        other = queries.openers(task.pk)[1].pk
    superuser(VERSION.format(f"sealed = jsonb_set(sealed, '{{shares,{other},index}}', '1.5')"), receipt.bid.pk)
    opened(aurora, task)
    assert "sealed anew" in faults(aurora, [receipt])[0]


def half_opened(aurora, borealis):
    """A tender with one bid, for which the first of two openers has given a part; the second opener, the receipt."""
    second = colleague(aurora)
    task = tender(aurora, [aurora, second])
    receipt = placed(borealis, task)
    deadline_over(task)
    opened(aurora, task)
    return task, second, receipt


@pytest.mark.parametrize(
    "shares",
    [
        *('[1, "no hex"]', '[1, "00"]', '[-1, "00112233445566778899aabbccddeeff"]', "[1]", '{"a": 1}', "null", "7"),
        '[1.0, "00112233445566778899aabbccddeeff"]',
    ],
)
def test_part_of_an_opener_that_was_changed_is_a_fault(aurora, borealis, shares):
    task, second, receipt = half_opened(aurora, borealis)
    superuser(f"UPDATE marketplace_opening SET shares = jsonb_build_object('{receipt.version.pk}', '{shares}'::jsonb)")
    opened(second, task)
    assert "altered" in faults(aurora, [receipt])[0]


@pytest.mark.parametrize("shares", ["null", "[]", "7", '"x"'])
def test_parts_that_are_no_mapping_are_a_fault(aurora, borealis, shares):
    task, second, receipt = half_opened(aurora, borealis)
    superuser(f"UPDATE marketplace_opening SET shares = '{shares}'")
    opened(second, task)
    assert "altered" in faults(aurora, [receipt])[0]


def test_bids_swapped_between_two_firms_are_both_found(aurora, borealis, cassia):
    task, receipts = closed(aurora, borealis, cassia)
    mine, theirs = (receipt.bid for receipt in receipts)
    swap = (
        "UPDATE marketplace_bidversion v SET sealed = o.sealed, commitment = o.commitment FROM marketplace_bidversion o"
    )
    superuser(
        f"{swap} WHERE v.bid_id <> o.bid_id AND v.bid_id IN (%s, %s) AND o.bid_id IN (%s, %s)",
        *[mine.pk, theirs.pk] * 2,
    )
    opened(aurora, task)
    assert all("another bid" in fault for fault in faults(aurora, receipts))


def test_bid_that_was_sealed_anew_by_somebody_else_is_found_by_the_ledger(aurora, borealis, cassia):
    """Public keys are public: who has the database can seal words of their own in a bid's place, commitment and all."""
    task, receipts = closed(aurora, borealis)
    place = queries.place_of(receipts[0].bid)
    text = receipt_text(place, BidContent(1, "USD", 1).document)
    with aurora.acting():
        keys = {str(each.pk): bytes.fromhex(each.public_key) for each in queries.openers(task.pk)}
    forged = json.dumps(seal(text, place, keys, 1)), commitment_of(text), place.bid
    superuser("UPDATE marketplace_bidversion SET sealed = %s, commitment = %s WHERE bid_id = %s", *forged)
    opened(aurora, task)
    assert faults(aurora, receipts) == ["the commitment is not the one in the ledger"]


def test_bid_that_was_removed_is_named(aurora, borealis, cassia):
    task, receipts = closed(aurora, borealis, cassia)
    superuser("DELETE FROM marketplace_bidversion WHERE bid_id = %s", receipts[0].bid.pk)
    superuser("DELETE FROM marketplace_bid WHERE id = %s", receipts[0].bid.pk)
    opened(aurora, task)
    assert [body["firms"] for body in bodies(aurora, "bid.missing")] == [["Borealis"]]
    with aurora.acting():
        assert queries.missing(get_own_task(task.pk)) == ["Borealis"]


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM marketplace_bidversion WHERE bid_id = %s",
        "UPDATE marketplace_bid SET state = 'lost' WHERE id = %s",
        "UPDATE marketplace_bid SET state = 'opened' WHERE id = %s",
    ],
)
def test_bid_that_was_put_out_of_the_contest_before_the_opening_is_named(aurora, borealis, cassia, change):
    task, receipts = closed(aurora, borealis, cassia)
    assert superuser(change, receipts[0].bid.pk) == 1
    opened(aurora, task)
    evaluating(aurora, task)
    assert [body["firms"] for body in bodies(aurora, "bid.missing")] == [["Borealis"]]
    assert bodies(borealis, "bid.opened") == []
    with aurora.acting():
        assert queries.missing(get_own_task(task.pk)) == ["Borealis"]


def test_bids_of_a_tender_that_ends_unopened_are_not_missing(aurora, borealis):
    task = tender(aurora)
    placed(borealis, task)
    with aurora.acting():
        assert queries.missing(task) == []
        cancel_task(task=get_own_task(task.pk))
        assert queries.missing(task) == []


def test_bid_of_which_only_the_older_version_is_left_is_found(aurora, borealis):
    task = tender(aurora)
    first = placed(borealis, task, price_minor=900)
    placed(borealis, task, price_minor=500)
    deadline_over(task)
    superuser("DELETE FROM marketplace_bidversion WHERE number = 2 AND bid_id = %s", first.bid.pk)
    superuser("UPDATE marketplace_bid SET number = 1 WHERE id = %s", first.bid.pk)
    opened(aurora, task)
    assert faults(aurora, [first]) == ["the commitment is not the one in the ledger"]


CHEAPER = "text = replace(text, '47119083', '11')"
FITTING = f"{CHEAPER}, commitment = encode(sha256(convert_to(replace(text, '47119083', '11'), 'UTF8')), 'hex')"


@pytest.mark.parametrize("make", [tender, quotation])
@pytest.mark.parametrize("change", [CHEAPER, FITTING])
def test_bid_that_is_altered_after_the_opening_is_not_read_any_more(aurora, borealis, cassia, make, change):
    task = make(aurora)
    altered, honest = (placed(firm, task).bid for firm in (borealis, cassia))
    if make is tender:
        deadline_over(task)
        opened(aurora, task)
    evaluating(aurora, task)
    assert superuser(VERSION.format(change), altered.pk) == 1
    with aurora.acting():
        assert [row.bid.firm_name for row in queries.comparison(get_own_task(task.pk))] == ["Cassia"]
    (shown,) = aurora.client().get(f"/api/v1/bids/{altered.pk}").json()["versions"]
    assert (shown["is_altered"], shown["content"]) == (True, None) and "the commitment" in shown["fault"]
    listed = aurora.client().get(f"/api/v1/service-tasks/{task.pk}/bids").json()["results"]
    assert {each["firm_name"]: each["versions"][0]["is_altered"] for each in listed} == {
        "Borealis": True,
        "Cassia": False,
    }
    for firm, is_altered in ((borealis, True), (cassia, False)):
        (mine,) = firm.client().get("/api/v1/bids").json()["results"]
        assert (mine["versions"][0]["is_altered"], mine["versions"][0]["content"] is None) == (is_altered, is_altered)
    with pytest.raises(Conflict, match="can't win"):
        awarded(aurora, altered)
    awarded(aurora, honest)
    for party in (aurora, borealis):
        assert "the commitment" in bodies(party, "bid.lost")[0]["fault"]


def test_quotation_that_is_altered_before_the_judging_is_found_by_name(aurora, borealis, cassia):
    task = quotation(aurora)
    altered = placed(borealis, task).bid
    placed(cassia, task)
    superuser(VERSION.format(FITTING), altered.pk)
    evaluating(aurora, task)
    told = {body["firm_name"]: body["fault"] for body in bodies(aurora, "bid.opened")}
    assert told == {"Borealis": "the commitment is not the one in the ledger", "Cassia": ""}


@pytest.mark.parametrize("change", [CHEAPER, FITTING])
def test_no_contract_is_written_of_a_bid_that_was_altered_after_the_award(aurora, borealis, change):
    task = quotation(aurora, standstill_h=24)
    bid = placed(borealis, task).bid
    evaluating(aurora, task)
    awarded(aurora, bid)
    standstill_over(bid)
    superuser(VERSION.format(change), bid.pk)
    with pytest.raises(Conflict, match="committed itself to"):
        conclude(aurora, task)
    sweeping.conclude_due()
    assert state_of(task, aurora) == "awarded"


def rewritten_by_hand(receipt, text):
    """Text and commitment of a version, fitting each other."""
    changed = "UPDATE marketplace_bidversion SET text = %s, commitment = %s WHERE bid_id = %s AND number = %s"
    assert superuser(changed, text, commitment_of(text), receipt.bid.pk, receipt.version.number) == 1


def shown(party, address):
    """Of each version of the only bid: number, whether it is altered, and its price."""
    (bid,) = party.client().get(address).json()["results"]
    versions = bid["versions"]
    return [
        (each["number"], each["is_altered"], each["content"] and each["content"]["price_minor"]) for each in versions
    ]


RUBBISH = ["rubbish", "7", "null", "[]", "{}", '{"content": {"price_minor": "x", "due_d": []}}', "[" * 100_000]


@pytest.mark.parametrize("text", RUBBISH, ids=range(len(RUBBISH)))
@pytest.mark.parametrize("withdrawn", [False, True])
def test_rubbish_in_any_version_of_a_bid_is_shown_as_altered_and_breaks_no_page(aurora, borealis, text, withdrawn):
    task = quotation(aurora)
    receipts = [placed(borealis, task, price_minor=price) for price in (900, 500)]
    if withdrawn:
        with borealis.acting():
            actions.withdraw_bid(bid=access.get_own_bid(receipts[0].bid.pk))
    places = ((aurora, f"/api/v1/service-tasks/{task.pk}/bids"), (borealis, "/api/v1/bids"))
    rewritten_by_hand(receipts[0], text)
    assert [shown(*place) for place in places] == [[(1, True, None), (2, False, 500)]] * 2
    rewritten_by_hand(receipts[1], text)
    assert [shown(*place) for place in places] == [[(1, True, None), (2, True, None)]] * 2


def test_older_version_with_other_words_is_shown_as_altered(aurora, borealis):
    task = quotation(aurora)
    first = placed(borealis, task, price_minor=900)
    placed(borealis, task, price_minor=500)
    assert shown(borealis, "/api/v1/bids") == [(1, False, 900), (2, False, 500)]
    rewritten_by_hand(first, first.text.replace("900", "800"))
    assert shown(borealis, "/api/v1/bids") == [(1, True, None), (2, False, 500)]
    (versions,) = [borealis.client().get(f"/api/v1/bids/{first.bid.pk}").json()["versions"]]
    assert [each["fault"] for each in versions] == ["the commitment is not the one in the ledger", ""]


@pytest.mark.parametrize("text", RUBBISH, ids=range(len(RUBBISH)))
def test_bid_that_is_read_without_the_ledger_has_no_content_if_it_is_rubbish(aurora, borealis, text):
    receipt = placed(borealis, quotation(aurora))
    rewritten_by_hand(receipt, text)
    assert seen(aurora, receipt.bid).content is None

"""The same identities at the doors that are no operation of the API: feed, administration, tasks."""

import asyncio

import pytest
from celery import current_app
from django.test import Client

from tenants.admin_sites import tenant_site
from tests.integration.edge.scenes import gateway, raised
from tests.integration.feed.client import following
from tests.personas import PASSWORD
from tests.sweep.belongings import digest_of, rows_of, secrets_in
from tests.sweep.identities import opened_ways, shut_ways, strangers
from tests.sweep.test_two_identities import sweep_of


async def frames_of(web, key: str) -> str:
    """All that a socket is sent until it has caught up, as text."""
    async with following(web, key) as follower:
        return repr(follower.frames)


@pytest.mark.parametrize("ways", [strangers, shut_ways, opened_ways])
def test_no_frame_of_the_feed_shows_what_is_not_open(aurora, live_web, ways):
    sweep, identities = sweep_of(aurora, ways)
    gateway(aurora).say("p0", raised())
    sweep.rows = rows_of(aurora.id)
    sweep.secrets = secrets_in(row for found in sweep.rows.values() for row in found)
    asked = [identity for identity in identities if identity.organisation not in (None, aurora)]
    for identity in asked:
        text = asyncio.run(frames_of(live_web, identity.organisation.key()))
        sweep.search(f"{identity.name}: feed", text, identity.may_know(aurora, sweep.rows))
    assert asked and sweep.leaks == []


def test_no_page_of_the_administration_shows_a_strangers_row(aurora):
    sweep, identities = sweep_of(aurora, lambda owner: [strangers(owner)[0], shut_ways(owner)[2]])
    assert [identity.name for identity in identities] == ["outsider", "revoked"]
    for identity in identities:
        client = Client()
        assert client.login(username=identity.organisation.user.email, password=PASSWORD)
        known = identity.may_know(aurora, sweep.rows)
        for model in tenant_site._registry:
            page = f"/administration/{model._meta.app_label}/{model._meta.model_name}/"
            rows = sweep.rows.get(model._meta.label, [])[:1]
            steps = [f"{page}{row.pk}/{step}/" for row in rows for step in ("change", "delete", "history")]
            asked = [(path, client.get(path)) for path in steps]
            asked.append((page, client.get(page)))  # which tells what became of the steps, too
            for path, answer in asked:
                text = f"{answer.headers} {answer.content.decode()}".replace(path, "")
                sweep.search(f"{identity.name}: {path}: {answer.status_code}", text, known | {str(r.pk) for r in rows})
            sent_away = [answer.status_code for _, answer in asked].count(302)
            assert asked[-1][1].content.decode().count("Perhaps it was deleted?") == sent_away, page
    assert sweep.leaks == []


def test_no_task_does_anything_with_a_strangers_ids(aurora):
    """Each task that carries an identity, sent by Cassia with Aurora's ids, as a mixed-up message would be."""
    sweep, (outsider, *_) = sweep_of(aurora, strangers)
    current_app.loader.import_default_modules()
    ran = 0
    for name, task in current_app.tasks.items():
        if name.startswith("celery.") or getattr(task, "system", False):
            continue
        for value in set(sweep.ids.values()):
            packed = {"tenant": str(outsider.organisation.id), "user": str(outsider.organisation.user.pk)}
            packed |= {"roles": ["owner"], "via": "test:forged", "scopes": None, "purpose": ""}
            task.apply(args=[value], headers={"actor": packed}, throw=False)
            ran += 1
    assert ran >= 20
    assert digest_of(rows_of(aurora.id)) == digest_of(sweep.rows)

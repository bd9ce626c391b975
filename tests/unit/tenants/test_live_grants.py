"""Which grant opens a row, and what stays hidden of it."""

from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.reads.live_grants import ANY_PERMISSION, LiveGrant, LiveGrants
from tenants.sharing.feed_grant import OF_OTHERS

SITES, MACHINES = [UUID(int=n) for n in (1, 2)], [UUID(int=n) for n in (11, 12)]
PERMISSIONS = ["view_alarms", "view_telemetry"]

grants = st.builds(
    LiveGrant,
    id=st.uuids(),
    owner_id=st.just(uuid4()),
    agreement_id=st.just(uuid4()),
    clause_id=st.uuids(),
    permission=st.sampled_from(PERMISSIONS),
    purpose=st.just(""),
    field_mask=st.frozensets(st.sampled_from(["value", "tag", "name"])),
    delay_s=st.sampled_from([0, 60, 3600]),
    floor_n=st.sampled_from([0, 0, 5]),
    site_id=st.sampled_from(SITES),
    equipment_id=st.sampled_from([None, *MACHINES]),
)


@settings(max_examples=50)
@given(
    found=st.lists(grants, max_size=8, unique_by=lambda grant: grant.id),
    permission=st.sampled_from([ANY_PERMISSION, *PERMISSIONS]),
    site=st.sampled_from(SITES),
    machine=st.sampled_from([None, *MACHINES]),
    singly=st.booleans(),
)
def test_soonest_grants_open_a_row_and_hide_what_all_of_them_hide(found, permission, site, machine, singly):
    live = LiveGrants()
    for grant in found:
        live.add(grant)
    fitting = [
        grant
        for grant in found
        if permission in (ANY_PERMISSION, grant.permission)
        and not (singly and grant.floor_n)
        and (_of_machine(grant, site, machine) if machine else grant.site_id == site)
    ]
    opening = live.opening(permission, (site, machine), singly=singly)
    assert (opening is None) == (not fitting)
    if opening is not None:
        sure = [grant for grant in fitting if grant.delay_s == min(each.delay_s for each in fitting)]
        assert opening.grant in sure
        assert all(len(opening.grant.field_mask) <= len(grant.field_mask) for grant in sure)
        assert opening.hidden - {OF_OTHERS} == frozenset.intersection(*(grant.field_mask for grant in sure))
        assert (OF_OTHERS in opening.hidden) == all(grant.equipment_id for grant in sure), "only of single machines"


def _of_machine(grant: LiveGrant, site: UUID, machine: UUID) -> bool:
    return grant.equipment_id == machine or (grant.equipment_id is None and grant.site_id == site)


@settings(max_examples=50)
@given(found=st.lists(grants, max_size=8, unique_by=lambda grant: grant.id), permission=st.sampled_from(PERMISSIONS))
def test_order_in_which_grants_are_found_changes_nothing(found, permission):
    there, back = LiveGrants(), LiveGrants()
    for forwards, backwards in zip(found, reversed(found), strict=True):
        there.add(forwards)
        back.add(backwards)
    for place in [(site, machine) for site in SITES for machine in (None, *MACHINES)]:
        assert there.opening(permission, place) == back.opening(permission, place)
        assert there.lowest_floor(permission, place) == back.lowest_floor(permission, place)

"""The gateway as a real process between a real terminal's socket and a real cloud's, killed and starved on the way."""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import connect

from edge_bridge.protocol import (
    Alarm,
    AlarmEvent,
    Batch,
    Birth,
    Death,
    Gap,
    GapReason,
    Lane,
    Problem,
    Reading,
    Refused,
    Tag,
    Taken,
    TerminalBirth,
    TerminalReadings,
    encode,
)
from tests.ports import free_port
from tests.unit.edge.cloud import Cloud, serving, wait_until
from tests.unit.edge.processes import SETTINGS, Gateway, Terminal

RAISED, CLEARED = AlarmEvent.RAISED, AlarmEvent.CLEARED


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def gateway(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Gateway]:
    """Not started; its cloud is not there yet."""
    gateway = Gateway(tmp_path, free_port(), uplink=getattr(request, "param", "http"))
    yield gateway
    gateway.kill()


def events(cloud: Cloud) -> list[AlarmEvent]:
    return [alarm.event for alarm in cloud.changes()]


def values(cloud: Cloud, tag: str = "ch4") -> list[float]:
    return [reading.value for reading in cloud.readings() if reading.tag == tag]


over_both = pytest.mark.parametrize("gateway", ["http", "websocket"], indirect=True)


@over_both
def test_frame_reaches_the_cloud_as_readings_alarms_and_catalogue(gateway: Gateway, cloud: Cloud) -> None:
    tags = (Tag("GAS-1", "ch4", "%"),)
    with serving(cloud, gateway.cloud_port):
        gateway.start()
        terminal = Terminal(gateway)
        birth = TerminalBirth("probe", terminal.session, 1, tags)
        terminal.n = 1
        assert terminal.say(birth, terminal.frame("ch4", [0.4, 1.3, 0.2])) == [Taken(1), Taken(2)]
        wait_until(lambda: len(values(cloud)) == 3 and len(cloud.alarms()) == 2)
        assert values(cloud) == [0.4, 1.3, 0.2]
        assert events(cloud) == [RAISED, CLEARED]
        assert [body.tags for body in cloud.bodies(Lane.P1) if isinstance(body, Birth)] == [(), tags]
        assert cloud.authorizations == {"Device 17.secret"}
        wait_until(lambda: cloud.assert_counts_balance() > 1)


@over_both
def test_alarm_survives_a_kill_between_journal_and_sending(gateway: Gateway, cloud: Cloud) -> None:
    gateway.start()
    terminal = Terminal(gateway)
    terminal.say(terminal.frame("ch4", [1.3]))
    gateway.kill()
    with serving(cloud, gateway.cloud_port):
        gateway.start()
        wait_until(lambda: events(cloud) == [RAISED])
        cloud.assert_gapless()


@over_both
def test_alarm_has_one_effect_after_a_kill_between_commit_and_acknowledgement(gateway: Gateway, cloud: Cloud) -> None:
    with serving(cloud, gateway.cloud_port):
        gateway.start()
        wait_until(lambda: len(cloud.bodies(Lane.P1)) > 1)
        cloud.holds_back = True
        terminal = Terminal(gateway)
        terminal.say(terminal.frame("ch4", [1.3]))
        wait_until(lambda: events(cloud) == [RAISED])
        gateway.kill()
        cloud.holds_back = False
        gateway.start()
        terminal.say(terminal.frame("ch4", [0.1]))
        wait_until(lambda: len(cloud.alarms()) > 1)
        assert events(cloud) == [RAISED, CLEARED]
        first_seqs = [batch.entries[0].seq for batch in cloud.received if batch.lane is Lane.P0]
        assert first_seqs[:2] == [1, 1]
        cloud.assert_gapless()


def test_nothing_is_lost_or_doubled_over_kills_at_any_moment(gateway: Gateway, cloud: Cloud) -> None:
    """Five kills while a terminal sends: every reading once, in order, and the alarms they must raise."""
    terminal = Terminal(gateway)
    frames = [terminal.frame("ch4", [index + 0.25, 0.0, index + 0.5]) for index in range(1, 121)]
    with serving(cloud, gateway.cloud_port):
        gateway.start()
        sender = Thread(target=say_through_kills, args=(terminal, frames))
        sender.start()
        for round_ in range(5):
            time.sleep(0.05 + 0.061 * round_)
            gateway.kill()
            gateway.start()
        sender.join(30)
        assert not sender.is_alive()
        expected = [reading.value for frame in frames for reading in frame.readings]
        wait_until(lambda: len(values(cloud)) >= len(expected))
        assert values(cloud) == expected
        wait_until(lambda: len(cloud.changes()) >= 2 * len(frames) - 1)
        assert events(cloud) == [RAISED, CLEARED] * (len(cloud.changes()) // 2) + [RAISED]
        cloud.assert_gapless()
        assert cloud.assert_counts_balance() > 0
        assert len({boot for _, boot, _ in cloud.watermarks}) == 1


def say_through_kills(terminal: Terminal, frames: list[TerminalReadings]) -> None:
    """As a terminal must: the same frame until it is taken."""
    while frames:
        try:
            with connect(terminal.gateway.url, compression=None, proxy=None) as connection:
                while frames:
                    connection.send(encode(frames[0]).decode())
                    connection.recv(5)
                    frames = frames[1:]
                    time.sleep(0.015)
        except (OSError, EOFError, TimeoutError, WebSocketException):
            time.sleep(0.02)


def test_readings_give_way_to_counts_and_alarms_do_not(gateway: Gateway, cloud: Cloud) -> None:
    (gateway.directory / "gateway.toml").write_text(SETTINGS + "readings_limit_mb = 0.05")
    gateway.start()
    terminal = Terminal(gateway)
    terminal.say(*[terminal.frame("ch4", [1.3] + [0.5] * 98 + [0.1]) for _ in range(30)])
    with serving(cloud, gateway.cloud_port):
        wait_until(lambda: cloud.watermarks_sum(Lane.P2) >= 3_000 and len(cloud.changes()) == 60)
        assert events(cloud) == [RAISED, CLEARED] * 30
        thinned = [body for body in cloud.bodies(Lane.P2) if isinstance(body, Gap) and body.reason is GapReason.THINNED]
        assert sum(gap.count for gap in thinned) + len(cloud.readings()) == 3_000
        assert len(cloud.readings()) < 1_000
        cloud.assert_gapless()
        wait_until(lambda: cloud.assert_counts_balance() > 0)


def test_full_journal_costs_old_readings_and_no_alarm(gateway: Gateway, cloud: Cloud) -> None:
    """The whole journal may take 0.6 MB, far less than what its readings alone would be allowed."""
    limits = "readings_limit_mb = 0.6\njournal_limit_mb = 0.6"
    (gateway.directory / "gateway.toml").write_text(SETTINGS + limits)
    gateway.start()
    terminal = Terminal(gateway)
    frames = [terminal.frame("ch4", [1.3] + [0.5] * 198 + [0.1]) for _ in range(40)]
    assert terminal.say(*frames) == [Taken(frame.n) for frame in frames]
    assert "gave way to a count" in gateway.log()
    assert (gateway.directory / "data" / "journal.sqlite3").stat().st_size <= 600_000
    with serving(cloud, gateway.cloud_port):
        wait_until(lambda: cloud.watermarks_sum(Lane.P2) >= 8_000 and len(cloud.changes()) == 80)
        assert events(cloud) == [RAISED, CLEARED] * 40
        cloud.assert_gapless()
        wait_until(lambda: cloud.assert_counts_balance() > 0)


def test_disk_that_takes_no_more_refuses_the_frame_for_now(gateway: Gateway, cloud: Cloud) -> None:
    """No file of the gateway may pass 40 kB: the write-ahead log cannot hold what the frame needs."""
    gateway.start()
    gateway.kill()
    (gateway.directory / "log").unlink()
    gateway.start(limits="ulimit -f 40")
    terminal = Terminal(gateway)
    frame = terminal.frame("ch4", [1.3] * 2_000)
    (answer,) = terminal.say(frame)
    assert isinstance(answer, Refused)
    assert answer.retry
    assert "cannot be written" in answer.detail
    assert gateway.process.poll() is None
    gateway.kill()
    gateway.start()
    assert terminal.say(frame) == [Taken(1)]
    with serving(cloud, gateway.cloud_port):
        wait_until(lambda: events(cloud) == [RAISED])


@pytest.mark.parametrize("names_the_entry", [True, False])
def test_entry_the_cloud_refuses_is_put_aside_and_the_rest_goes_on(
    gateway: Gateway, cloud: Cloud, names_the_entry: bool
) -> None:
    def refuse(batch: Batch) -> Problem | None:
        bad = [e.seq for e in batch.entries if isinstance(e.body, Alarm | Reading) and e.body.value == 66]
        return (
            Problem(422, "Cannot be taken", "beyond physics", seq=bad[0] if names_the_entry else None) if bad else None
        )

    cloud.refuse = refuse
    gateway.start()
    terminal = Terminal(gateway)
    terminal.say(terminal.frame("ch4", [0.5] * 20 + [66] + [0.5] * 20 + [1.5]))
    with serving(cloud, gateway.cloud_port):
        wait_until(lambda: len(values(cloud)) == 41 and len(cloud.alarms()) == 2)
        assert events(cloud) == [CLEARED, RAISED]
        cloud.assert_gapless()
        gaps = [body for body in cloud.bodies(Lane.P0) if isinstance(body, Gap)]
        assert [(gap.reason, gap.count) for gap in gaps] == [(GapReason.QUARANTINED, 1)]
        assert "lane p0: entry 1 is quarantined, the cloud refuses it: 422 Cannot be taken" in gateway.log()
        wait_until(lambda: cloud.assert_counts_balance() > 0)


@pytest.mark.parametrize("status", [401, 404, 503])
def test_refusal_that_is_not_about_the_entries_quarantines_nothing(gateway: Gateway, cloud: Cloud, status: int) -> None:
    refused: list[Batch] = []

    def refuse(batch: Batch) -> Problem | None:
        refused.append(batch)
        return Problem(status, "Not now", "") if len(refused) < 6 else None

    cloud.refuse = refuse
    with serving(cloud, gateway.cloud_port):
        gateway.start()
        terminal = Terminal(gateway)
        terminal.say(terminal.frame("ch4", [1.5]))
        wait_until(lambda: events(cloud) == [RAISED] and values(cloud) == [1.5])
        assert "quarantined" not in gateway.log()


def test_batch_too_large_for_the_cloud_is_sent_in_parts(gateway: Gateway, cloud: Cloud) -> None:
    cloud.refuse = lambda batch: Problem(413, "Too large", "") if len(batch.entries) > 10 else None
    gateway.start()
    terminal = Terminal(gateway)
    terminal.say(terminal.frame("ch4", [0.5] * 200))
    with serving(cloud, gateway.cloud_port):
        wait_until(lambda: len(values(cloud)) == 200)
        assert "quarantined" not in gateway.log()


def test_alarm_goes_first_and_does_not_wait_for_stuck_readings(gateway: Gateway, cloud: Cloud) -> None:
    cloud.refuse = lambda batch: Problem(503, "Not now", "") if batch.lane is Lane.P2 else None
    gateway.start()
    terminal = Terminal(gateway)
    terminal.say(*[terminal.frame("ch4", [0.5] * 2_000) for _ in range(4)], terminal.frame("ch4", [1.5]))
    with serving(cloud, gateway.cloud_port):
        wait_until(lambda: events(cloud) == [RAISED])
        lanes = [batch.lane for batch in cloud.received]
        assert lanes.index(Lane.P0) <= 3
        assert cloud.readings() == []


def test_late_alarm_is_historical_unless_it_still_stands(gateway: Gateway, cloud: Cloud) -> None:
    gateway.start()
    terminal = Terminal(gateway)
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    terminal.say(terminal.frame("ch4", [1.3, 0.1, 1.4], since_at=hour_ago))
    with serving(cloud, gateway.cloud_port):
        wait_until(lambda: len(cloud.alarms()) == 3)
        assert [(alarm.event, alarm.historical) for alarm in cloud.alarms()] == [
            (RAISED, True),
            (CLEARED, True),
            (RAISED, False),
        ]


def test_restored_snapshot_begins_a_new_epoch_and_loses_no_new_alarm(gateway: Gateway, cloud: Cloud) -> None:
    data, snapshot = gateway.directory / "data", gateway.directory / "snapshot"
    with serving(cloud, gateway.cloud_port):
        gateway.start()
        wait_until(lambda: len(cloud.bodies(Lane.P1)) > 0)
        gateway.kill()
        shutil.copytree(data, snapshot)
        gateway.start()
        terminal = Terminal(gateway)
        terminal.say(*[terminal.frame("ch4", [1.3, 0.1]) for _ in range(3)])
        wait_until(lambda: len(cloud.alarms()) == 6)
        gateway.kill()
    shutil.rmtree(data)
    snapshot.rename(data)
    gateway.start()
    terminal.say(terminal.frame("ch4", [5.5]))
    with serving(cloud, gateway.cloud_port):
        wait_until(lambda: len({boot for _, boot, _ in cloud.watermarks}) == 2)
        wait_until(lambda: [alarm.value for alarm in cloud.alarms()][-1:] == [5.5])
        cloud.assert_gapless()
        wait_until(lambda: values(cloud)[-1:] == [5.5])


def test_readings_that_waited_for_an_alarm_while_a_new_epoch_began_arrive_once(gateway: Gateway, cloud: Cloud) -> None:
    with serving(cloud, gateway.cloud_port):
        gateway.start()
        terminal = Terminal(gateway)
        terminal.say(terminal.frame("ch4", [1.3]))
        wait_until(lambda: len(cloud.alarms()) == 1 and values(cloud) == [1.3])
        time.sleep(0.3)  # for the acknowledgement to reach the journal
    terminal.say(terminal.frame("ch4", [1.4, 1.5]))
    gateway.kill()
    alarms = next(stream for stream in cloud.watermarks if stream[2] is Lane.P0)
    cloud.watermarks[alarms] += 5  # as if it had told of more before it was restored from a copy
    with serving(cloud, gateway.cloud_port):
        gateway.start()
        wait_until(lambda: len({boot for _, boot, _ in cloud.watermarks}) == 2)
        terminal.say(terminal.frame("ch4", [1.6]))
        wait_until(lambda: 1.6 in values(cloud))
    assert values(cloud) == [1.3, 1.4, 1.5, 1.6]


def test_cloud_restored_from_a_backup_gets_its_alarms_again_and_is_told_which_readings_are_lost(
    gateway: Gateway, cloud: Cloud
) -> None:
    with serving(cloud, gateway.cloud_port):
        gateway.start()
        terminal = Terminal(gateway)
        terminal.say(terminal.frame("ch4", [1.3, 0.1, 1.3]))
        wait_until(lambda: len(cloud.alarms()) == 3 and len(values(cloud)) == 3)
        time.sleep(0.3)  # for the acknowledgement to reach the journal
    streams = {stream[2]: stream for stream in cloud.watermarks}
    for stream in streams.values():
        cloud.watermarks[stream], cloud.stored[stream] = 1, cloud.stored[stream][:1]
    wait_until(lambda: "lane p1 waits" in gateway.log())  # it has seen that the cloud was away
    with serving(cloud, gateway.cloud_port):
        wait_until(lambda: events(cloud) == [RAISED, CLEARED, RAISED])
        terminal.say(terminal.frame("ch4", [0.2]))
        wait_until(lambda: len(cloud.alarms()) == 4 and len(values(cloud)) == 2)
        lost = cloud.stored[streams[Lane.P2]][1]
        assert isinstance(lost.body, Gap)
        assert (lost.first_seq, lost.seq, lost.body.reason, lost.body.count) == (2, 3, GapReason.LOST, 2)
        cloud.assert_gapless()


@over_both
def test_gateway_that_is_told_to_stop_says_everything_and_death(gateway: Gateway, cloud: Cloud) -> None:
    with serving(cloud, gateway.cloud_port):
        gateway.start()
        terminal = Terminal(gateway)
        terminal.say(terminal.frame("co", [5.0, 5.1, 5.2, 9.0]))
        assert gateway.stop() == 0
        assert isinstance(cloud.bodies(Lane.P1)[-1], Death)
        assert values(cloud, "co") == [5.0, 9.0]
        assert cloud.assert_counts_balance() == len([b for b in cloud.bodies(Lane.P1) if "Heartbeat" in str(type(b))])
        assert not gateway.port_file.exists()
        assert "Traceback" not in gateway.log()


def test_gateway_stops_without_a_link_and_tells_later(gateway: Gateway, cloud: Cloud) -> None:
    (gateway.directory / "gateway.toml").write_text(SETTINGS.replace("grace_s = 3", "grace_s = 0.2"))
    gateway.start()
    terminal = Terminal(gateway)
    terminal.say(terminal.frame("ch4", [1.3]))
    assert gateway.stop() == 0
    with serving(cloud, gateway.cloud_port):
        gateway.start()
        wait_until(lambda: events(cloud) == [RAISED])
        wait_until(lambda: len(cloud.bodies(Lane.P1)) > 3)
        kinds = [type(body) for body in cloud.bodies(Lane.P1)]
        assert kinds.index(Death) < len(kinds) - 1 - kinds[::-1].index(Birth)


def test_bad_frame_is_refused_and_the_conversation_goes_on(gateway: Gateway) -> None:
    gateway.start()
    terminal = Terminal(gateway)
    good = encode(terminal.frame("ch4", [2718.25])).decode()
    refused = terminal.say_raw(good.replace("2718.25", "NaN"))
    assert refused == Refused(None, "", "has NaN; numbers must be finite", retry=False)
    refused = terminal.say_raw(good.replace("2718.25", '"x"'))
    assert refused == Refused(None, "readings[0].value", "must be a number, is 'x'", retry=False)
    assert terminal.say(Taken(1)) == [
        Refused(None, "type", "a terminal sends terminal_birth, readings or terminal_command_result", retry=False)
    ]
    assert terminal.say_raw(good) == Taken(1)


def test_terminal_without_the_token_is_turned_away(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERMINAL_TOKEN", "borealis")
    gateway.start()
    terminal = Terminal(gateway)
    with pytest.raises(InvalidStatus, match="401"):
        terminal.say(terminal.frame("ch4", [0.5]))
    headers = {"Authorization": "Bearer borealis"}
    with connect(gateway.url, compression=None, proxy=None, additional_headers=headers) as connection:
        connection.send(encode(terminal.frame("ch4", [0.5])).decode())
        assert connection.recv(5)


def test_second_gateway_and_wrong_settings_end_with_words(gateway: Gateway) -> None:
    gateway.start()
    assert gateway.run_beside() == (
        2,
        f"gateway: another gateway uses {gateway.directory / 'data'}; stop it or choose another data directory\n",
    )
    assert gateway.port_file.exists()
    taken_port = gateway.url.rsplit(":", 1)[1]
    data = str(gateway.directory / "other")
    status, words = gateway.run_beside("--data-dir", data, "--listen-port", taken_port)
    assert (status, words) == (
        2,
        f"gateway: listen_port: cannot listen on 127.0.0.1 port {taken_port}: Address already in use\n",
    )


def test_backlog_goes_at_its_rate_and_an_alarm_overtakes_it(gateway: Gateway, cloud: Cloud) -> None:
    (gateway.directory / "gateway.toml").write_text(SETTINGS + "replay_readings_per_s = 5000\n")
    gateway.start()
    terminal = Terminal(gateway)
    terminal.say(*[terminal.frame("ch4", [0.5] * 2_000) for _ in range(6)])
    with serving(cloud, gateway.cloud_port):
        wait_until(lambda: len(cloud.readings()) >= 5_000)
        terminal.say(terminal.frame("ch4", [1.5]))
        wait_until(lambda: len(values(cloud)) == 12_001 and events(cloud) == [RAISED])
        sent = [batch for batch in cloud.received if batch.lane is Lane.P2]
        elapsed_s = (sent[-1].sent_at - sent[0].sent_at).total_seconds()
        assert sum(len(batch.entries) for batch in sent[:-1]) <= 5_000 * elapsed_s * 1.01
        lanes = [batch.lane for batch in cloud.received]
        assert lanes.index(Lane.P0) < len(lanes) - 1 - lanes[::-1].index(Lane.P2)

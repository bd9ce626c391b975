"""Other tongues: what a message says is read as it was meant, and whatever comes is answered in words."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_bridge.adapters.catalogue import Catalogue, held_against, new_units
from edge_bridge.adapters.data import MOST_FINDINGS, Findings, Naming, Sample, Translation, Weight
from edge_bridge.adapters.dictionary import judge
from edge_bridge.adapters.elements import ELEMENTS
from edge_bridge.adapters.fleet import Figure, Machine, Page, as_json, as_xml
from edge_bridge.adapters.open_autonomy import HEALTH, PAYLOAD, POSITION, TYRE
from edge_bridge.adapters.tongues import CHECKED, TONGUES
from edge_bridge.adapters.units import SENML, converted, named
from edge_bridge.protocol import Entry, Quality, Reading, Tag, encode_entry
from edge_bridge.readings.tags import judged
from tests.database import ROOT

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)
AT = "2026-03-01T05:59:00Z"
MEASURED = datetime(2026, 3, 1, 5, 59, tzinfo=UTC)
MS = int(MEASURED.timestamp() * 1000)
SAMPLES = ROOT.parent / "shared" / "data" / "mining_telemetry"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the public message samples are not beside the project")


def read(tongue: str, message: object) -> Translation:
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    return CHECKED[tongue](data, NOW)


def values(told: Translation) -> dict[tuple[str, str], tuple[float, str]]:
    return {sample.name: (sample.reading.value, sample.unit) for sample in told.samples}


def faults(told: Translation) -> list[tuple[str, str]]:
    return [(finding.pointer, finding.clause) for finding in told.findings.of(Weight.ERROR)]


# SenML


def test_base_fields_hold_until_they_are_said_anew():
    told = read(
        "senml",
        [
            {"bn": "GAS-T0-01:", "bt": MEASURED.timestamp(), "bu": "%", "bv": 1, "n": "ch4", "v": 0.5},
            {"n": "co", "u": "ppm", "t": -5, "v": 20},
            {"bn": "FAN-01/", "bv": 0, "n": "running", "u": "/", "vb": True},
        ],
    )
    assert values(told) == {
        ("GAS-T0-01", "ch4"): (1.5, "%"),
        ("GAS-T0-01", "co"): (21.0, "[ppm]"),
        ("FAN-01", "running"): (1.0, "1"),
    }
    assert [sample.reading.measured_at for sample in told.samples][:2] == [MEASURED, MEASURED - timedelta(seconds=5)]
    assert list(told.findings) == []


def test_time_from_now_is_taken_with_a_warning():
    told = read("senml", [{"n": "GAS-T0-01:ch4", "t": -60, "v": 1}])
    assert told.samples[0].reading.measured_at == MEASURED
    assert [finding.clause for finding in told.findings.of(Weight.WARNING)] == ["RFC 8428 §4.5.3"]


@pytest.mark.parametrize(
    ("record", "pointer", "clause"),
    [
        ({"n": "A:b"}, "/0", "RFC 8428 §4.2"),
        ({"n": "A:b", "v": 1, "vb": True}, "/0", "RFC 8428 §4.2"),
        ({"n": "A:b", "v": "1"}, "/0/v", "RFC 8428 §4.3"),
        ({"n": "A:b", "v": 1e308, "bv": 1e308}, "/0/v", "RFC 8428 §4.1"),
        ({"n": ":b", "v": 1}, "/0", "RFC 8428 §4.5.1"),
        ({"n": "Ab", "v": 1}, "/0", ""),
        ({"n": "A:b", "v": 1, "u": "furlong"}, "/0", "RFC 8428 §12.1"),
        ({"n": "A:b", "v": 1, "must_": 1}, "/0", "RFC 8428 §4.4"),
        ({"n": "A:b", "v": 1, "bver": 11}, "/0/bver", "RFC 8428 §4.4"),
        ({"n": "A:b", "v": 1, "t": 1e300}, "/0", "RFC 8428 §4.5.3"),
        (7, "/0", "RFC 8428 §4"),
    ],
)
def test_record_that_breaks_the_format_is_refused_with_its_clause(record, pointer, clause):
    assert (pointer, clause) in faults(read("senml", [record]))


def test_text_and_sums_are_noted_and_not_kept():
    told = read("senml", [{"n": "A:b", "vs": "x"}, {"n": "A:b", "vd": "eA"}, {"n": "A:b", "s": 3}])
    assert told.samples == [] and told.findings.conforms and told.findings.count[Weight.NOTE] == 3


# Sparkplug


def spark(kind: str, seq: int, *metrics: dict, device: str = "/FAN-01") -> dict:
    return {
        "topic": f"spBv1.0/north/{kind}/edge-1{device}",
        "payload": {"timestamp": MS, "seq": seq, "metrics": list(metrics)},
    }


POWER = {"name": "power", "alias": 7, "dataType": "Float", "value": 3.5, "properties": {"engUnit": {"value": "kW"}}}


def test_alias_of_a_birth_names_the_metric_and_its_unit():
    told = read("sparkplug", [spark("DBIRTH", 255, POWER), spark("DDATA", 0, {"alias": 7, "value": 4})])
    assert [(sample.name, sample.reading.value, sample.unit) for sample in told.samples] == [
        (("FAN-01", "power"), 3.5, "kW"),
        (("FAN-01", "power"), 4.0, "kW"),
    ]
    assert list(told.findings) == [] and told.samples[0].reading.measured_at == MEASURED


def test_node_is_the_equipment_of_what_it_says_of_itself():
    born = spark("NBIRTH", 0, {"name": "bdSeq", "dataType": "UInt64", "value": 1}, POWER, device="")
    assert values(read("sparkplug", born)) == {("edge-1", "power"): (3.5, "kW")}


def test_quality_property_is_the_quality_of_the_reading():
    bad = POWER | {"properties": {"Quality": {"type": "Int32", "value": 0}}}
    assert read("sparkplug", spark("DBIRTH", 0, bad)).samples[0].reading.quality is Quality.BAD


@pytest.mark.parametrize(
    ("messages", "pointer", "clause"),
    [
        ([spark("DDATA", 1, {"alias": 7, "value": 1})], "/0/payload/metrics/0", "tck-id-payloads-name-requirement"),
        (
            [spark("DBIRTH", 3, POWER), spark("DDATA", 5, {"alias": 7, "value": 1})],
            "/1/payload/seq",
            "tck-id-payloads-sequence-num-incrementing",
        ),
        ([spark("DBIRTH", 256, POWER)], "/0/payload/seq", "tck-id-payloads-sequence-num-req-nbirth"),
        (
            [spark("DBIRTH", 0, POWER, POWER | {"name": "flow"})],
            "/0/payload/metrics/1",
            "tck-id-payloads-alias-uniqueness",
        ),
        (
            [spark("DBIRTH", 0, {"name": "flow", "value": 1})],
            "/0/payload/metrics/0",
            "tck-id-payloads-metric-datatype-req",
        ),
        ([spark("STATE", 0, POWER)], "/0/topic", "tck-id-topic-structure"),
        ([spark("DDATA", 0, POWER, device="")], "/0/topic", "tck-id-topic-structure"),
    ],
)
def test_sparkplug_that_breaks_the_specification_is_refused_with_its_assertion(messages, pointer, clause):
    assert (pointer, clause) in faults(read("sparkplug", messages))


def test_deaths_and_commands_on_the_way_are_noted_and_only_deaths_of_devices_counted():
    messages = [
        spark("DBIRTH", 1, POWER),
        spark("DCMD", 0, POWER) | {"payload": {"timestamp": MS}},
        spark("DDEATH", 2),
        spark("DDATA", 3, {"alias": 7, "value": 4}),
        spark("NDEATH", 0, device="") | {"payload": {"metrics": [{"name": "bdSeq", "value": 1}]}},
    ]
    told = read("sparkplug", messages)
    assert [sample.reading.value for sample in told.samples] == [3.5, 4.0]
    assert told.findings.conforms and told.findings.count[Weight.NOTE] == 3


@needs_samples
def test_example_payloads_of_the_specification_are_read():
    born, data = json.loads((SAMPLES / "sparkplug_b" / "payload_examples.json").read_text())[:2]
    told = read("sparkplug", {"topic": "spBv1.0/G/DBIRTH/N/RASPI", "payload": born})
    assert len(told.samples) == 13 and told.findings.conforms
    assert [finding.pointer for finding in told.findings] == ["/payload/metrics/13/value"]
    later = read("sparkplug", {"topic": "spBv1.0/G/DDATA/N/RASPI", "payload": data})
    assert values(later) == {("RASPI", "Inputs/A"): (1.0, ""), ("RASPI", "Inputs/C"): (1.0, "")}


# Open-Autonomy


def autonomy(**bodies: object) -> dict:
    return {"Protocol": "Open-Autonomy", "Version": 1, "Timestamp": AT, "EquipmentId": "HT-042", **bodies}


def test_health_of_a_machine_comes_with_its_tyres_and_other_sensors():
    health = {
        "FuelLevel": 74,
        "TotalEngineHour": None,
        "Tire": [{"TirePosition": "1.7", "TirePressure": 123, "TireTemperature": 42}],
        "Additional": [{"SensorId": "Oil", "Value": 85.5, "Unit": "°C"}],
    }
    told = read("open-autonomy", autonomy(BasicMachineHealthV2=health))
    assert {name: found for (_, name), found in values(told).items()} == {
        "fuel": (74.0, "%"),
        "tyre_pressure_1.7": (123.0, "kPa"),
        "tyre_temperature_1.7": (42.0, "Cel"),
        "Oil": (85.5, "Cel"),
    }
    assert [finding.pointer for finding in told.findings] == ["/BasicMachineHealthV2/TotalEngineHour"]


@needs_samples
def test_all_samples_but_the_one_with_a_broken_time_conform():
    found = {path.stem: read("open-autonomy", path.read_bytes()) for path in (SAMPLES / "open_autonomy").glob("*.json")}
    assert len(found) >= 13
    broken = {name: faults(told) for name, told in found.items() if not told.findings.conforms}
    assert broken == {"MachineAllStopResponseV1_0": [("/Timestamp", "specification/README")]}
    assert {name: len(told.samples) for name, told in found.items() if told.samples} == {
        "BasicMachineHealthV2_0": 18,
        "HaulTruckPayloadV1_0": 6,
        "HaulTruckProductionStateV2_0": 7,
        "MachineDiagnosticV2_0": 6,
        "MachineDiagnosticV2_1": 6,
        "MachineDiagnosticV3_0": 6,
        "MachineDiagnosticV3_1": 6,
        "MachinePositionV1_0": 5,
    }


@pytest.mark.parametrize(
    ("message", "pointer"),
    [
        (autonomy(), ""),
        (autonomy(Poem={}), ""),
        (autonomy(Protocol="Closed", MachinePositionV1={"Latitude": 1, "Longitude": 2}), "/Protocol"),
        (autonomy(MachinePositionV1={"Latitude": "north", "Longitude": 2}), "/MachinePositionV1/Latitude"),
        (autonomy(MachinePositionV1={"Latitude": 1}), "/MachinePositionV1/Longitude"),
        (
            autonomy(HaulTruckProductionStateV2={"ProductionState": "Flying", "AutonomyMode": "Manual"}),
            "/HaulTruckProductionStateV2/ProductionState",
        ),
        (autonomy(MachineDiagnosticV3=[{"ComponentId": 1}]), "/MachineDiagnosticV3/0/FaultCode"),
        ({"Protocol": "Open-Autonomy", "Timestamp": AT, "HaulTruckPayloadV1": {"PayloadWeight": 1}}, "/EquipmentId"),
    ],
)
def test_fault_of_an_open_autonomy_message_is_named_where_it_is(message, pointer):
    assert pointer in [where for where, _ in faults(read("open-autonomy", message))]


# ISO/TS 15143-3


def snapshot(*parts: str) -> bytes:
    header = "<EquipmentHeader><OEMName>X</OEMName><EquipmentID>HT-042</EquipmentID></EquipmentHeader>"
    inside = "".join(parts)
    return f'<Fleet xmlns="http://example.com/15143"><Equipment>{header}{inside}</Equipment></Fleet>'.encode()


def test_time_is_read_as_attribute_or_element_in_any_case():
    told = read(
        "iso15143",
        snapshot(
            f"<CumulativeOperatingHours><Hour>233.70</Hour><datetime>{AT}</datetime></CumulativeOperatingHours>",
            f'<FuelRemaining dateTime="{AT}"><Percent>62.4</Percent></FuelRemaining>',
        ),
    )
    assert values(told) == {("HT-042", "operating_hours"): (233.7, "h"), ("HT-042", "fuel"): (62.4, "%")}
    assert {sample.reading.measured_at for sample in told.samples} == {MEASURED}


def test_figures_come_into_the_unit_in_which_they_are_kept():
    distance = f'<Distance datetime="{AT}"><OdometerUnits>mile</OdometerUnits><Odometer>10</Odometer></Distance>'
    assert values(read("iso15143", snapshot(distance))) == {("HT-042", "odometer"): (16.09344, "km")}


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        (b"<Fleet>", ""),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><Fleet>&b;</Fleet>', ""),
        (b'<?xml version="1.0" encoding="utf-7"?><Fleet/>', ""),
        (b"<Fleet/>", "/Fleet/Equipment"),
        (b"<Fleet><Equipment><EquipmentHeader><PIN/></EquipmentHeader></Equipment></Fleet>", None),
        (snapshot("<CumulativeIdleHours><Hour>1</Hour></CumulativeIdleHours>"), "/Fleet/Equipment/CumulativeIdleHours"),
        (
            snapshot(f'<EngineStatus datetime="{AT}"><Running>perhaps</Running></EngineStatus>'),
            "/Fleet/Equipment/EngineStatus/Running",
        ),
        (b'{"Equipment": [{"EquipmentHeader": {}}]}', "/Equipment/0/EquipmentHeader"),
    ],
)
def test_snapshot_that_cannot_be_read_is_refused_where_it_is_wrong(data, pointer):
    found = [where for where, _ in faults(read("iso15143", data))]
    assert found and (pointer is None or pointer in found)


def test_what_was_never_measured_is_noted_and_not_kept():
    never = '<EngineStatus datetime="0001-01-01T00:00:00Z"><Running>true</Running></EngineStatus>'
    told = read("iso15143", snapshot(never))
    assert told.samples == [] and told.findings.conforms and told.findings.count[Weight.NOTE] == 1


codes = st.text("ABZ09-_", min_size=1, max_size=12)
times = st.datetimes(datetime(2001, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
# What a snapshot says is exact to the digit; elements with one part have one time.
figures = {
    element.tag: st.builds(
        Figure,
        st.sampled_from([0.0, 1.0]) if element.value == "Running" else st.floats(-1e9, 1e9),
        st.just(element.unit),
        times,
    )
    for element in ELEMENTS
    if element.name != "Location"
}
machines = st.builds(Machine, codes, st.just("haul_truck"), st.fixed_dictionaries({}, optional=figures))


@given(st.lists(machines, max_size=4, unique_by=lambda machine: machine.code), st.booleans())
def test_exported_fleet_is_imported_as_it_was(fleet, in_xml):
    page = as_json(Page(fleet, [("self", "/fleet")], NOW))
    told = read("iso15143", as_xml(page) if in_xml else page)
    assert told.findings.conforms
    sent = {(machine.code, tag): figure for machine in fleet for tag, figure in machine.figures.items()}
    got = {s.name: Figure(s.reading.value, s.unit, s.reading.measured_at) for s in told.samples}
    assert got == sent


def test_location_is_exported_whole_or_not_at_all():
    place = {tag: Figure(1.0, unit, MEASURED) for tag, unit in (("latitude", "deg"), ("elevation", "m"))}
    shown = as_json(Page([Machine("A", "truck", place)], [], NOW))["Equipment"][0]
    assert "Location" not in shown
    place["longitude"] = Figure(2.0, "", NOW)
    shown = as_json(Page([Machine("A", "truck", place)], [], NOW))["Equipment"][0]
    assert shown["Location"] == {
        "datetime": AT,
        "Latitude": 1.0,
        "Longitude": 2.0,
        "AltitudeUnits": "metre",
        "Altitude": 1.0,
    }


# Whatever comes


def is_storable(told: Translation) -> bool:
    """Every sample can be an entry of a batch, and every finding can be told as JSON."""
    for sample in told.samples:
        assert encode_entry(Entry(1, sample.reading))
        assert sample.reading.measured_at.tzinfo is UTC
    json.dumps([finding.pointer + finding.message for finding in told.findings], ensure_ascii=False).encode()
    return True


@pytest.mark.parametrize("tongue", CHECKED)
@given(
    data=st.binary(max_size=200) | st.text(max_size=100).map(str.encode) | st.text("<>/abE {}[]\"':,1").map(str.encode)
)
def test_any_bytes_are_answered_in_words(tongue, data):
    assert is_storable(read(tongue, data))


WORDS = re.findall(
    r"\w+",
    """
bn bt bu bv n v vb t u topic payload seq metrics name alias value timestamp properties Quality dataType Protocol Version
Timestamp EquipmentId MachinePositionV1 Latitude BasicMachineHealthV2 Tire TirePosition Fleet Equipment EquipmentHeader
EquipmentID Location Longitude Distance Odometer OdometerUnits Links datetime
""",
)
GOOD = ["A:b", "spBv1.0/g/DBIRTH/n/d", "spBv1.0/g/NDATA/n", AT, "Open-Autonomy", "1.7", "mile", "Float", "\ud800", "\0"]
texts = st.sampled_from(GOOD) | st.text(max_size=5)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
documents = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=30,
)


@pytest.mark.parametrize("tongue", TONGUES)
@given(document=documents)
def test_any_document_is_answered_in_words(tongue, document):
    assert is_storable(read(tongue, document))


# What is known here


KNOWN = Catalogue({"FAN-01"}, {"0190f1c4-0000-7000-8000-000000000001": "FAN-01"}, {("FAN-01", "power"): "kW"})


def sample(value: float, unit: str, code: str = "FAN-01", tag: str = "power") -> Sample:
    return Sample("/0", Reading(code, tag, value, Quality.GOOD, MEASURED), unit)


def warnings(told: Translation) -> list[tuple[str, str]]:
    held = held_against(told, KNOWN, NOW)
    judge(told, held, KNOWN)
    assert told.findings.conforms
    return [(finding.pointer, f"{finding.message} {finding.advice}") for finding in told.findings.of(Weight.WARNING)]


def test_sample_comes_into_the_unit_of_its_series():
    told = Translation([sample(1500.0, "W")])
    kept = held_against(told, KNOWN, NOW)
    assert (kept[0].reading.value, kept[0].unit) == (1.5, "kW") and list(told.findings) == []


def test_unit_of_another_kind_is_refused():
    told = Translation([sample(20.0, "Cel")])
    held_against(told, KNOWN, NOW)
    assert not told.findings.conforms


def test_machine_may_be_named_by_its_id_here():
    named_by_id = sample(1.0, "kW", code="0190F1C4-0000-7000-8000-000000000001")
    assert held_against(Translation([named_by_id]), KNOWN, NOW)[0].reading.equipment == "FAN-01"


def test_unknown_machine_is_a_warning_once():
    ((where, said),) = warnings(Translation([sample(1.0, "kW", code="X"), sample(2.0, "kW", code="X")]))
    assert where == "/0" and "not at this site" in said


def test_tag_that_the_dictionary_lacks_comes_with_what_was_meant():
    ((_, said),) = warnings(Translation([sample(1.0, "%", tag="methane"), sample(2.0, "%", tag="methane")]))
    assert "perhaps 'ch4' is meant" in said


def test_value_that_is_hardly_possible_is_a_warning_in_any_unit():
    dense = [sample(value, "[ppm]", tag="ch4") for value in (900_000.0, 1_100_000.0)]
    ((_, said),) = warnings(Translation(dense))
    assert "110 %" in said and "0 to 100 %" in said


def test_number_behind_a_tag_says_which_of_several_it_is():
    assert warnings(Translation([sample(1.0, "Cel", tag="temperature_2"), sample(1.0, "t", tag="payload_1.7")])) == []


def test_births_of_our_own_are_held_against_units_and_dictionary():
    tags = (Tag("FAN-01", "power", "Cel"), Tag("FAN-01", "ch4", "ppm"), Tag("FAN-01", "co", "[ppm]"))
    told = Translation(namings=[Naming(f"/tags/{n}", tag) for n, tag in enumerate(tags)])
    told.samples.append(sample(20.0, "", tag="co"))
    found = warnings(told)
    assert {where for where, _ in found} == {"/tags/0", "/tags/1"}
    assert any("is kept in 'kW'" in said for _, said in found) and any("perhaps '[ppm]'" in said for _, said in found)


def test_every_tag_that_adapters_name_is_in_the_dictionary():
    tags = {(each.tag, each.unit) for each in ELEMENTS}
    for columns in (POSITION, PAYLOAD, HEALTH, TYRE):
        tags |= set(columns.values())
    tags |= {("state", "1"), ("autonomous", "1"), ("active_faults", "1")}
    assert {tag: judged(tag, unit).problems for tag, unit in tags if judged(tag, unit).problems} == {}


def test_every_unit_of_senml_can_be_read():
    assert {symbol for symbol, unit in SENML.items() if named(unit) != unit} == set()


def test_reading_from_the_day_after_tomorrow_is_a_warning():
    ahead = replace(sample(1.0, "kW").reading, measured_at=NOW + timedelta(days=2))
    assert [where for where, _ in warnings(Translation([Sample("/9", ahead, "kW")]))] == ["/9"]


def test_only_units_that_nobody_named_yet_are_learnt():
    said = [sample(1.0, "W"), sample(1.0, "Cel", tag="t"), sample(274.15, "K", tag="t"), sample(1.0, "V", code="X")]
    held = held_against(Translation(said), KNOWN, NOW)
    assert new_units(held, KNOWN) == {("FAN-01", "t"): "Cel"}
    assert [each.reading.value for each in held if each.reading.tag == "t"] == [1.0, 1.0]


def test_list_of_too_many_is_refused_at_once():
    told = read("senml", [1] * 20_000)
    assert faults(told) == [("", "")] and told.findings.count[Weight.ERROR] == 1


def test_errors_are_listed_however_many_notes_there_are():
    findings = Findings()
    for n in range(MOST_FINDINGS * 2):
        findings.note(f"/{n}", "note")
    findings.error("/x", "error")
    assert len(list(findings)) == MOST_FINDINGS and [fault.pointer for fault in findings.of(Weight.ERROR)] == ["/x"]
    assert findings.count == {Weight.ERROR: 1, Weight.WARNING: 0, Weight.NOTE: MOST_FINDINGS * 2}


def test_units_convert_there_and_back_and_only_within_their_kind():
    assert converted(25.0, "Cel", "K") == 298.15 and converted(36.0, "km/h", "m/s") == pytest.approx(10.0)
    assert converted(1.0, "Cel", "%") is None and converted(1.0, "[pH]", "1") is None
    assert (named("°C"), named("litre"), named("kPa"), named("parsec")) == ("Cel", "L", "kPa", None)
    assert SENML["%RH"] == "%" and SENML["l"] == "L" and SENML["km/h"] == "km/h"

"""Topics and retained messages of the MQTT output."""

from __future__ import annotations

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from stream.outputs.mqtt_topics import Topics, topic_level
from stream.visits.presence import OpenVisit, Presence

NAMES = st.text(st.characters(codec="utf-8"), min_size=1)
ADA = Presence("Ada", "2026-01-12T09:30:12+00:00", 97, (OpenVisit("v1", "door", (1,), "x"),))


@given(name=NAMES)
def test_a_name_is_one_level_without_wildcards(name: str) -> None:
    level = topic_level(name)
    assert level
    assert not set(level) & set("/+#\0")
    assert level.isprintable()


@given(name=NAMES, other=NAMES)
def test_different_names_have_different_levels(name: str, other: str) -> None:
    assert (topic_level(name) == topic_level(other)) == (name == other)


@given(name=st.sampled_from(["a/b", "a%2Fb", "a+b", "a%2Bb", "a#", "a%23", "a\0", "a%00", "%", "%25"]))
def test_escapes_are_escaped_too(name: str) -> None:
    others = {"a/b", "a%2Fb", "a+b", "a%2Bb", "a#", "a%23", "a\0", "a%00", "%", "%25"} - {name}
    assert topic_level(name) not in {topic_level(other) for other in others}


def test_usual_names_stay_readable() -> None:
    assert topic_level("Zoë O'Neill (2)") == "Zoë O'Neill (2)"
    assert topic_level("R+D / Ops #1") == "R%2BD %2F Ops %231"


def test_presence_of_the_enrolled() -> None:
    stranger = Presence(None, "2026-01-12T09:31:00+00:00", None, (OpenVisit("v2", "yard", (2,), "x"),))
    messages = Topics("home", "").retained(["Ada", "Ben"], [ADA, stranger], {"Ben": "2026-01-12T09:29:00Z"})
    assert {topic: json.loads(text) for topic, text in messages.items()} == {
        "sge/home/presence/Ada": {
            "state": "present",
            "person": "Ada",
            "since": "2026-01-12T09:30:12+00:00",
            "sources": ["door"],
            "visits": ["v1"],
            "confidence": 97,
        },
        "sge/home/presence/Ben": {
            "state": "absent",
            "person": "Ben",
            "since": "2026-01-12T09:29:00Z",
            "sources": [],
            "visits": [],
            "confidence": None,
        },
    }


@given(name=NAMES)
def test_a_sensor_reads_the_topic_of_its_person(name: str) -> None:
    topics = Topics("home", "homeassistant")
    messages = topics.retained([name], [], {})
    state_topic = f"sge/home/presence/{topic_level(name)}"
    (sensor_topic,) = messages.keys() - {state_topic}
    assert re.fullmatch(r"homeassistant/binary_sensor/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config", sensor_topic)
    sensor = json.loads(messages[sensor_topic])
    assert (sensor["name"], sensor["state_topic"]) == (name, state_topic)
    assert sensor["availability_topic"] == topics.status
    assert sensor["device_class"] == "presence"

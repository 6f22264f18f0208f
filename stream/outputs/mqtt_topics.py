"""Topics and retained messages of the MQTT output: presence of each person, and Home Assistant's sensors."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from stream.visits.presence import Presence

__all__ = ["OFFLINE", "ONLINE", "PersonPresence", "Topics", "topic_level"]

ONLINE, OFFLINE = b"online", b"offline"

_ESCAPED = re.compile(r"[^\w .,;:'()@&!=~-]")


class PersonPresence(msgspec.Struct, frozen=True):
    """Whether an enrolled person is present.

    Attributes:
        state: `present` or `absent`.
        person: the name.
        since: UTC time of the first step of the person's earliest visit, or the time of becoming absent, ISO
            8601; null for somebody who was not present in this run.
        sources: names of the sources before which the person is.
        visits: ids of the visits.
        confidence: probability in percent that it is this person; null as in `Decision`.
    """

    state: Literal["present", "absent"]
    person: str
    since: str | None
    sources: tuple[str, ...] = ()
    visits: tuple[str, ...] = ()
    confidence: int | None = None


def topic_level(name: str) -> str:
    r"""Returns a name as one level of a topic; different names give different levels.

    Letters, digits, spaces and usual punctuation stay; each other character, such as `/`, `+`, `#` and `%`,
    becomes the bytes of its UTF-8 as `%2F`.
    """
    return _ESCAPED.sub(lambda match: quote(match[0], safe=""), name)


@dataclass(frozen=True, slots=True)
class Topics:
    """Topics of one site.

    Attributes:
        site: its name, of letters, digits, `-` and `_`.
        discovery: first level of Home Assistant's topics; empty for no sensors.
    """

    site: str
    discovery: str

    @property
    def event(self) -> str:
        """Topic of all events."""
        return f"sge/{self.site}/event"

    @property
    def status(self) -> str:
        """Topic of the availability: `ONLINE` or `OFFLINE`."""
        return f"sge/{self.site}/status"

    @property
    def of_people(self) -> list[str]:
        """Filters of all topics that there are for people."""
        presence = self._presence("+")
        return [presence, self._sensor("+")] if self.discovery else [presence]

    def retained(
        self, people: Collection[str], present: Collection[Presence], left: Mapping[str, str]
    ) -> dict[str, bytes]:
        """Returns the retained messages on people, by topic.

        Args:
            people: names of the enrolled people.
            present: who is present; only the enrolled are among the messages.
            left: UTC time of becoming absent, by name.
        """
        here = {each.person: each for each in present if each.person is not None}
        messages: dict[str, bytes] = {}
        for name in people:
            state = _state(name, here.get(name), left.get(name))
            messages[self._presence(topic_level(name))] = msgspec.json.encode(state)
            if self.discovery:
                messages[self._sensor(_person_id(name))] = msgspec.json.encode(self._config(name))
        return messages

    def _presence(self, level: str) -> str:
        return f"sge/{self.site}/presence/{level}"

    def _sensor(self, level: str) -> str:
        return f"{self.discovery}/binary_sensor/sge_{self.site}/{level}/config"

    def _config(self, name: str) -> dict[str, Any]:
        """Returns Home Assistant's settings of a person's sensor."""
        topic = self._presence(topic_level(name))
        return {
            "name": name,
            "unique_id": f"sge_{self.site}_{_person_id(name)}",
            "device_class": "presence",
            "state_topic": topic,
            "value_template": "{{ 'ON' if value_json.state == 'present' else 'OFF' }}",
            "json_attributes_topic": topic,
            "availability_topic": self.status,
            "payload_available": ONLINE.decode(),
            "payload_not_available": OFFLINE.decode(),
            "device": {"identifiers": [f"sge_{self.site}"], "name": f"sge-stream {self.site}"},
            "origin": {"name": "sge-stream"},
        }


def _person_id(name: str) -> str:
    """Returns an id of the characters that Home Assistant allows."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _state(name: str, presence: Presence | None, left: str | None) -> PersonPresence:
    if presence is None:
        return PersonPresence("absent", name, left)
    sources = tuple(sorted({visit.source for visit in presence.visits}))
    visits = tuple(visit.visit for visit in presence.visits)
    return PersonPresence("present", name, presence.since, sources, visits, presence.confidence)

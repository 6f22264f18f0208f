"""`sge-stream people`: JSON for programs, and names that are taken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from gallery.store.gallery import open_gallery
from gallery.store.people_records import PersonRecord, WalkRecord
from gallery.store.records import NewEnrolment
from stream.errors import GalleryError
from stream.terminal.people_command import people


@pytest.fixture
def gallery(tmp_path: Path) -> str:
    """A gallery with Ada, who has a walk before a camera and one before a Kinect, and Ben."""
    path = str(tmp_path / "gallery.db")
    templates = np.full((7, 6, 4), 0.123456, np.float32)
    camera = NewEnrolment("abc", "camera", 9.5, 0.8, templates, pose_model="full", view="towards,side")
    kinect = NewEnrolment("abc", "kinect-v2", 4.0, 0.75, templates[:3])
    with open_gallery(path) as store:
        store.enrol("Ada [x] :dog:", [camera, kinect], "asked")
        store.enrol("Ben", [kinect], "--yes", consent_note="his father, form 12")
    return path


def lines(*arguments: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(people, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_people_are_listed_as_a_line_of_json_each(gallery: str) -> None:
    ada, ben = lines("list", "--json", "--gallery", gallery)
    assert list(ada) == list(PersonRecord.__struct_fields__)
    assert (ada["name"], ada["consent_by"], ada["seconds"]) == ("Ada [x] :dog:", "asked", 13.5)
    assert ada["enrolled_at"].endswith("+00:00")
    assert [list(walk) for walk in ada["walks"]] == [list(WalkRecord.__struct_fields__)] * 2
    camera, kinect = ada["walks"]
    assert (camera["sensor"], camera["pose_model"], camera["views"]) == (
        "camera",
        "full",
        ["towards", "side"],
    )
    assert (kinect["pose_model"], kinect["views"], kinect["templates"]) == (None, [], 3)
    assert (ben["name"], ben["consent_by"], len(ben["walks"])) == ("Ben", "--yes", 1)
    assert (ada["consent_note"], ben["consent_note"]) == ("", "his father, form 12")


def test_a_person_is_shown_as_their_line_of_the_list(gallery: str) -> None:
    _, ben = lines("list", "--json", "--gallery", gallery)
    assert lines("show", "ben", "--json", "--gallery", gallery) == [ben]


def test_json_has_no_template_values(gallery: str) -> None:
    text = json.dumps(lines("list", "--json", "--gallery", gallery))
    assert "0.1234" not in text
    record = msgspec.json.decode(
        json.dumps(lines("show", "Ben", "--json", "--gallery", gallery)[0]), type=PersonRecord
    )
    with pytest.raises(AttributeError):
        record.name = "Eve"  # type: ignore[misc]


def test_an_empty_gallery_has_no_lines(tmp_path: Path) -> None:
    path = str(tmp_path / "empty.db")
    open_gallery(path).close()
    assert lines("list", "--json", "--gallery", path) == []


def test_a_taken_name_is_said_before_the_question(gallery: str) -> None:
    with pytest.raises(GalleryError, match=r"Ben is enrolled already.*people merge Ben 'Ada \[x\] :dog:'"):
        # Without --yes and without a terminal: the question would be another error.
        CliRunner().invoke(
            people, ["rename", "ada [x] :dog:", "BEN", "--gallery", gallery], catch_exceptions=False
        )


def test_a_name_can_change_its_case(gallery: str) -> None:
    CliRunner().invoke(
        people, ["rename", "Ben", "BEN", "--yes", "--gallery", gallery], catch_exceptions=False
    )
    assert [person["name"] for person in lines("list", "--json", "--gallery", gallery)][1] == "BEN"

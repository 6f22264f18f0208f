"""Names of the enrolled people, for threads that ask again and again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from gallery.store.gallery import open_gallery
from gallery.store.records import NewEnrolment
from stream.consent import Consent
from stream.errors import GalleryError
from stream.system.people_list import PeopleList


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{(tmp_path / 'gallery.db').as_posix()}"


@pytest.fixture
def people(url: str) -> Iterator[PeopleList]:
    with closing(PeopleList(url)) as people:
        yield people


def enrol(url: str, name: str) -> None:
    walk = NewEnrolment("model-1", "kinect-v1", 4.5, 0.75, np.ones((3, 6, 8), np.float32))
    with open_gallery(url) as gallery:
        gallery.enrol(name, [walk], Consent.STATED)


def test_nobody_is_enrolled_before_there_is_a_gallery(people: PeopleList, url: str, tmp_path: Path) -> None:
    assert people.names() == ()
    assert list(tmp_path.iterdir()) == [], "asking makes no gallery"
    enrol(url, "Zoë")
    assert people.names() == ("Zoë",)


def test_names_follow_the_gallery(people: PeopleList, url: str) -> None:
    for name in ("Ben", "Ada"):
        enrol(url, name)
    assert people.names() == ("Ada", "Ben")
    with open_gallery(url) as gallery:
        gallery.rename("Ada", "Ada Lovelace")
        assert people.names() == ("Ada Lovelace", "Ben")
        gallery.remove("Ben")
    assert people.names() == people.names() == ("Ada Lovelace",)


def test_a_gallery_that_is_gone_is_an_error_and_no_empty_list(
    people: PeopleList, url: str, tmp_path: Path
) -> None:
    enrol(url, "Ada")
    assert people.names() == ("Ada",)
    for file in tmp_path.iterdir():
        file.unlink()
    with pytest.raises(GalleryError):
        people.names()


def test_another_thread_may_ask(people: PeopleList, url: str) -> None:
    enrol(url, "Ada")
    found = []
    threads = [threading.Thread(target=lambda: found.append(people.names())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [("Ada",)] * 4


def test_a_list_that_is_closed_opens_no_gallery(people: PeopleList, url: str, tmp_path: Path) -> None:
    enrol(url, "Ada")
    assert people.names() == ("Ada",)
    people.close()
    for file in tmp_path.iterdir():
        file.unlink()
    assert people.names() == ("Ada",)

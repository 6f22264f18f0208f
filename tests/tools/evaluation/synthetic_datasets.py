"""Synthetic walks of data sets with sessions, views and conditions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stream.skeleton import get_layout
from tools.datasets import Walk


def make_walk(
    person: str,
    name: str,
    *,
    layout: str = "kinect-v1",
    frames: int = 40,
    rate_hz: float = 30.0,
    session: str = "",
    view: str = "",
    condition: str = "",
) -> Walk:
    """Returns a walk of a standing person; the person seeds the body, the walk's name the noise."""
    joints = len(get_layout(layout).joints)
    body = np.random.default_rng(sum(person.encode())).normal(0, 0.3, (joints, 3))
    random = np.random.default_rng([*person.encode(), *name.encode()])
    skeletons = (body + random.normal(0, 0.01, (frames, joints, 3))).astype(np.float32)
    if get_layout(layout).is_2d:
        skeletons[..., 2] = 0
    time_ns = np.round(np.arange(frames) * 1e9 / rate_hz).astype(np.int64)
    confidence = np.ones((frames, joints), np.float32)
    return Walk(
        person,
        name,
        "synthetic",
        layout,
        time_ns,
        skeletons,
        confidence,
        f"synthetic/{person}/{name}",
        view=view,
        condition=condition,
        session=session,
    )


def sessions(people: Mapping[str, tuple[str, ...]], **more: object) -> list[Walk]:
    """Returns a walk of each person in each of their sessions, as in BIWI and IAS-Lab."""
    return [
        make_walk(person, session, session=session, **more)  # type: ignore[arg-type]
        for person, names in people.items()
        for session in names
    ]


def ks20(people: int = 3, frames: int = 30) -> list[Walk]:
    """Returns KS20-like walks: five views and three takes of each person, 25 joints."""
    views = ("frontal", "left_diagonal", "left_lateral", "right_diagonal", "right_lateral")
    return [
        make_walk(str(person), f"{view}-{take}", layout="kinect-v2", frames=frames, view=view, session=take)
        for person in range(1, people + 1)
        for view in views
        for take in ("gc1", "gc2", "gc3")
    ]


def casia(
    people: int = 4, layout: str = "openpose-14", views: tuple[str, ...] = ("000", "018", "036")
) -> list[Walk]:
    """Returns CASIA-B-like walks: two sequences of each condition in each view."""
    return [
        make_walk(
            f"{person:03d}",
            f"{condition}-{number}-{view}",
            layout=layout,
            frames=30,
            rate_hz=25.0,
            session=number,
            view=view,
            condition=condition,
        )
        for person in range(1, people + 1)
        for condition in ("nm", "bg", "cl")
        for number in ("01", "02")
        for view in views
    ]

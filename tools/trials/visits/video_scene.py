"""Visits in a video of people who cross, where nobody knows who they are: tracks before and after linking.

What can be counted without names: tracks that end inside the picture while another begins nearby soon
afterwards (`tools.trials.video_tracking`), of tracks and of visits; and links of tracks whose torsos have
different colours.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stream.body import BodyFrame, FloatArray
from stream.errors import EndOfSource
from stream.sources import open_source
from tools.trials.video_tracking import COLOUR_FRAMES, ImageTrack, VideoTracks, count_fragmentations
from tools.trials.visits.figures import collect_visits
from tools.trials.visits.replay import LivePath, visit_events
from tools.trials.visits.stage import Passage, StagedSource

__all__ = ["VideoFigures", "join_tracks", "linked_colours", "measure_video", "split_colours"]


@dataclass(frozen=True, slots=True)
class VideoFigures:
    """Counts of one video.

    Attributes:
        bodies: body ids that the camera path gave.
        broken: of these, how many end inside the picture where another begins nearby.
        visits: visits told of.
        divided: of these and the bodies without a visit, how many end so.
        links: pairs of bodies, one after the other, that a visit joins.
        unlike: links whose torso colours differ more than those of nearly all (95 %) single bodies do.
    """

    bodies: int
    broken: int
    visits: int
    divided: int
    links: int
    unlike: int


def measure_video(address: str, live: LivePath) -> VideoFigures:
    """Follows the people of a video through the camera path and the live path's functions.

    Raises:
        SgeError: the video cannot be read.
    """
    video, source = _read(address)
    replayed = live.replay([source])
    events = visit_events(replayed, live.matcher(replayed.cards, []), live.contract)
    body_of = {place: body for body, place in source.owners.items()}
    groups = []
    for visit in collect_visits(events).values():
        places = (place for track in visit.tracks for place in replayed.shown.get(track, ()))
        groups.append([body_of[place] for place in dict.fromkeys(places)])
    limit = float(np.percentile(split_colours(video.tracks.values()), 95))
    colours = linked_colours(video.tracks, groups)
    return VideoFigures(
        bodies=len(video.tracks),
        broken=count_fragmentations(video),
        visits=len(groups),
        divided=count_fragmentations(join_tracks(video, groups)),
        links=len(colours),
        unlike=sum(each > limit for each in colours),
    )


def join_tracks(video: VideoTracks, groups: Iterable[Sequence[int]]) -> VideoTracks:
    """Returns the video as if the bodies of each group had one id."""
    joined = VideoTracks(size=video.size, rate=video.rate)
    number = {body: body for body in video.tracks}
    for group in groups:
        number |= dict.fromkeys(group, group[0])
    for body, track in video.tracks.items():
        whole = joined.tracks[number[body]]
        for name in ("boxes", "torsos", "colours"):
            getattr(whole, name).update(getattr(track, name))
    return joined


def linked_colours(tracks: Mapping[int, ImageTrack], groups: Iterable[Sequence[int]]) -> list[float]:
    """Returns how much the torso colours differ over each link, CIELAB."""
    found = []
    for group in groups:
        for before, after in itertools.pairwise(group):
            last, first = _colours(tracks[before])[-COLOUR_FRAMES:], _colours(tracks[after])[:COLOUR_FRAMES]
            if len(last) and len(first):
                found.append(_distance(last, first))
    return found


def split_colours(tracks: Iterable[ImageTrack]) -> list[float]:
    """Returns how much the torso colours differ within single bodies, as over a link in their middle."""
    found = []
    for track in tracks:
        colours = _colours(track)
        middle = len(colours) // 2
        if middle >= COLOUR_FRAMES:
            found.append(
                _distance(colours[middle - COLOUR_FRAMES : middle], colours[middle : middle + COLOUR_FRAMES])
            )
    return found or [np.inf]


def _read(address: str) -> tuple[VideoTracks, StagedSource]:
    opened = open_source(address, speed=0)
    video, frames = VideoTracks(), list[BodyFrame]()
    try:
        while True:
            frame = opened.read(0)
            if frame is not None:
                video.add(len(frames), frame)
                frames.append(BodyFrame(frame.time_ns, frame.bodies))
    except EndOfSource:
        info = opened.info
    finally:
        opened.close()
    video.rate = 1e9 / float(np.median(np.diff([frame.time_ns for frame in frames])))
    bodies = list(dict.fromkeys(body.id for frame in frames for body in frame.bodies))
    owners = {body: place for place, body in enumerate(bodies)}
    passages = tuple(Passage(f"body {body}", 0, 0, 0, 0) for body in bodies)
    return video, StagedSource(info, tuple(frames), passages, owners)


def _colours(track: ImageTrack) -> FloatArray:
    return np.array([track.colours[number] for number in sorted(track.colours)], np.float32).reshape(-1, 3)


def _distance(one: FloatArray, other: FloatArray) -> float:
    return float(np.linalg.norm(one.mean(axis=0) - other.mean(axis=0)))

"""The page on cameras explains every reason that a picture can show."""

from __future__ import annotations

import re

from stream.sources.camera import crowd_poses, pose_pipeline
from tests.documentation.documents import ROOT

REASONS = {
    crowd_poses.NO_POSE,
    crowd_poses.MISFIT,
    crowd_poses.DUPLICATE,
    crowd_poses.TOO_MANY,
    pose_pipeline.TOO_SMALL,
    pose_pipeline.NO_DISTANCE,
}


def test_every_reason_for_a_person_without_a_skeleton_is_explained() -> None:
    page = (ROOT / "docs" / "sources" / "webcam.md").read_text(encoding="utf-8")
    section = page.partition("## Somebody without a skeleton")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)) == REASONS

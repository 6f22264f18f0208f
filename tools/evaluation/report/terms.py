"""What the technical terms of a report mean; the page explains those that occur on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["TERMS", "terms_in"]

TERMS: Mapping[str, str] = MappingProxyType(
    {
        "probe": "a walk, or a window of one, whose person is to be found.",
        "gallery": "the people who are known, and their walks.",
        "window": "some skeletons in a row: with f = 6 and 30 skeletons a second, 0.2 s of walking.",
        "enrolled": "known: of these people, other walks were stored.",
        "stranger": "a person who is not enrolled; the right answer is to name nobody.",
        "search": "one probe, compared with everybody who is enrolled.",
        "Rank-1": (
            "share of probes for which the best candidate is the right person; higher is better. "
            "Strangers do not occur in it."
        ),
        "Rank-5": "share of probes for which the right person is among the five best; Rank-10: the ten best.",
        "FPIR": (
            "false positive identification rate: share of searches of strangers that name somebody; "
            "lower is better. --fpir asks for a share, which the thresholds should keep."
        ),
        "FNIR": (
            "false negative identification rate: share of searches of enrolled people that do not name "
            "the right person; lower is better. A stricter FPIR makes it higher."
        ),
        "EER": (
            "equal error rate: the error where as many pairs of walks of one person are rejected as "
            "pairs of two people are accepted; lower is better. 50 % is guessing."
        ),
        "d'": (
            "distance between the mean scores of the same and of different people, in standard "
            "deviations; higher is better."
        ),
        "†": (
            "at thresholds that were set beforehand, on other people, as users have them. The other "
            "columns with FNIR have thresholds that were set on these searches, so they show what the "
            "scores could give."
        ),
        "s to name": "median seconds of walking until the right name was given and kept.",
        "threshold": "the lowest score with which somebody is named.",
        "genuine": "said of a comparison of one person with their own stored walks.",
        "impostor": "said of a comparison of one person with the stored walks of somebody else.",
        "cumulative matching characteristic": (
            "CMC: for each k, the share of probes whose right person is among the k best candidates."
        ),
        "detection error trade-off": (
            "DET: missed people against wrong names, over all thresholds; lower is better."
        ),
        "mAP": (
            "mean average precision: how early all stored windows of the right person come in the order "
            "of similarity; higher is better."
        ),
        "mINP": (
            "mean inverse negative penalty: how early the last stored window of the right person comes; "
            "higher is better."
        ),
        "nAUC": "normalised area under a curve (CMC, or ROC); higher is better. 50 % is guessing.",
        "ROC": ("receiver operating characteristic: found people against wrong names, over all thresholds."),
        "95 % interval": (
            "the range in which the figure lies for 95 of 100 random selections of these people, drawn "
            "with replacement: how far it may depend on who was measured. It does not cover other "
            "sensors or other places."
        ),
        "false accept rate": "share of comparisons of two people that are taken for one person.",
        "false reject rate": "share of comparisons of one person's walks that are taken for two people.",
        "normal deviate scale": "an axis that draws the errors of normally distributed scores as a line.",
        "labels": "names of the training people: methods marked * learned from them.",
    }
)
"""Definitions by term, in the order in which they are shown."""


def terms_in(text: str) -> dict[str, str]:
    """Returns the terms that occur in a text, in singular or plural, with their definitions."""
    return {
        term: meaning
        for term, meaning in TERMS.items()
        if re.search(rf"(?<!\w){re.escape(term)}(?:e?s)?(?!\w)", text, re.IGNORECASE)
    }

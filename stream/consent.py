"""Whose word stands for the consent of an enrolled person."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Consent"]


class Consent(StrEnum):
    """Whose consent an enrolment rests on; the gallery stores the value.

    Attributes:
        ASKED: the person's own: they were asked during this enrolment, and agreed.
        STATED: the operator's, who states that the person, or who decides for them, agreed before.
    """

    ASKED = "asked"
    STATED = "--yes"

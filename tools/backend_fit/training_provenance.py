"""Whom weights were trained on, to keep learning and measuring apart."""

from __future__ import annotations

from encoder.training.model_card import seen_people
from encoder.weights import LoadedEncoder, Weights
from stream.errors import UserError

__all__ = ["FITTED_ON", "MAY_SHIP", "check_may_ship", "trained_on"]

MAY_SHIP: dict[str, range | None] = {
    "kgbd": range(1, 101),
    "kinect2_patho": range(1, 6),
    "cmu": None,
}
"""Who may have trained what ships, by how a source's name begins; None stands for everybody in it. All others
are for measuring, or their licence is not known."""

FITTED_ON = {"kgbd": range(1, 101), "patho": range(1, 6)}
"""Whom `tools.backend_fit.fit_backend` fits every back-end on, by data set."""


def trained_on(loaded: LoadedEncoder, source: str) -> frozenset[str] | None:
    """The people of a data set that encoders were trained on.

    Args:
        loaded: with weights that were trained.
        source: how the data set's name begins, in small letters.

    Returns:
        Their numbers; None where weights do not say, or not whom.
    """
    found: frozenset[str] = frozenset()
    for extra in loaded.extra:
        seen = seen_people(extra)
        if seen is None:
            return None
        for name, people in seen.items():
            if name.lower().startswith(source):
                if not people:
                    return None
                found |= people
    return found


def check_may_ship(weights: Weights) -> None:
    """See that everybody whom weights were trained on may enter what ships.

    Raises:
        UserError: somebody may not, or the weights do not say whom they were trained on.
    """
    seen = seen_people(weights.extra)
    if not seen:
        raise UserError("the weights do not say whom they were trained on; train them with sge-stream train")
    for name, people in seen.items():
        beginning = next((known for known in MAY_SHIP if name.lower().startswith(known)), None)
        if beginning is None:
            raise UserError(
                f"the weights were trained on {name}, which may not train what ships; these may: "
                f"{', '.join(MAY_SHIP)}"
            )
        allowed = MAY_SHIP[beginning]
        if allowed is None:
            continue
        numbers = {int(person) for person in people}
        if not numbers or (odd := sorted(numbers - set(allowed))):
            who = f"person {odd[0]}" if numbers else "somebody unnamed"
            raise UserError(
                f"the weights were trained on {who} of {name}, who may not train what ships; people "
                f"{allowed[0]} to {allowed[-1]} may: train on these"
            )

"""People used in training, to prevent test leakage: permitted people, and those recorded in weights."""

from __future__ import annotations

from collections.abc import Collection

from encoder.training.model_card import training_people
from encoder.weights import LoadedEncoder, Weights
from stream.errors import UserError

__all__ = ["FITTED_ON", "MAY_SHIP", "RGB_PEOPLE", "check_may_ship", "trained_on", "training_overlap"]

MAY_SHIP: dict[str, range | None] = {
    "kgbd": range(1, 101),
    "kinect2_patho": range(1, 6),
    "kinect2_ucalgary": None,
    "cmu": None,
}
"""People permitted for weights that ship, by the beginning of a source's name; None for all of the source.

All others are reserved for testing, or their licence is not known.
"""

RGB_PEOPLE = (
    *("Diz_001", "Diz_003", "Diz_005", "Diz_008", "Diz_011"),
    *(f"Val_{number:03d}" for number in range(3, 28, 2)),
)
"""People at odd places of the sorted names, of the poses estimated from videos."""

FITTED_ON: dict[str, tuple[str, ...]] = {
    "kgbd": tuple(map(str, range(1, 101))),
    "patho": tuple(map(str, range(1, 6))),
    "ucalgary": tuple(map(str, (*range(201, 210), *range(211, 215)))),
    "rgb": RGB_PEOPLE,
}
"""People that `tools.backend_fit.fit_backend` uses for every back-end, by data set."""


def trained_on(loaded: LoadedEncoder, source: str) -> frozenset[str] | None:
    """Returns the people of a data set that encoders were trained on.

    Args:
        loaded: trained encoders.
        source: the beginning of the data set's name, in lower case.

    Returns:
        Their numbers; None where the weights do not record them.
    """
    found: frozenset[str] = frozenset()
    for extra in loaded.extra:
        recorded = training_people(extra)
        if recorded is None:
            return None
        for name, people in recorded.items():
            if name.lower().startswith(source):
                if not people:
                    return None
                found |= people
    return found


def training_overlap(loaded: LoadedEncoder, source: str, people: Collection[int]) -> str:
    """Returns the end of a sentence on people of a data set: how many of them a trained encoder knows.

    Args:
        loaded: encoders; untrained ones know nobody, and nothing is said.
        source: see `trained_on`.
        people: their numbers.
    """
    if not loaded.trained:
        return ""
    training_people = trained_on(loaded, source)
    if training_people is None:
        return "; whether the encoder was trained on them is not known"
    known = len(training_people & {str(person) for person in people})
    return f"; the encoder was trained on {known or 'none'} of these people"


def check_may_ship(weights: Weights) -> None:
    """Checks that all training people of weights are in `MAY_SHIP`.

    Raises:
        UserError: a person is not, or the weights do not record their training people.
    """
    recorded = training_people(weights.extra)
    if not recorded:
        raise UserError("the weights do not record their training people; train them with sge-stream train")
    for name, people in recorded.items():
        beginning = next((known for known in MAY_SHIP if name.lower().startswith(known)), None)
        if beginning is None:
            raise UserError(
                f"the weights were trained on {name}, which may not train weights that ship; allowed: "
                f"{', '.join(MAY_SHIP)}"
            )
        allowed = MAY_SHIP[beginning]
        if allowed is None:
            continue
        numbers = {int(person) for person in people}
        if not numbers or (odd := sorted(numbers - set(allowed))):
            who = f"person {odd[0]}" if numbers else "an unnamed person"
            raise UserError(
                f"the weights were trained on {who} of {name}, who may not train weights that ship; train on "
                f"people {allowed[0]} to {allowed[-1]}"
            )

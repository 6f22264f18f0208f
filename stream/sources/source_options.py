"""Options of a source string, as in `walkers:n=4,seed=1`, and their error messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stream.errors import SourceError

__all__ = ["OptionTable"]


@dataclass(frozen=True, slots=True)
class OptionTable:
    """The options of one kind of source.

    Attributes:
        kind: the source's name.
        descriptions: option name -> the value it expects; in the order of the canonical form.
    """

    kind: str
    descriptions: Mapping[str, str]

    @property
    def possible(self) -> str:
        """List of all options, for the end of an error message."""
        return "possible options: " + ", ".join(self.descriptions)

    def check_names(self, given: Iterable[str]) -> None:
        """Checks that the given options exist.

        Raises:
            SourceError: names the unknown option and lists all options.
        """
        for key in given:
            if key not in self.descriptions:
                raise SourceError(f"{self.kind} has no option {key!r}; {self.possible}")

    def expected(self, key: str) -> str:
        """Returns the start of an error message: the option and the value it expects."""
        return f"{self.kind} option {key} must be {self.descriptions[key]}"

    def invalid(self, key: str, text: str) -> SourceError:
        """Returns the error for an invalid value of an option."""
        return SourceError(f"{self.expected(key)}, not {text!r}; {self.possible}")

    def canonical(self, given: Mapping[str, str]) -> str:
        """Returns the source string with the given options, in canonical order."""
        spec = ",".join(f"{key}={given[key]}" for key in self.descriptions if key in given)
        return f"{self.kind}:{spec}" if spec else self.kind

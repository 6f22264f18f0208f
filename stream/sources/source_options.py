"""Options of a source, as in `walkers:n=4,seed=1`, and what is said of wrong ones."""

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
        texts: every option and what it says; the order is that of the canonical form.
    """

    kind: str
    texts: Mapping[str, str]

    @property
    def possible(self) -> str:
        """All options, for the end of an error."""
        return "possible options: " + ", ".join(self.texts)

    def check_names(self, given: Iterable[str]) -> None:
        """See that there are such options.

        Raises:
            SourceError: names the option, and all that there are.
        """
        for key in given:
            if key not in self.texts:
                raise SourceError(f"{self.kind} has no option {key!r}; {self.possible}")

    def says(self, key: str) -> str:
        """The beginning of an error: whose option it is, and what was expected."""
        return f"{self.kind}'{'' if self.kind.endswith('s') else 's'} option {key} is {self.texts[key]}"

    def wrong(self, key: str, text: str) -> SourceError:
        """The error for a value that is not what the option says."""
        return SourceError(f"{self.says(key)}, not {text!r}; {self.possible}")

    def written(self, given: Mapping[str, str]) -> str:
        """The source with the options given, in canonical form."""
        spec = ",".join(f"{key}={given[key]}" for key in self.texts if key in given)
        return f"{self.kind}:{spec}" if spec else self.kind

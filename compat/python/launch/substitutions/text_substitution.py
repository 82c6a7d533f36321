"""A plain text."""

from __future__ import annotations

from ..substitution import Substitution


class TextSubstitution(Substitution):
    """Stands for `text` itself."""

    def __init__(self, *, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"TextSubstitution: text must be str, got '{text}' of type {type(text)}")
        self.__text = text

    @property
    def text(self) -> str:
        """The text."""
        return self.__text

    def describe(self) -> str:
        """The text, quoted."""
        return f"'{self.__text}'"

    def perform(self, context) -> str:
        """Return the text."""
        return self.__text

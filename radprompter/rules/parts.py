"""Words of a lexicon that match longer words: `word*`, `*word` and `*word*`."""

from __future__ import annotations


class Parts:
    """Patterns with a star."""

    def __init__(self) -> None:
        self._beginnings: set[str] = set()
        self._others: dict[str, None] = {}  # in the order in which they were added
        self._longest = 0

    def add(self, part: str) -> None:
        """Look for a pattern."""
        if part.startswith("*"):
            self._others[part] = None
        else:
            self._beginnings.add(part[:-1])
            self._longest = max(self._longest, len(part) - 1)

    @property
    def letters(self) -> set[str]:
        """The patterns without their stars."""
        return self._beginnings | {part.strip("*") for part in self._others}

    def matching(self, word: str) -> list[str]:
        """The patterns that a word matches."""
        ends = range(1, min(len(word), self._longest) + 1)
        found = [word[:end] + "*" for end in ends if word[:end] in self._beginnings]
        return found + [part for part in self._others if _holds(part, word)]


def _holds(part: str, word: str) -> bool:
    bare = part.strip("*")
    return bare in word if part.endswith("*") else word.endswith(bare)

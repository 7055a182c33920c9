"""Answers without a file: for runs that leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterable

from radprompter.records import Completion


class Memory:
    """What a journal does, until the process ends; of failures, only replies that were cut off are known again."""

    def __init__(self) -> None:
        self._known: dict[str, Completion] = {}

    def find_all(self, keys: Iterable[str], *, truncated: bool = False) -> dict[str, Completion]:
        """What is known under some keys; replies that were cut off only if `truncated` is asked for."""
        found = {key: self._known[key] for key in keys if key in self._known}
        return {key: completion for key, completion in found.items() if completion.failure is None or truncated}

    def store(self, key: str, completion: Completion) -> None:
        """Keep an answer; one that was cut off takes no place of a whole one."""
        if completion.failure is None or (completion.failure == "truncated" and key not in self._known):
            self._known[key] = completion

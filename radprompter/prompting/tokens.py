"""How many tokens a text has: by a model's own tokenizer where its file is at hand, else approximately.

Only words that are written are counted. What a server's chat template puts around each message, a few tokens, is not.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from radprompter.errors import RecipeError
from radprompter.files import sha256
from radprompter.records import Prompt

CHARACTERS_PER_TOKEN = 4
"""A usual figure for English; tokenizers and languages differ, so counts made with it are called approximate."""

TOKENIZER_FILE = "tokenizer.json"

_REMEMBERED = 512  # texts; system texts and earlier turns come again and again


@dataclass(frozen=True, slots=True)
class TokenCounter:
    """Counts the tokens of a text; `name` says in a few words how."""

    name: str
    is_approximate: bool
    count: Callable[[str], int]


def _approximate(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)


APPROXIMATE = TokenCounter(f"approximate: characters / {CHARACTERS_PER_TOKEN}", True, _approximate)
"""The counter without a tokenizer."""


def load_counter(path: Path | None) -> TokenCounter:
    """The counter that a `tokenizer.json`, or a model's folder that has one, gives; `APPROXIMATE` without a path.

    The file is read from this disk and nothing is fetched.

    Raises
    ------
    RecipeError
        If the file is absent or no tokenizer, or the package `tokenizers` is not installed.
    """
    if path is None:
        return APPROXIMATE
    file = path / TOKENIZER_FILE if path.is_dir() else path
    if not file.is_file():
        raise RecipeError(f"label.tokenizer: {file}: no such file; name a {TOKENIZER_FILE}, or a folder that has one")
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise RecipeError(
            "label.tokenizer: the package `tokenizers` is not installed; pip install 'radprompter-imagetrain[tokens]', "
            "or take label.tokenizer away and have tokens counted approximately"
        ) from None
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the package raises nothing more special
        raise RecipeError(
            f"label.tokenizer: {file}: cannot be read as a tokenizer ({type(error).__name__}); "
            f"expected the {TOKENIZER_FILE} that comes with the model"
        ) from None
    tokenizer.no_truncation()
    tokenizer.no_padding()

    @functools.lru_cache(maxsize=_REMEMBERED)
    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    return TokenCounter(
        f"tokenizer {file.resolve().parent.name}/{file.name}, SHA-256 {sha256(file)[:12]}", False, count
    )


def count_prompt_tokens(prompt: Prompt, counter: TokenCounter = APPROXIMATE) -> int:
    """Prompt tokens of all requests of a conversation; a later turn repeats the messages before it, not the replies."""
    so_far = total = 0
    for turn in prompt.turns:
        so_far += sum(counter.count(message.content) for message in turn.messages)
        total += so_far
    return total

"""Token counts: by a model's tokenizer where there is one, else approximately and said to be so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from radprompter.errors import RecipeError
from radprompter.prompting.tokens import APPROXIMATE, count_prompt_tokens, load_counter
from radprompter.records import Message, Prompt, Report, Turn

WORDS = ["[?]", "No", "fracture", ".", "gap"]


def write_tokenizer(folder: Path, *, truncation: int | None = None) -> Path:
    """A tokenizer file as model folders have it: one token a word or punctuation mark."""
    folder.mkdir(parents=True, exist_ok=True)
    cut = None if truncation is None else {
        "direction": "Right", "max_length": truncation, "strategy": "LongestFirst", "stride": 0,
    }  # fmt: skip
    content = {
        "version": "1.0",
        "truncation": cut,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": {word: n for n, word in enumerate(WORDS)}, "unk_token": "[?]"},
    }
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.mark.parametrize(("text", "n_tokens"), [("", 0), ("x", 1), ("xxxx", 1), ("xxxxx", 2), ("ü" * 40, 10)])
def test_without_a_tokenizer_four_characters_are_about_a_token(text: str, n_tokens: int) -> None:
    assert load_counter(None) is APPROXIMATE
    assert APPROXIMATE.count(text) == n_tokens
    assert APPROXIMATE.is_approximate and APPROXIMATE.name.startswith("approximate")


@pytest.mark.parametrize("named", ["folder", "file"])
def test_a_tokenizer_counts_as_the_model_does(named: str, tmp_path: Path) -> None:
    pytest.importorskip("tokenizers", reason="the extra `tokens` is not installed")
    folder = write_tokenizer(tmp_path / "model")
    counter = load_counter(folder if named == "folder" else folder / "tokenizer.json")
    assert [counter.count(text) for text in ("", "No fracture.", "No  gap . . .", "anything")] == [0, 3, 5, 1]
    assert not counter.is_approximate
    assert counter.name.startswith("tokenizer model/tokenizer.json, SHA-256 ")


def test_a_limit_in_the_tokenizers_own_file_does_not_cut_the_count(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers", reason="the extra `tokens` is not installed")
    assert load_counter(write_tokenizer(tmp_path, truncation=2)).count("No fracture . . .") == 5


@pytest.mark.parametrize("content", ["", "{}", '{"model": 3}', "no json"])
def test_a_file_that_is_no_tokenizer_is_refused(content: str, tmp_path: Path) -> None:
    pytest.importorskip("tokenizers", reason="the extra `tokens` is not installed")
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(RecipeError, match=r"tokenizer\.json: cannot be read as a tokenizer"):
        load_counter(tmp_path)


def test_an_absent_tokenizer_is_refused_and_never_fetched(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "tokenizer.json", Path("bert-base-uncased")):
        with pytest.raises(RecipeError, match=r"label\.tokenizer: .*no such file"):
            load_counter(path)


def test_a_later_turn_counts_the_messages_before_it_again() -> None:
    turns = (Turn((Message("user", "x" * 40),), 10), Turn((Message("user", "x" * 20),), 10))
    assert count_prompt_tokens(Prompt(Report("r", {}), turns)) == 10 + 15

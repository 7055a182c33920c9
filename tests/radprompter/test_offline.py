"""The backend that runs vLLM in the process, as far as it can be told without vLLM."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from asking import prompt
from label_study import study
from small_region import small_region

from radprompter.backends import open_backend
from radprompter.backends.engine import response_body
from radprompter.errors import RecipeError


def offline(tmp_path: Path, **settings: Any) -> Any:
    return open_backend({"name": "vllm-offline", "model": "m", **settings}, small_region(tmp_path))


def test_without_vllm_one_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)  # also where it is installed
    with pytest.raises(RecipeError, match="install the extra `vllm`"):
        list(offline(tmp_path).complete([prompt("a")]))


def test_what_changes_an_answer_is_identity_and_what_does_not_is_not(tmp_path: Path) -> None:
    plain = offline(tmp_path).identity
    for changes in ({"dtype": "float32"}, {"seed": 3}, {"engine_seed": 3}, {"extra_body": {"top_p": 0.5}}):
        assert offline(tmp_path, **changes).identity != plain
    template = tmp_path / "chat.jinja"
    template.write_text("{{ messages }}")
    with_template = offline(tmp_path, chat_template=str(template)).identity
    template.write_text("{{ messages }}!")
    assert plain != with_template != offline(tmp_path, chat_template=str(template)).identity
    same = offline(tmp_path, gpu_memory_utilization=0.5, tensor_parallel=2, chunk_size=7, max_logprobs=5).identity
    assert same == plain


def test_a_chat_template_that_is_absent_is_refused_before_a_model_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such file"):
        offline(tmp_path, chat_template=str(tmp_path / "none.jinja"))


def test_a_field_that_only_a_server_reads_is_refused_and_not_left_out(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="only a server reads it"):
        offline(tmp_path, extra_body={"response_format": {"type": "json_object"}})


@pytest.mark.parametrize("name", ["openai-batch", "vllm-offline"])
def test_samples_that_would_all_be_alike_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecipeError, match="samples at temperature 0 are all alike"):
        study(tmp_path, {"name": name, "model": "m"}, {"a": "x"}, samples=3)


def test_a_token_that_a_grammar_forbids_is_written_as_the_server_writes_it() -> None:
    first = {5: SimpleNamespace(decoded_token="A", logprob=-0.1), 6: SimpleNamespace(decoded_token="B", logprob=-1e30)}
    said = SimpleNamespace(finish_reason="length", text="A", token_ids=[5], logprobs=[first])
    output: Any = SimpleNamespace(outputs=[said], prompt_token_ids=[1, 2], num_cached_tokens=None)
    (choice,) = response_body(output, "m", 2)["choices"]
    assert [entry["logprob"] for entry in choice["logprobs"]["content"][0]["top_logprobs"]] == [-0.1, -9999.0]

"""Azure OpenAI: the deployment in the path, the version in the query, the key in a header of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asking import prompt
from fake_endpoint import Behaviour, Endpoint, Fault, answer, endpoint
from small_region import small_region

from radprompter.backends import open_backend
from radprompter.backends.request import OpenAIOptions
from radprompter.errors import BackendError, RecipeError
from radprompter.records import Completion

VERSION = "2024-10-21"
FILTERED = b"""{"error": {"message": "The response was filtered: Mr Smith", "type": null, "param": "prompt",
 "code": "content_filter", "status": 400, "innererror": {"code": "ResponsibleAIPolicyViolation"}}}"""


def ask_azure(behave: Behaviour, tmp_path: Path, **azure: Any) -> tuple[Completion, Endpoint]:
    with pytest.MonkeyPatch.context() as patch, endpoint(behave) as server:
        patch.setenv("AZURE_OPENAI_API_KEY", "azure-key")
        settings = {"base_url": server.root, "azure": {"api_version": VERSION, **azure}}
        backend = open_backend(
            {"name": "openai", "model": "gpt-4o", "api_key_env": "AZURE_OPENAI_API_KEY", **settings},
            small_region(tmp_path),
        )
        (completion,) = backend.complete([prompt("a")])
    return completion, server


@pytest.mark.parametrize(
    ("azure", "deployment"),
    [({}, "gpt-4o"), ({"deployment": "my-gpt"}, "my-gpt"), ({"deployment": "a/b?c"}, "a%2Fb%3Fc")],
)
def test_a_request_goes_to_the_deployment_with_version_and_key(
    azure: dict[str, Any], deployment: str, tmp_path: Path
) -> None:
    completion, server = ask_azure(lambda n, body: answer("{}"), tmp_path, **azure)
    assert (completion.failure, completion.answer) == (None, "{}")
    assert server.paths == [f"/openai/deployments/{deployment}/chat/completions?api-version={VERSION}"]
    assert server.headers[0]["api-key"] == "azure-key"
    assert "authorization" not in server.headers[0]


@pytest.mark.parametrize("response", [Fault(400, body=FILTERED), answer(None, finish_reason="content_filter")])
def test_what_the_content_filter_stops_is_filtered(response: Any, tmp_path: Path) -> None:
    completion, server = ask_azure(lambda n, body: response, tmp_path)
    assert (completion.failure, len(server.bodies)) == ("filtered", 1)


def test_a_deployment_that_is_not_there_stops_the_run(tmp_path: Path) -> None:
    fault = Fault(404, body=b'{"error": {"code": "DeploymentNotFound", "message": "azure-key"}}')
    with pytest.raises(BackendError, match="does not know this model") as caught:
        ask_azure(lambda n, body: fault, tmp_path)
    assert "azure-key" not in str(caught.value)


def test_an_azure_endpoint_is_elsewhere_and_needs_permission(tmp_path: Path) -> None:
    settings = {"base_url": "https://x.openai.azure.com", "azure": {"api_version": VERSION}}
    with pytest.raises(RecipeError, match=r"x\.openai\.azure\.com is not on this machine"):
        open_backend({"name": "openai", "model": "m", **settings}, small_region(tmp_path))


def test_azure_counts_as_part_of_the_endpoint_only_where_it_is_set() -> None:
    plain = OpenAIOptions(model="m").identity()
    assert "azure" not in plain
    assert OpenAIOptions.model_validate({"model": "m", "azure": {"api_version": VERSION}}).identity() == {
        **plain,
        "azure": {"api_version": VERSION},
    }


def test_a_version_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="api_version"):
        open_backend(
            {"name": "openai", "model": "m", "base_url": "http://localhost:1", "azure": {"api_version": "1&x=2"}},
            small_region(tmp_path),
        )

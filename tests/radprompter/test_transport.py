"""How requests go out and responses come in: few connections, bounded bodies, and nowhere but where the recipe says."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asking import SCHEMA, ask, ask_one, prompt
from fake_endpoint import Body, Endpoint, Fault, answer, endpoint
from small_region import small_region

from radprompter.backends import open_backend
from radprompter.backends.endpoint import find_proxy
from radprompter.backends.request import OpenAIOptions, request_body
from radprompter.errors import BackendError
from radprompter.records import Message, Turn


def echo(number: int, body: Body) -> Body:
    return answer(body["messages"][-1]["content"])


def test_requests_share_as_many_connections_as_are_under_way(tmp_path: Path) -> None:
    with endpoint(echo) as server:
        ask(server, [prompt(str(number)) for number in range(60)], tmp_path, max_in_flight=4)
        assert len(server.bodies) == 60
        assert server.n_connections <= 4


@pytest.mark.parametrize(
    "fault",
    [
        Fault(body=b" " * 2**16, endless=True),
        Fault(body=b"[" * 2**16, endless=True),
        Fault(body=b"{}", announced=2**40),
        Fault(body=b" " * 2**24 + json.dumps(answer("{}")).encode()),
    ],
    ids=["endless", "endless and deep", "announced", "whole"],
)
def test_a_response_beyond_all_measure_fails_its_report_alone_and_is_not_asked_for_again(
    fault: Fault, tmp_path: Path
) -> None:
    def behave(number: int, body: Body) -> Body | Fault:
        return fault if body["messages"][-1]["content"] == "Report 1" else answer("{}")

    with endpoint(behave) as server:
        completions = ask(server, [prompt(str(number)) for number in range(4)], tmp_path)
        assert len(server.bodies) == 4
    assert {name: one.failure for name, one in completions.items()} == {
        "0": None, "1": "too_large", "2": None, "3": None,
    }  # fmt: skip


@pytest.mark.parametrize("status", [500, 503])
def test_an_error_without_end_is_an_error_of_its_status(status: int, tmp_path: Path) -> None:
    fault = Fault(status, body=b"busy " * 2**12, endless=True)
    completion, server = ask_one(lambda n, body: answer("{}") if n else fault, tmp_path)
    assert (completion.failure, completion.usage.attempts, len(server.bodies)) == (None, 2, 2)


def test_a_small_response_that_would_unpack_to_a_huge_one_is_not_unpacked(tmp_path: Path) -> None:
    bomb = Fault(body=gzip.compress(b" " * 2**25), headers={"content-encoding": "gzip"})
    completion, server = ask_one(lambda n, body: bomb, tmp_path, max_retries=0)
    assert completion.failure == "bad_response"
    assert server.headers[0]["accept-encoding"] == "identity"


def test_a_report_of_five_megabytes_is_sent_whole(tmp_path: Path) -> None:
    text = "No fracture. " * 400_000
    with endpoint(lambda n, body: answer(str(len(body["messages"][0]["content"])))) as server:
        completion = ask(server, [prompt("a", Turn((Message("user", text),), 9))], tmp_path)["a"]
    assert completion.answer == str(len(text))


@pytest.mark.parametrize("text", ["ä€𝄞", "a\ud800b", "\x00\u2028</s>"], ids=["beyond ASCII", "a surrogate", "controls"])
def test_any_text_arrives_as_it_is(text: str, tmp_path: Path) -> None:
    with endpoint(lambda n, body: answer("{}")) as server:
        ask(server, [prompt("a", Turn((Message("user", text),), 9))], tmp_path, extra_body={"logit_bias": {17: -100}})
    assert server.bodies[0]["messages"][-1]["content"] == text
    assert server.bodies[0]["logit_bias"] == {"17": -100}


@pytest.mark.parametrize(
    ("turn", "settings"),
    [
        (Turn((Message("system", "S"), Message("user", "Ü 1")), 50, SCHEMA), {"seed": 3, "extra_body": {"top_p": 0.5}}),
        (Turn((Message("user", "U"),), 9, prefill="So:", stop=("</a>",)), {"structured": False}),
        (Turn((Message("user", "U"),), 1, top_logprobs=20), {"extra_body": {"logit_bias": {17: -100}}}),
        (Turn((Message("user", "U"),), 9, SCHEMA), {"structured": "structured_outputs", "temperature": None}),
    ],
    ids=["response_format", "prefill", "logprobs", "structured_outputs"],
)
def test_a_request_has_the_body_path_and_key_that_the_client_of_openai_would_send(
    turn: Turn, settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import openai

    monkeypatch.setenv("TEST_KEY", "sk-x")
    options = OpenAIOptions(model="m", **settings)
    messages: Any = [{"role": one.role, "content": one.content} for one in turn.messages]
    if turn.prefill:
        messages.append({"role": "assistant", "content": turn.prefill})
    with endpoint(lambda n, body: answer("{}")) as server:
        ask(server, [prompt("a", turn)], tmp_path, api_key_env="TEST_KEY", **settings)
        with openai.OpenAI(base_url=server.url, api_key="sk-x") as client:
            client.chat.completions.create(model="m", messages=messages, extra_body=request_body(options, turn))
    ours, theirs = server.bodies
    assert ours == theirs
    assert server.paths[0] == server.paths[1] == "/v1/chat/completions"
    assert server.keys[0] == server.keys[1] == "Bearer sk-x"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody has signed, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    paths = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"],
            *("-addext", "subjectAltName=IP:127.0.0.1", "-out", str(paths[0]), "-keyout", str(paths[1])),
        ],
        check=True,
        capture_output=True,
    )
    return paths


@pytest.fixture
def secure(certificate: tuple[Path, Path]) -> Iterator[Endpoint]:
    with endpoint(echo, certificate=certificate) as server:
        yield server


def test_an_endpoint_whose_certificate_nobody_has_signed_is_sent_nothing(secure: Endpoint, tmp_path: Path) -> None:
    settings = {"name": "openai", "model": "m", "base_url": secure.url.replace("http:", "https:"), "max_retries": 0}
    with pytest.raises(BackendError, match=r"gives no answer \(connection"):
        list(open_backend(settings, small_region(tmp_path)).complete([prompt("a")]))
    assert secure.n_connections == 0 or not secure.bodies


def test_a_password_file_of_the_user_does_not_replace_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("TEST_KEY", "sk-x")
    _, server = ask_one(echo, tmp_path, api_key_env="TEST_KEY")
    assert server.keys == ["Bearer sk-x"]


def test_cookies_are_not_kept(tmp_path: Path) -> None:
    with endpoint(
        lambda n, body: Fault(body=json.dumps(answer("{}")).encode(), headers={"set-cookie": "a=b"})
    ) as server:
        ask(server, [prompt("a"), prompt("b")], tmp_path, max_in_flight=1)
    assert not any("cookie" in headers for headers in server.headers)


@pytest.mark.parametrize(
    ("base_url", "variables", "proxy"),
    [
        ("https://api.example.org/v1", {"HTTPS_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ("https://api.example.org/v1", {"HTTP_PROXY": "http://proxy:3128"}, None),
        ("https://api.example.org/v1", {"ALL_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ("https://api.example.org/v1", {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "example.org"}, None),
        ("https://api.example.org/v1", {}, None),
        ("http://localhost:8000/v1", {"HTTP_PROXY": "http://proxy:3128", "ALL_PROXY": "http://proxy:3128"}, None),
        ("http://127.0.0.1:8000/v1", {"HTTP_PROXY": "http://proxy:3128", "ALL_PROXY": "http://proxy:3128"}, None),
    ],
)
def test_a_proxy_of_the_environment_is_asked_only_for_an_endpoint_elsewhere(
    base_url: str, variables: dict[str, str], proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert find_proxy(base_url) == proxy

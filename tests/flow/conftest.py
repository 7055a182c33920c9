"""What the tests of whole flows share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tiny_model import serving, vllm_python


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real vLLM server with a tiny model of random weights."""
    python = vllm_python()
    if python is None:
        pytest.skip("no vLLM environment: `make test` makes .venv-vllm; or set RADPROMPTER_VLLM_PYTHON to its Python")
    with serving(tmp_path_factory.mktemp("tiny"), python) as url:
        yield url

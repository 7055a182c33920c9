"""What the tests of whole flows share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_model import make_model, serving, vllm_python


@pytest.fixture(scope="session")
def vllm() -> Path:
    """The Python of an environment with vLLM."""
    python = vllm_python()
    if python is None:
        pytest.skip("no vLLM environment: `make test` makes .venv-vllm; or set RADPROMPTER_VLLM_PYTHON to its Python")
    return python


@pytest.fixture(scope="session")
def noise(vllm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model of random weights."""
    return make_model(tmp_path_factory.mktemp("noise"), vllm)


@pytest.fixture(scope="session")
def server(noise: Path, vllm: Path) -> Iterator[str]:
    """The address of a real vLLM server with a tiny model of random weights."""
    with serving(noise, vllm) as url:
        yield url

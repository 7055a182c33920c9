"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real reports, images and oracles, which is not part of the project."""
    folder = Path(os.environ.get("RADPROMPTER_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"real data not present: {folder}/data (set RADPROMPTER_SHARED to the folder that holds data/)")
    return folder

"""What every test may ask for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from small_disk import alone

ROOT = Path(__file__).parent.parent

if "PYTEST_XDIST_WORKER" in os.environ:  # side by side with others: more threads than cores slow each other down
    os.environ.setdefault("OMP_NUM_THREADS", "1")


# How long an example takes says how busy the machine is, not whether it is right.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no core waits for another one's last file."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real reports, images and oracles, which is not part of the project."""
    folder = Path(os.environ.get("RADPROMPTER_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"real data not present: {folder}/data (set RADPROMPTER_SHARED to the folder that holds data/)")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, driven by playwright; ends with the module, since its event loop stays in this thread."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium on this machine (apt install chromium)")
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A folder on which scripts may mount a small disk of their own, that only they see."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if shutil.which("unshare") is None or alone(f"mount -t tmpfs -o size=1m none {folder}").returncode:
        pytest.skip("this machine lets nobody mount a small disk: unshare --map-root-user --mount fails")
    return folder

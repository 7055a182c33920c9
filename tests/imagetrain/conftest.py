"""One thread a test process: the tests run one process a core, and tiny networks gain nothing from more."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported

"""Scripts of `benchmarks/`, run in this process: a process of their own would import torch anew each time."""

from __future__ import annotations

import io
import runpy
import sys
from contextlib import redirect_stdout
from pathlib import Path
from unittest.mock import patch

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run_script(name: str, *arguments: str | Path) -> str:
    """Run a script with arguments, as `python benchmarks/NAME ...` does; what it prints."""
    script, printed = str(BENCHMARKS / name), io.StringIO()
    with (
        patch.object(sys, "argv", [script, *map(str, arguments)]),
        patch.object(sys, "path", [str(BENCHMARKS), *sys.path]),
        redirect_stdout(printed),
    ):
        runpy.run_path(script, run_name="__main__")
    return printed.getvalue()

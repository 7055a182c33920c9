"""A small disk of its own for a script, and what a command says that found it full."""

from __future__ import annotations

import subprocess


def alone(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script with mounts of its own."""
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def refused(code: int, said: str, *expected: str) -> None:
    assert code == 1, said
    assert "Traceback" not in said
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, said
    assert all(text in errors[0] for text in expected), errors

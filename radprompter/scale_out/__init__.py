"""Labeling on many workers: they fill the journal, and the ordinary path makes the table from it.

What the workers answer is stored by one process under the keys that one process would use; the run then goes on as if
the answers had been there before. So labels, keys and stamp do not know how many workers there were.
"""

from __future__ import annotations

from radprompter.scale_out.engine import RayEngine

__all__ = ["RayEngine"]

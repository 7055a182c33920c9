"""The journal: an append-only SQLite file of every completion, so that no answer is asked for twice.

One row is one completion, as it came, under the key of all that produced it. A successful completion is used again by
every later run that asks the same; a failed one stays on record and is asked again. Report text is not in the journal,
but answers may quote it: treat the file like the reports.
"""

from __future__ import annotations

from radprompter.journal.memory import Memory
from radprompter.journal.upkeep import Contents, Removal, export_journal, prune_journal, read_contents
from radprompter.journal.writing import Durability, Journal, journal_key

__all__ = [
    "Contents", "Durability", "Journal", "Memory", "Removal", "export_journal", "journal_key", "prune_journal",
    "read_contents",
]  # fmt: skip

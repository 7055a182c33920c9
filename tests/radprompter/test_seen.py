"""What was seen before: as a dict says it, in a third of its memory, and right where two ids have one hash."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radprompter.errors import TableError
from radprompter.recipe import Reports
from radprompter.store import read_reports, report_table
from radprompter.store.seen import SeenHashes

hashes = st.integers(-(2**63), 2**63 - 1)
keys = hashes.filter(lambda key: key != 1) | st.sampled_from([0, 2, 1024, 2048, -1])  # 0 and 1 are one key


@given(st.lists(st.tuples(keys, hashes)))
def test_the_first_value_of_a_key_is_kept_as_in_a_dict(pairs: list[tuple[int, int]]) -> None:
    seen, expected = SeenHashes(), dict[int, int]()
    for key, value in pairs:
        assert seen.setdefault(key, value) == expected.get(key)
        expected.setdefault(key, value)
    assert len(seen) == len(expected)


def test_many_entries_are_found_again_and_take_little_memory() -> None:
    draw = random.Random(3)
    pairs = [(draw.getrandbits(63), number) for number in range(100_000)]
    seen = SeenHashes()
    assert {seen.setdefault(*pair) for pair in pairs} == {None}
    assert [seen.setdefault(key, -1) for key, _ in pairs] == [number for _, number in pairs]
    assert sys.getsizeof(seen._keys) + sys.getsizeof(seen._values) <= 48 * len(pairs)


def test_ids_of_one_hash_are_told_apart_by_reading_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_table, "hash", lambda value: 7 if isinstance(value, str) else hash(value), raising=False)
    reports = Reports(path=tmp_path / "r.csv", text="text")
    reports.path.write_text("report_id,text\na,x\nb,y\nc,z\n")
    assert [report.id for report in read_reports(reports)] == ["a", "b", "c"]
    reports.path.write_text("report_id,text\na,x\nb,y\nb,z\n")
    with pytest.raises(TableError, match="'b' stands on line 3 and again, with another text, on line 4"):
        list(read_reports(reports))

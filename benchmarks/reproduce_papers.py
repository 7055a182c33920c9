"""Recompute every number that follows from the printed ones of five papers: paper / ours / same or not, and why.

    python benchmarks/reproduce_papers.py [--only NAME] [--json]

The printed numbers are in ``papers/published``, one CSV a table. A number is the same if ours may be rounded to what is
printed; where ours comes from rounded numbers, or from a bootstrap, the slack that this leaves is said. What no paper
prints is marked as such, and a ranking across papers is refused with the reason.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from papers.checks import Check
from papers.chex_llm import check_chex_llm, check_rad
from papers.fixtures import check_fixtures
from papers.jmir import check_jmir
from papers.numbers import read_sources
from papers.open_source import check_open_source
from papers.rankings import check_rankings
from papers.upper_extremity import check_upper_extremity

SECTIONS: Mapping[str, Callable[[], Iterator[Check]]] = {
    "golden": check_fixtures,
    "JMIR": check_jmir,
    "CXL": check_chex_llm,
    "RAD": check_rad,
    "OSL": check_open_source,
    "ER": check_upper_extremity,
    "rankings": check_rankings,
}
TITLES = {"golden": "golden numbers", "rankings": "rankings across papers and definitions"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", choices=list(SECTIONS), help="one section alone")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    options = parser.parse_args()
    names = [options.only] if options.only else list(SECTIONS)
    found = {name: list(SECTIONS[name]()) for name in names}
    if options.json:
        print(json.dumps({name: [check._asdict() for check in checks] for name, checks in found.items()}, indent=1))
        return
    titles = TITLES | {source.source: f"{source.source}: {source.about} ({source.where})" for source in read_sources()}
    for name, checks in found.items():
        print(f"\n{titles[name]}\n{'=' * min(len(titles[name]), 120)}")
        for check in checks:
            _show(check)
    verdicts = Counter(check.verdict for checks in found.values() for check in checks)
    print("\n" + ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()))


def _show(check: Check) -> None:
    print(f"{check.what}\n  paper  {check.paper}\n  ours   {check.ours}\n  {check.verdict}: {check.why}")


if __name__ == "__main__":
    main()

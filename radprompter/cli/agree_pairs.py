"""What `radprompter agree` prints of labelers against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radprompter.cli.agree_words import HEADS, NO_VALUE, new_table, say
from radprompter.terminal import console

if TYPE_CHECKING:
    from radprompter.agreement.comparing.labelers import LabelerComparison


def show_pairs(comparison: LabelerComparison) -> None:
    """Print each pair: the difference over all findings, whole reports that one alone has right, and tests."""
    from radprompter.agreement.comparing.score_tables import p_values, shown_p

    say(f"\ndifferences of {HEADS[comparison.measure]} under {comparison.definition.name}, over all findings")
    table = new_table("first – second", "diff.", "interval", "p", "adj.", "alone", "McNemar", "adj.")
    over_all = [one for one in comparison.differences if not one.finding]
    for one in over_all:
        difference = NO_VALUE if one.value is None else f"{one.value:+.3f}"
        limits = NO_VALUE if one.low is None else f"{one.low:+.3f} to {one.high:+.3f}"
        ps = (shown_p(one.p), shown_p(one.p_adjusted), f"{one.only_first_right} / {one.only_second_right}",
              shown_p(one.mcnemar.p), shown_p(one.mcnemar_adjusted))  # fmt: skip
        table.add_row(f"{one.first} – {one.second}", difference, limits, *ps)
    console().print(table)
    say("alone: whole reports that the first alone, and the second alone, has right; McNemar's test is of these")
    for reason in dict.fromkeys(text for one in over_all for text in (one.reason, one.mcnemar.reason) if text):
        say(f"{NO_VALUE} or 1: {reason}")
    say("over the scores of the findings:")
    header, *rows = p_values(comparison)
    tests = new_table(*header)
    for row in rows:
        tests.add_row(*row)
    console().print(tests)

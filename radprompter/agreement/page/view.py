"""The agreement, arranged as the page shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from radprompter.agreement.comparing.labelers import LabelerComparison
from radprompter.agreement.disputes import DisputedReport
from radprompter.agreement.measuring.cells import UNLABELLED
from radprompter.agreement.measuring.titles import TITLES
from radprompter.agreement.page import plots, tables
from radprompter.agreement.page.groups import Grouping, groupings
from radprompter.agreement.page.marking import ReportShown, show_reports
from radprompter.agreement.page.matrices import Matrices, confusion_matrices
from radprompter.agreement.page.meaning import explain
from radprompter.agreement.page.shown import Ledger, worded
from radprompter.agreement.page.versus import Versus, significant, versus
from radprompter.agreement.report import Agreement
from radprompter.pages.formats import count


class Table(NamedTuple):
    """A table that was compared."""

    name: str
    role: str
    states: str
    n_only: str
    n_unlabelled: str


class Renamed(NamedTuple):
    """A finding that has other names in some tables."""

    finding: str
    names: tuple[str, ...]
    how: str


class Absent(NamedTuple):
    """A finding that is not compared, the tables that have it, and why."""

    finding: str
    tables: str
    reason: str


class Disputes(NamedTuple):
    """The reports that are shown with their text, and how many are not."""

    reports: tuple[ReportShown, ...]
    n_reports: str
    n_cells: str
    n_left_out: str


class View:
    """What each section of the page shows; empty or None where there is nothing to show."""

    def __init__(self, agreement: Agreement, comparisons: Sequence[LabelerComparison]) -> None:
        self.agreement = agreement
        self.ledger = Ledger(agreement)
        self.labelers = self.ledger.labelers
        self.comparisons = comparisons
        self.headline = agreement.definitions[0]

    @property
    def measure(self) -> str:
        """Name of the headline number."""
        return TITLES[self.headline.measures[0]]

    @property
    def level(self) -> str:
        """Coverage of the intervals, as ``95 %``."""
        return f"{100 * self.agreement.bootstrap.level:g}\N{NO-BREAK SPACE}%"

    @property
    def interval(self) -> str:
        """What stands beside a name of a measure in heads: its interval, where anything was resampled."""
        return f" ({self.level} CI)" if self.agreement.bootstrap.rounds else ""

    @property
    def has_support(self) -> bool:
        """Whether the headline holds states against the rest."""
        return self.headline.measures[0] != "same"

    def facts(self) -> tuple[tuple[str, str], ...]:
        """What was compared, and how, as heading and words."""
        agreement, cells, bootstrap = self.agreement, self.agreement.cells, self.agreement.bootstrap
        n_labels = int((cells.reference >= 0).sum())
        unlike = cells.n_reports * len(cells.findings) - n_labels
        strata = len(set(cells.strata.tolist()))
        within = f", within each of {strata} sampling strata" if strata > 1 else ""
        resampling = (
            f"{count(bootstrap.rounds)} resamples of {count(cells.n_units)} {agreement.unit}s{within}, "
            f"seed {bootstrap.seed}; {self.level} percentile intervals"
        )
        facts = [
            ("Labelers", ", ".join(cells.labelers)),
            ("Reference", agreement.reference),
            ("Reports", f"{count(cells.n_reports)} that all tables have"),
            ("Findings", count(len(cells.findings))),
            ("Cells", f"{count(n_labels)} with a label in the reference; {count(unlike)} without one do not count"),
            ("Headline", f"{worded(self.headline.name)}: {self.headline.says}"),
            ("Intervals", resampling if len(agreement.measured.replicates.counts) else "none: nothing was resampled"),
        ]
        if agreement.matching.metadata:
            facts.append(("Columns of the reference that are no findings", ", ".join(agreement.matching.metadata)))
        if cells.weighted:
            facts.append(("Weights", "each report counts as many times as reports that it stands for"))
        return tuple(facts)

    def compared_tables(self) -> tuple[Table, ...]:
        """The reference, then each labeler."""
        agreement = self.agreement
        lost = agreement.measured.counts[..., UNLABELLED].sum(axis=(1, 2))
        names = [(agreement.reference, "reference", ""), *(
            (one.name, "labeler", count(float(n))) for one, n in zip(self.labelers, lost, strict=True)
        )]  # fmt: skip
        matching = agreement.matching
        return tuple(
            Table(
                name,
                role,
                ", ".join(worded(state) for state in matching.states.get(name, ())),
                count(matching.n_reports_only.get(name)),
                unlabelled,
            )
            for name, role, unlabelled in names
        )

    def renamed(self) -> tuple[Renamed, ...]:
        """Findings that do not have the same name in all tables."""
        names = [table.name for table in self.compared_tables()]
        return tuple(
            Renamed(one.name, tuple(one.columns.get(table, "") for table in names), one.how)
            for one in self.agreement.matching.findings
            if one.how != "same name"
        )

    def left_out(self) -> tuple[Absent, ...]:
        """Findings that are not compared; those that several tables have for the same reason stand once."""
        tables_of: dict[tuple[str, str], list[str]] = {}
        for one in self.agreement.matching.left_out:
            tables_of.setdefault((one.finding, one.reason), []).append(one.table)
        return tuple(Absent(finding, ", ".join(names), why) for (finding, why), names in tables_of.items())

    def meanings(self) -> tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]:
        """Every definition of the page: name, sentence, and all parts of its meaning."""
        agreement = self.agreement
        every = {one.name: one for one in (*agreement.definitions, *agreement.overview)}
        return tuple((worded(one.name), one.says, explain(one)) for one in every.values())

    def measure_tables(self) -> tuple[tables.MeasureTable, ...]:
        """One table a definition, the headline's first."""
        return tuple(tables.measure_table(self.ledger, one) for one in self.agreement.definitions)

    def task_tables(self) -> tuple[tables.MeasureTable, ...]:
        """The tasks of definitions that have several."""
        return tables.task_tables(self.ledger)

    def overview(self) -> tables.ScoreTable:
        """What each definition makes of the same cells."""
        return tables.overview_table(self.ledger)

    def refused(self) -> tuple[tuple[str, str], ...]:
        """Definitions that do not fit the tables, those of one reason together, and the reason."""
        names_of: dict[str, list[str]] = {}
        for name, why in self.agreement.refused.items():
            names_of.setdefault(why, []).append(worded(name))
        return tuple((", ".join(names), why) for why, names in names_of.items())

    def finding_tables(self) -> tuple[tables.ScoreTable, ...]:
        """Findings by labelers, where there are several labelers."""
        return tables.finding_tables(self.ledger)

    def certainty(self) -> tables.ScoreTable | None:
        """F1 of each state."""
        return tables.certainty_table(self.ledger)

    def report_table(self) -> tables.MeasureTable:
        """Whole reports under each definition."""
        return tables.report_table(self.ledger)

    def costs(self) -> tuple[tables.Priced, ...]:
        """What labelers cost."""
        return tables.cost_rows(self.ledger)

    def bars(self) -> tuple[plots.Bars, ...]:
        """The headline number by finding."""
        return plots.bar_chart(self.ledger, self.headline)

    def forests(self) -> tuple[plots.Forest, ...]:
        """One forest plot a measure of the headline definition."""
        return plots.forests(self.ledger, self.headline)

    def heat(self) -> plots.HeatMap | None:
        """Differences between labelers."""
        found = significant(self.comparisons, self.headline, self.headline.measures[0])
        return plots.heat_map(self.ledger, self.headline, found)

    def versus(self) -> tuple[Versus, ...]:
        """Tests of labelers against each other."""
        return versus(self.comparisons)

    def matrices(self) -> tuple[Matrices, ...]:
        """Confusion matrices, those of all findings together first."""
        return confusion_matrices(self.ledger)

    def groupings(self) -> tuple[Grouping, ...]:
        """Groups of reports."""
        return groupings(self.ledger, self.headline)


def arrange_disputes(
    view: View, disputes: Sequence[DisputedReport], texts: Mapping[str, str], *, at_most: int
) -> Disputes:
    """The worst reports with their texts, and how many there are beside them."""
    chosen = disputes[:at_most]
    return Disputes(
        show_reports(chosen, texts, view.labelers),
        count(len(disputes)),
        count(sum(len(report.cells) for report in disputes)),
        count(len(disputes) - len(chosen)) if len(disputes) > len(chosen) else "",
    )

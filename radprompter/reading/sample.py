"""A drawn sample: which reports are read by whom, and what each stands for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from radprompter.errors import TableError
from radprompter.files import digest
from radprompter.labels import LabelSchema
from radprompter.reading.drawing import Draw, DrawnReport, Stratum, shuffle
from radprompter.reading.strata import ALL

FORMAT = "radprompter sample 1"


class Weight(NamedTuple):
    """How many reports of the population a read report stands for, and its stratum."""

    weight: float
    stratum: str


@dataclass(frozen=True, slots=True)
class Sample:
    """Reports drawn from a label table, and who reads them.

    `raters` maps a rater to the reports that they read, in the order of their sheet. `one_per` names the column of
    which at most one report a value was drawn; `without` has the ids of earlier samples that it leaves out.
    `labels_hash` is the SHA-256 of the label table, and `population` counts its reports by what became of them.
    """

    schema: LabelSchema
    seed: int
    random_share: float
    reports: tuple[DrawnReport, ...]
    strata: tuple[Stratum, ...]
    raters: Mapping[str, tuple[str, ...]]
    population: Mapping[str, int]
    labels_hash: str
    blind: bool = True
    one_per: str | None = None
    without: tuple[str, ...] = ()

    @property
    def report_ids(self) -> tuple[str, ...]:
        """Ids of the drawn reports."""
        return tuple(report.report_id for report in self.reports)

    @property
    def id(self) -> str:
        """First 16 hexadecimal digits of a hash of everything in it."""
        return digest(self._content())

    def weigh(self, read: Collection[str]) -> dict[str, Weight]:
        """The weight of each drawn report that was read, in the order of the sample.

        It is ``N_h / n_h`` times the reports that it stands for; ``N_h`` units are in the stratum, and ``n_h`` of
        them were read. The weights are unbiased where all that was drawn was read; else they are as good as what was
        not read is like the rest.
        """
        counted = [item for item in self.reports if item.report_id in read]
        sizes = {stratum.name: stratum.n_population for stratum in self.strata}
        n_read = Counter(item.stratum for item in counted)
        return {
            item.report_id: Weight(item.stands_for * sizes[item.stratum] / n_read[item.stratum], item.stratum)
            for item in counted
        }

    def unread_strata(self, read: Collection[str]) -> tuple[str, ...]:
        """The strata of which no report was read."""
        has = {item.stratum for item in self.reports if item.report_id in read}
        return tuple(stratum.name for stratum in self.strata if stratum.name not in has)

    def random_part(self) -> Sample:
        """Only the reports that were drawn at random from all: a simple random sample, with one stratum."""
        drawn = tuple(item._replace(stratum=ALL) for item in self.reports if item.at_random)
        ids = {item.report_id for item in drawn}
        whole = Stratum(ALL, sum(stratum.n_population for stratum in self.strata), len(drawn), len(drawn))
        raters = {name: tuple(item for item in own if item in ids) for name, own in self.raters.items()}
        return replace(self, reports=drawn, strata=(whole,), raters=raters)

    def to_json(self) -> dict[str, Any]:
        """The sample as plain data, with the weights that hold when all reports are read."""
        weights = self.weigh(set(self.report_ids))
        content = self._content()
        reports = [{**report, "weight": weights[report["report_id"]].weight} for report in content["reports"]]
        return {"format": FORMAT, "id": self.id, **content, "reports": reports}

    @classmethod
    def from_json(cls, data: Any, *, source: str) -> Sample:
        """Inverse of `to_json`.

        Raises
        ------
        TableError
            If the data is no sample, or was changed since it was written.
        """
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise TableError(f"{source}: no sample that `radprompter sample draw` wrote")
        try:
            reports = ({name: value for name, value in item.items() if name != "weight"} for item in data["reports"])
            sample = cls(
                schema=LabelSchema.from_json(json.dumps(data["schema"])),
                seed=data["seed"],
                random_share=data["random_share"],
                reports=tuple(DrawnReport(**item) for item in reports),
                strata=tuple(Stratum(**item) for item in data["strata"]),
                raters={name: tuple(ids) for name, ids in data["raters"].items()},
                population=data["population"],
                labels_hash=data["labels_hash"],
                blind=data["blind"],
                one_per=data["one_per"],
                without=tuple(data["without"]),
            )
            changed = sample.id != data["id"]
        except (KeyError, TypeError, ValueError, AttributeError):
            changed = True
        if changed:
            raise TableError(f"{source}: was changed after it was drawn, so its weights cannot be trusted; draw anew")
        return sample

    def _content(self) -> dict[str, Any]:
        return {
            "schema": asdict(self.schema),
            "seed": self.seed,
            "random_share": self.random_share,
            "reports": [report._asdict() for report in self.reports],
            "strata": [stratum._asdict() for stratum in self.strata],
            "raters": {name: list(ids) for name, ids in self.raters.items()},
            "population": dict(self.population),
            "labels_hash": self.labels_hash,
            "blind": self.blind,
            "one_per": self.one_per,
            "without": list(self.without),
        }


def assign(draw: Draw, *, n_raters: int, overlap: float, seed: int) -> dict[str, tuple[str, ...]]:
    """Who reads which reports, each rater in an order of their own.

    A random share `overlap` of the reports is read by every rater, the others by one each, divided as evenly as can be.
    """
    ids = [report.report_id for report in draw.reports]
    names = [f"rater{number}" for number in range(1, n_raters + 1)]
    if n_raters == 1:
        return {names[0]: tuple(ids)}
    shuffled = shuffle(ids, seed=seed, purpose="overlap")
    n_shared = int(overlap * len(ids) + 0.5)
    shared, alone = shuffled[:n_shared], shuffled[n_shared:]
    return {
        name: tuple(shuffle([*shared, *alone[rank::n_raters]], seed=seed, purpose=f"order of {name}"))
        for rank, name in enumerate(names)
    }


def set_aside(samples: Sequence[Sample], groups: Mapping[str, str] | None = None) -> frozenset[str]:
    """The reports that earlier samples have taken out of the population; with `groups`, also all others of theirs."""
    drawn = {report_id for sample in samples for report_id in sample.report_ids}
    if groups is None:
        return frozenset(drawn)
    taken = {groups[report_id] for report_id in drawn if report_id in groups}
    return frozenset(report_id for report_id, group in groups.items() if group in taken) | drawn

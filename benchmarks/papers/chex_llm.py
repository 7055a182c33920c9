"""CXL and RAD: averages that do not match their columns, baselines of another paper, and errors that cannot be."""

from __future__ import annotations

from collections.abc import Iterator

from papers.checks import Check, derived, held, said
from papers.numbers import Table, read_table

HALF_OF_THREE_DECIMALS = 0.0005


def check_chex_llm() -> Iterator[Check]:
    """Every derived number of the CheX-LLM preprint."""
    macro, human, findings, certainty, length = (read_table(f"chex_llm_table{number}") for number in range(1, 6))
    yield from _columns(macro, findings)
    yield from _recycled(macro, certainty, "macro F1 of Table 1")
    positive = certainty.row("positive")[:3]
    second = read_table("jmir_table2")
    yield held(
        "'Positive' row of CheXpert, CheXbert, CheX-GPT",
        positive,
        [second.cells["average", labeler].value for labeler in ("chexpert", "chexbert", "ours")],
        "the same as JMIR's averages of Table 2, which are of positive and negative, of other reports",
        decimals=4,
    )
    means = [
        sum(certainty.cells[level, labeler].value for level in certainty.rows) / 3 for labeler in certainty.columns
    ]
    yield held(
        "macro F1 as the mean of the three certainty levels",
        macro.row("macro_f1")[:5],
        means,
        "",
        slack=HALF_OF_THREE_DECIMALS,
        otherwise="so its macro F1 is no mean of these; which it is, nobody says",
    )
    yield from _lengths(length)
    yield from _readers(human)


def _columns(macro: Table, findings: Table) -> Iterator[Check]:
    for labeler in findings.columns:
        cells = [cell.value for cell in findings.column(labeler)]
        yield held(
            f"mean of the 13 findings of {labeler} (Table 3)",
            [macro.cells["macro_f1", labeler]],
            [sum(cells) / len(cells)],
            f"within the rounding of the column (±{HALF_OF_THREE_DECIMALS})",
            slack=HALF_OF_THREE_DECIMALS,
            otherwise=f"further off than the rounding of the column can make it (±{HALF_OF_THREE_DECIMALS})",
            decimals=4,
        )


def _recycled(macro: Table, certainty: Table, what: str) -> Iterator[Check]:
    first = read_table("jmir_table1")
    pairs = {"chexpert": "chexpert", "chexbert": "chexbert", "chex_gpt": "ours", "gpt_4": "ours"}
    yield held(
        f"{what}: CheXpert, CheXbert, CheX-GPT, GPT-4",
        [macro.cells["macro_f1", labeler] for labeler in pairs],
        [first.cells["average", labeler].value for labeler in pairs.values()],
        "the same as JMIR's averages over 14 findings of 687 other reports; its Qwen-0.5B stands for two models here",
        decimals=4,
    )


def _lengths(length: Table) -> Iterator[Check]:
    drops = {
        labeler: length.cells["short", labeler].value - length.cells["long", labeler].value
        for labeler in length.columns
    }
    smallest = min(drops, key=lambda labeler: round(drops[labeler], 6))
    yield said(
        "CheX-LLM loses least from short to long reports",
        "yes",
        "  ".join(f"{labeler} {drop:.3f}" for labeler, drop in drops.items()),
        same=smallest == "chex_llm",
        why="less than CheXbert, CheX-GPT and GPT-4, but more than the CheXpert labeler",
    )


def _readers(human: Table) -> Iterator[Check]:
    labelers = human.columns[:4]
    perfect = [human.cells["percent_perfect", labeler].value for labeler in labelers]
    errors = [human.cells["errors_per_report", labeler].value for labeler in labelers]
    least = [1 - share / 100 for share in perfect]
    yield said(
        "errors per report, at least one in each report that is not perfect",
        "  ".join(f"{value:.2f}" for value in errors),
        "at least " + "  ".join(f"{value:.3f}" for value in least),
        same=all(one >= other - 0.005 for one, other in zip(errors, least, strict=True)),
        why="fewer errors than reports with errors, for all four models: not both columns are of the same readings",
    )
    for readings in (100, 300):
        possible = [
            any(round(100 * count / readings, 1) == share for count in range(readings + 1)) for share in perfect
        ]
        yield said(
            f"percent perfect of {readings} readings",
            "  ".join(f"{value:.1f}" for value in perfect),
            "  ".join("possible" if value else "impossible" for value in possible),
            same=all(possible),
            why="100 reports, by three radiologists: no whole number of readings gives these shares",
        )


def check_rad() -> Iterator[Check]:
    """Every derived number of the summary of DeBERTa-RAD."""
    table, first = read_table("deberta_rad"), read_table("jmir_table1")
    student, *baselines = table.row("macro_f1")
    names = ("chexbert", "chexpert", "teacher")
    yield held(
        "macro F1 of CheXbert, CheXpert, teacher",
        baselines,
        [first.cells["average", labeler].value for labeler in ("chexbert", "chexpert", "ours")],
        "the same as JMIR's averages of other reports; its Qwen-0.5B is called the teacher here",
        decimals=4,
    )
    margins = [100 * (student.value - baseline.value) for baseline in baselines]
    shown = "  ".join(f"{margin:.2f} over {name}" for margin, name in zip(margins, names, strict=True))
    within = min(margins) >= 1.25 and max(margins) >= 4.55
    yield said("margin over prior methods, in points", "1.3 to 4.6", shown, same=within, why="from its own macro F1s")
    elsewhere = read_table("chex_llm_table4").cells["uncertain", "chexbert"]
    yield held(
        "uncertain F1 of CheXbert on MIMIC-500, RAD and CXL",
        [table.cells["uncertain_f1", "chexbert"]],
        [elsewhere.value],
        "",
        otherwise="one labeler, one benchmark, two numbers; and MIMIC-500 as published has no uncertain label",
        decimals=3,
    )
    gain = student.value - baselines[-1].value
    yield derived("gain of the student over its teacher", f"{gain:.4f}", "on labels that the teacher gave")

"""What goes into a paper: tables as LaTeX and Word, data of plots; aggregates only, escaped, and the same numbers."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from docx import Document
from docx.oxml.ns import qn
from hypothesis import given
from hypothesis import strategies as st
from reference.predictions import two_runs

from imagetrain.evaluation.numbers import Options
from imagetrain.evaluation.report import evaluate
from imagetrain.exports.files import exported
from imagetrain.exports.latex import NEEDS, as_latex, escape
from imagetrain.exports.table import Table
from imagetrain.exports.tables import TABLES, tables_of
from imagetrain.exports.text import as_csv, as_markdown
from imagetrain.exports.word import as_docx
from imagetrain.page.render import plots
from imagetrain.records import EvaluationReport, ReferenceLabels
from radprompter.errors import InputError

HOSTILE = Table(
    "50 % of A & B_C",
    ("Finding", "#", "note {x}"),
    [
        ("\\input{/etc/passwd}", "1", "~^$"),
        ("\\input{/etc/passwd}", "2", "a\nb"),
        ("=cmd()", "−0.1 (−0.2 to 0.0)", "x" * 40),
    ],
    "5 < 6 ≥ 4 × 2\x07",
    2,
)


def number(value, low, high):
    return {"value": value, "low": low, "high": high, "n": 140, "definition": "as it is"}


def with_study(metrics):
    """Metrics with what is known of a study beside its numbers, and with two subgroups."""
    about = {"set": "test", "run": "inclusive", "attribute": "sex", "n_studies": 70, "n_patients": 35}
    macro = about | {"group": "F", "finding": None, "n": None, "n_positive": None, "auroc": number(0.9, 0.8, 0.95)}
    lost = [{"reason": "no lateral image", "n": 4}]
    flow = [
        {"step": "labelled", "n": 144, "unit": "studies", "lost": []},
        {"step": "with images", "n": 140, "unit": "studies", "lost": lost},
    ]
    labels = {"schema": "labels", "part": "test", "site": "alpha", "finding": "fracture", "n": 140, "n_positive": 40}
    study = {
        "flow": flow,
        "prevalence": [labels | {"n_negative": 100, "n_uncertain": None, "n_not_mentioned": None}],
        "not_trained": [("Callus", "2 positives in training")],
    }
    groups = [macro, macro | {"group": "M", "finding": "fracture", "n": 70, "n_positive": 20}]
    return metrics | {"subgroups": groups, "study": study}


@pytest.fixture(scope="module")
def metrics():
    run = two_runs()["inclusive"]
    wrong = run.targets.copy()
    wrong[::7] = 1 - wrong[::7]
    references = {
        "truth": ReferenceLabels(run.study_ids, run.targets, "Readers", "two of three"),
        "rules": ReferenceLabels(run.study_ids, wrong),
    }
    return with_study(evaluate(two_runs(), references=references, options=Options(resamples=50)).metrics)


@pytest.fixture(scope="module")
def tables(metrics):
    return tables_of(metrics)


def row_starting(table: Table, *cells: str):
    return next(row for row in table.rows if tuple(row[: len(cells)]) == cells)


def test_every_table_is_made_of_a_whole_evaluation(tables):
    assert list(tables) == list(TABLES)
    for table in tables.values():
        assert table.rows and all(len(row) == len(table.header) for row in table.rows)
        assert all(isinstance(cell, str) and cell for row in table.rows for cell in row)


def test_an_evaluation_without_some_numbers_has_the_other_tables(metrics):
    bare = evaluate({"only": two_runs()["inclusive"].part("test")}, options=Options(resamples=0)).metrics
    assert {"macro", "discrimination", "threshold"} <= set(tables_of(bare)) < set(TABLES) - {"matrix", "flow", "shift"}
    former = metrics | {"results": [row | {"calibration": None, "shift": None} for row in metrics["results"]]}
    former = {name: value for name, value in former.items() if name not in ("matrix", "subgroups", "study")}
    former["comparisons"] = {name: metrics["comparisons"][name] for name in ("runs", "sites")}
    assert len(tables_of(former)) == 7


def test_a_table_says_what_the_metrics_say(metrics, tables):
    row = next(row for row in metrics["results"] if row["finding"] == "fracture")
    auroc, slope = row["auroc"], row["calibration"]["recalibrated"]["slope"]
    cells = row_starting(tables["discrimination"], "Fracture", "inside", "inclusive")
    assert cells[4] == f"{auroc['value']:.3f} ({auroc['low']:.3f}–{auroc['high']:.3f})"
    calibrated = row_starting(tables["calibration"], "Fracture", "inside", "inclusive", "recalibrated (temperature)")
    assert calibrated[6] == f"{slope['value']:.2f} ({slope['low']:.2f}–{slope['high']:.2f})"
    cell = next(cell for cell in metrics["matrix"]["cells"] if cell["finding"] is None and cell["reference"] == "rules")
    assert tables["matrix"].header[3:] == ["Readers", "rules"]
    assert row_starting(tables["matrix"], "inside", "inclusive", "AUROC")[4].startswith(
        f"{cell['auroc']['value']:.3f} ("
    )
    test = metrics["matrix"]["rows"]["macro"][0]
    assert row_starting(tables["matrix_runs"], "Macro mean", "inside", "truth")[7:] == [f"{test['p']:.3f}", "–"]
    assert row_starting(tables["subgroups"], "sex", "M", "Fracture")[5:8] == [
        "70 (35)",
        "20 / 70",
        "0.900 (0.800–0.950)",
    ]
    assert row_starting(tables["flow"], "studies", "with images") == [
        "studies",
        "with images",
        "140",
        "4 no lateral image",
    ]
    assert row_starting(tables["prevalence"], "Fracture")[4:] == ["140", "40 (29\u00a0%)", "100", "–", "–"]
    shift = next(row for row in metrics["results"] if row.get("shift"))["shift"]
    shown = row_starting(tables["shift"], "Fracture", "outside", "inclusive")
    assert shown[3] == f"{shift['prevalence_inside']['value']:.3f}"
    assert shown[8].startswith(f"{shift['sensitivity_here']['value']:.2f} (")


def test_a_note_defines_the_numbers_and_says_why_some_are_undefined(tables):
    assert "Area under the ROC curve" in tables["discrimination"].note
    assert "– is undefined" in tables["discrimination"].note and "absent" in tables["discrimination"].note
    assert "Benjamini-Hochberg" in tables["runs_compared"].note
    assert all("{" not in table.note and ": ." not in table.note for table in tables.values())


def columns_of(line: str) -> int:
    return len(re.split(r"(?<!\\)&", line))


@pytest.mark.parametrize("n_rows", [3, 60])
def test_latex_is_balanced_and_every_row_has_all_columns(n_rows):
    table = HOSTILE._replace(rows=[HOSTILE.rows[i % 3] for i in range(n_rows)])
    text = as_latex(table, "a_b/c")
    opened = re.findall(r"\\begin\{(\w+)\}", text)
    assert sorted(opened) == sorted(re.findall(r"\\end\{(\w+)\}", text))
    assert ("longtable" in opened) == (n_rows > 38)
    lines = [line for line in text.splitlines() if line.endswith(r"\\") and "caption" not in line]
    assert len(lines) == n_rows + (1 if n_rows < 38 else 2)
    assert {columns_of(line) for line in lines} == {3}
    assert r"\label{tab:a_b-c}" in text


def test_names_from_tables_cannot_become_commands():
    assert escape(r"\input{a}") == r"\textbackslash{}input\{a\}"
    assert escape("a_b & 5 % #1 $x$ ~ ^\n") == r"a\_b \& 5 \% \#1 \$x\$ \textasciitilde{} \textasciicircum{} "
    assert escape("−0.1–0.2 <0.001 95\u00a0%") == r"$-$0.1--0.2 $<$0.001 95~\%"
    assert r"\input" not in as_latex(HOSTILE, "x")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30))
def test_no_text_leaves_a_sign_that_latex_would_obey(text: str):
    plain = re.sub(
        r"\\text(backslash|ascii\w+|bar)\{\}|\\(times|leq|geq|pm|cdot|alpha|kappa|chi|dots\{\}|[&%$#_{},])",
        "",
        escape(text),
    )
    assert not re.search(r"[\\&%#_{}\x00-\x1f]", plain)
    assert re.sub(r"(?<!\\)\$[^$]*\$", "", escape(text).replace("\\$", "")).count("$") == 0


def test_repeated_names_stand_once():
    assert HOSTILE.grouped()[1] == ["", "2", "a\nb"]
    table = Table("", ("a", "b", "n"), [("x", "y", "1"), ("x", "y", "1"), ("z", "y", "1")], "", 2)
    assert table.grouped() == [["x", "y", "1"], ["", "y", "1"], ["z", "y", "1"]]


def test_latex_compiles(tables, tmp_path: Path):
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex on this machine (apt install texlive-latex-recommended)")
    document = [r"\documentclass{article}", f"\\usepackage{{{','.join(NEEDS)}}}", r"\begin{document}"]
    long = HOSTILE._replace(rows=list(HOSTILE.rows) * 20)
    document += [as_latex(table, name) for name, table in ({"hostile": HOSTILE, "long": long} | tables).items()]
    (tmp_path / "all.tex").write_text("\n".join([*document, r"\end{document}"]))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-1500:]
    assert "Output written on all.pdf" in done.stdout


@pytest.mark.parametrize("name", ["hostile", "discrimination", "sites_compared"])
def test_word_gets_a_table_with_caption_repeated_header_and_note(tables, name):
    table = ({"hostile": HOSTILE} | tables)[name]
    made = Document(io.BytesIO(as_docx(table)))
    (grid,) = made.tables
    cells = [[cell.text for cell in row.cells] for row in grid.rows]
    assert cells == [list(table.header), *table.grouped()]
    assert grid.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    assert all(row._tr.trPr.find(qn("w:tblHeader")) is None for row in grid.rows[1:])
    caption, *_, note = made.paragraphs
    assert caption.style.name == "Caption" and table.title in caption.text
    assert "SEQ Table" in caption._p.xml
    assert note.text == table.note.replace("\x07", "")
    page = made.sections[0]
    assert (page.page_width > page.page_height) == (len(table.header) > 6)


def test_without_python_docx_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "docx", None)
    with pytest.raises(InputError, match=r"python-docx; pip install .*\[evaluate\]"):
        as_docx(HOSTILE)


def test_markdown_and_csv_keep_their_columns():
    assert as_markdown(Table("t", ("a", "b"), [("x|y", "1\n2")], "n")).splitlines()[4] == "| x\\|y | 1 2 |"
    assert (
        as_markdown(Table("t", ("a", "b"), [("<b>x</b>", "<0.001")], "n")).splitlines()[4]
        == "| \\<b>x\\</b> | <0.001 |"
    )
    assert as_csv(("a", "b"), [("=1+1", None), ("x", 0.1)]) == "a,b\n'=1+1,\nx,0.1\n"


def test_each_plot_and_each_table_is_a_file_in_every_form(metrics, tables):
    files = exported(metrics, plots(EvaluationReport(metrics)))
    assert {f"tables/{name}.{form}" for name in tables for form in ("tex", "docx")} < set(files)
    assert {"plots/roc_fracture.svg", "plots/roc_fracture.csv", "tables/tables.md"} < set(files)
    data = files["plots/roc_fracture.csv"]()
    assert isinstance(data, str) and len(data.splitlines()) > 20


def test_nothing_of_a_single_study_or_patient_is_in_any_file(metrics):
    run = two_runs()["inclusive"]
    ids = {*run.study_ids, *run.patient_ids}
    for name, make in exported(metrics, plots(EvaluationReport(metrics))).items():
        content = make()
        if isinstance(content, bytes):
            made = Document(io.BytesIO(content))
            content = " ".join([*(p.text for p in made.paragraphs), *(c.text for t in made.tables for c in t._cells)])
        if name.endswith(".svg"):
            content = " ".join(ElementTree.fromstring(content).itertext())
        assert not ids & set(re.split(r"[^\w]+", content)), name

"""What an agreement is made of, from files: names, lengths, and the columns of the reports that a recipe names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from label_tables import label_table

from radprompter.agree_inputs import read_inputs, table_name
from radprompter.agree_recipe import AgreeRecipe
from radprompter.errors import InputError, TableError
from radprompter.recipe import LabelRecipe, Reports
from radprompter.store import write_labels


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("runs/gpt/label/labels.parquet", "gpt"),
        ("runs/gpt/labels.parquet", "gpt"),
        ("reader_1.csv", "reader_1"),
        ("labels.csv.gz", "labels"),
    ],
)
def test_a_table_is_called_as_its_run_or_its_file(path: str, name: str, tmp_path: Path) -> None:
    assert table_name(tmp_path / path) == name


@pytest.fixture
def files(tmp_path: Path) -> Path:
    write_labels(tmp_path / "run" / "label", label_table({"a": "+", "b": "-"}, ["edema"]))
    (tmp_path / "truth.csv").write_text("report_id,edema\na,1\nb,0\n")
    (tmp_path / "reports.csv").write_text("study,words,hint,site\na,one two three,four,x\nb,one,,\n")
    return tmp_path


def test_the_reports_of_a_recipe_say_how_long_they_are_and_where_they_are_from(files: Path) -> None:
    reports = Reports(path=files / "reports.csv", id="study", text={"findings": "words", "impression": "hint"})
    asked = AgreeRecipe(reference=files / "truth.csv", by=("length", "site"))
    inputs = read_inputs(files / "run/label/labels.parquet", asked, label=LabelRecipe(reports=reports, region="chest"))
    assert inputs.facts.columns == {"site": {"a": "x", "b": ""}}  # and no words
    assert (inputs.facts.lengths, inputs.facts.counted) == ({"a": 4, "b": 1}, "words")
    assert list(inputs.labelers) == ["run"]


def test_lengths_are_tokens_where_the_recipe_has_a_tokenizer(files: Path) -> None:
    pytest.importorskip("tokenizers", reason="the extra `tokens` is not installed")
    vocabulary = {word: number for number, word in enumerate(("[?]", "one", "two"))}
    model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[?]"}
    rest = dict.fromkeys(("truncation", "padding", "normalizer", "post_processor", "decoder"))
    content = {"version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "Whitespace"}, "model": model, **rest}
    (files / "tokenizer.json").write_text(json.dumps(content))
    reports = Reports(path=files / "reports.csv", id="study", text="words")
    label = LabelRecipe(reports=reports, region="chest", tokenizer=files)
    inputs = read_inputs(
        files / "run/label/labels.parquet", AgreeRecipe(reference=files / "truth.csv", by=("length",)), label=label
    )
    assert inputs.facts.lengths == {"a": 3, "b": 1}
    assert inputs.facts.counted.startswith("tokens (tokenizer ")


def test_a_table_of_reports_without_a_usual_id_must_be_named_by_a_recipe(files: Path) -> None:
    asked = AgreeRecipe(reference=files / "truth.csv", reports=files / "reports.csv")
    with pytest.raises(TableError, match="no column 'report_id' or 'study_id'; name the reports by --recipe"):
        read_inputs(files / "run/label/labels.parquet", asked)


def test_a_labeler_cannot_be_called_as_the_first(files: Path) -> None:
    asked = AgreeRecipe(reference=files / "truth.csv", also={"run": files / "truth.csv"})
    with pytest.raises(InputError, match=r"--also run=.*: run is what .* is called; choose another name"):
        read_inputs(files / "run/label/labels.parquet", asked)

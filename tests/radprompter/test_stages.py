"""The stages of a labeling run: what they write, and that what is up to date is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from radprompter.errors import InputError, RecipeError, SchemaError
from radprompter.recipe import AgreeRecipe, StudyRecipe
from radprompter.stages import STAGES, check_agree, run_agree, run_label, run_phantom
from radprompter.typed_yaml import parse_yaml, validate


def study(out: Path) -> StudyRecipe:
    return StudyRecipe.model_validate(
        {
            "name": "Test",
            "out": out,
            "phantom": {"regions": ["clavicle"], "patients": 12, "size": 64},
            "label": {
                "reports": {
                    "path": out / "phantom/clavicle/reports.csv",
                    "id": "study_id",
                    "language_column": "language",
                },
                "region": "clavicle",
            },
            "weaken": {"weak": {"missed": 0.3, "invented": 0.1, "seed": 4}},
            "agree": {"reference": out / "phantom/clavicle/truth.csv"},
        }
    )


def right(summary: dict[str, Any]) -> float:
    (values,) = summary["values"].values()
    return float(values["cell_accuracy"]["same"])


def test_a_study_is_written_labelled_and_compared_once(tmp_path: Path) -> None:
    recipe = study(tmp_path)
    first = {name: stage(recipe) for name, stage in STAGES.items()}
    assert not any(summary["up_to_date"] for summary in first.values())
    assert first["label"]["n_reports"] == first["phantom"]["n_studies"] == first["agree"]["n_reports"]
    assert right(first["agree"]) >= 0.98
    again = {name: stage(recipe) for name, stage in STAGES.items()}
    assert all(summary["up_to_date"] for summary in again.values())
    assert all(summary["line"] for summary in again.values())


def test_a_name_taken_out_of_weaken_takes_its_labels_along(tmp_path: Path) -> None:
    recipe = study(tmp_path)
    for name in ("phantom", "label", "weaken"):
        STAGES[name](recipe)
    assert recipe.weaken is not None and (tmp_path / "weaken/weak/labels.csv").is_file()
    STAGES["weaken"](recipe.model_copy(update={"weaken": {"weaker": recipe.weaken["weak"]}}))
    assert sorted(path.name for path in (tmp_path / "weaken").iterdir()) == ["errors.json", "stage.json", "weaker"]


def test_another_truth_makes_only_the_comparison_anew(tmp_path: Path) -> None:
    recipe = study(tmp_path)
    for stage in STAGES.values():
        stage(recipe)
    truth = tmp_path / "phantom/clavicle/truth.csv"
    truth.write_text(truth.read_text().replace("positive", "uncertain"))
    other = recipe.model_copy(update={"phantom": None})
    assert run_phantom(other) == {}
    assert run_label(other)["up_to_date"]
    compared = run_agree(other)
    assert not compared["up_to_date"]
    assert right(compared) < 1


def test_a_reference_of_other_reports_is_refused(tmp_path: Path) -> None:
    recipe = study(tmp_path)
    for stage in (run_phantom, run_label):
        stage(recipe)
    (tmp_path / "other.csv").write_text("study_id,fracture\nx,1\n")
    with pytest.raises(SchemaError, match="no report id in common"):
        run_agree(recipe.model_copy(update={"agree": AgreeRecipe(reference=tmp_path / "other.csv")}))


@pytest.mark.parametrize(
    ("projection", "definition"),
    [("four_states", "cell_accuracy"), ("uncertain_is_negative", "uncertain_is_negative")],
)
def test_a_projection_of_older_recipes_is_refused_with_what_stands_for_it(projection: str, definition: str) -> None:
    text = f"name: x\nout: o\nagree: {{reference: r.csv, projection: {projection}}}\n"
    with pytest.raises(RecipeError, match=rf"write `definitions: \[{definition}\]`"):
        validate(StudyRecipe, parse_yaml(text, "r.yaml"))


def test_a_definition_that_does_not_exist_is_refused_before_any_stage() -> None:
    text = "name: x\nout: o\nagree: {reference: r.csv, definitions: f1}\n"
    with pytest.raises(InputError, match="definition 'f1': expected one of uncertain_is_negative, "):
        check_agree(validate(StudyRecipe, parse_yaml(text, "r.yaml")))


def test_a_file_that_does_not_exist_is_refused_before_any_stage_unless_a_stage_may_write_it() -> None:
    text = "name: x\nout: o\nagree: {reference: r.csv, also: {own: o/label/labels.parquet}}\n"
    with pytest.raises(InputError, match=r"r\.csv: no such file; the section `agree` names it"):
        check_agree(validate(StudyRecipe, parse_yaml(text, "r.yaml")))
    check_agree(validate(StudyRecipe, parse_yaml(f"{text}phantom: {{regions: [wrist]}}\n", "r.yaml")))

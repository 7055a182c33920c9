"""Recipes and tables as unlucky people write them: one clear message before anything is trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from shapes import SCHEMA, shapes_recipe, write_study
from typer.testing import CliRunner, Result

from imagetrain.cli.app import app
from imagetrain.recipe import Images, Studies, StudyRecipe
from imagetrain.records import Checkpoint
from imagetrain.resuming import Checkpoints
from imagetrain.store import read_image_files, read_studies
from imagetrain.targets.splits import make_splits
from radprompter.errors import RecipeError, SplitError, TableError
from radprompter.label_table import LabelTable
from radprompter.typed_yaml import open_document, validate


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_study(folder, n_patients=9)
    path = folder / "shapes.yaml"
    whole = shapes_recipe(folder, train={"runs": {"one": {}}, "epochs": 1})
    path.write_text(yaml.safe_dump(json.loads(whole.model_dump_json(exclude={"tracking"}))))
    return path


def train(recipe: Path, *settings: str) -> Result:
    options = [word for setting in settings for word in ("--set", setting)]
    return CliRunner().invoke(app, ["train", str(recipe), *options])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train.seed=-1", "greater than or equal to 0"),
        ("train.seed=18446744073709551616", "less than or equal to 9223372036854775807"),
        ("data.split.seed=-1", "greater than or equal to 0"),
        ("evaluate.seed=-1", "greater than or equal to 0"),
        ("data.views=[ap, ap]", "expected names that differ, found 'ap', 'ap'"),
        ("data.views=[ap, ' ']", "expected names that differ"),
        ("train.runs={'../../elsewhere': {}}", "a run's name is that of its folder"),
        ("train.runs={/tmp/elsewhere: {}}", "a run's name is that of its folder"),
        ("train.runs={'': {}}", "a run's name is that of its folder"),
        ("train.runs={'..': {}}", "a run's name is that of its folder"),
        ("train.runs={one/fold1: {}}", "a run's name is that of its folder"),
        ("train.runs={split.csv: {}}", "a run's name is that of its folder"),
        ('train.runs={"a\\nb": {}}', "a run's name is that of its folder"),
        ("train.runs={Soft: {}, soft: {}}", "differ in upper and lower case only"),
        ("train.batch_size=1", "train.batch_size: batch normalisation cannot learn from a batch of one study"),
        ("train.model=inception_v3", "train.model: the network takes no images of 32 x 32 pixels"),
        ("train.model=local-dir:/nowhere", "train.model: 'local-dir:/nowhere' cannot be made"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused_in_one_message(recipe: Path, setting: str, message: str) -> None:
    result = train(recipe, setting)
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)
    assert message in result.output


@pytest.mark.parametrize("name", ["U-ones", "soft 0.55-0.85", "näive", "7", "a", "inclusive (U-ones)"])
def test_names_of_runs_may_be_words_of_people(recipe: Path, name: str) -> None:
    assert list(validate(StudyRecipe, open_document(recipe, settings=[f"train.runs={{'{name}': {{}}}}"])).train.runs)


def test_an_output_folder_that_is_set_to_nothing_is_the_one_of_no_setting(recipe: Path) -> None:
    assert open_document(recipe, settings=["out="]).data["out"] == "runs/shapes"


def studies(path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> list[tuple[str, str, str]]:
    frame = pd.DataFrame({"study_id": ["s1", "s2"], "patient_id": ["p1", "p2"], "site": ["alpha", "beta"]})
    change(frame).to_parquet(path)
    return [tuple(row) for row in read_studies(Studies(path=path))]


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("patient_id", ["p1", None], ":3: study 's2' has no patient_id"),
        ("patient_id", [np.nan, 2.0], ":2: study 's1' has no patient_id"),
        ("study_id", [None, "s2"], ":2: a row without study_id"),
    ],
)
def test_a_cell_that_is_absent_is_not_a_name(tmp_path: Path, column: str, values: list, message: str) -> None:
    with pytest.raises(TableError, match=message):
        studies(tmp_path / "studies.parquet", lambda frame: frame.assign(**{column: values}))


def test_numbers_as_ids_have_no_decimals_and_sites_may_be_absent_altogether(tmp_path: Path) -> None:
    found = studies(tmp_path / "s.parquet", lambda frame: frame.assign(patient_id=[1.0, 2.0], site=[None, None]))
    assert found == [("s1", "1", ""), ("s2", "2", "")]


def test_leading_zeros_stay_and_views_may_have_blanks_around_them(tmp_path: Path) -> None:
    path = tmp_path / "images.csv"
    path.write_text("study_id,view,file\n001,AP ,a.png\n1,ap,b.png\n")
    files = read_image_files(Images(path=path), ["ap"])
    assert [(file.study_id, file.view) for file in files] == [("001", "ap"), ("1", "ap")]
    path.write_text("study_id,view,file\n,ap,a.png\n")
    with pytest.raises(TableError, match=r"images.csv:2: a row without study_id"):
        read_image_files(Images(path=path), ["ap"])


def test_a_file_name_that_no_disk_has_is_an_absent_file(recipe: Path, tmp_path: Path) -> None:
    table = pd.read_csv(recipe.parent / "images.csv")
    table.loc[3, "file"] = "x" * 5000
    table.to_csv(recipe.parent / "long.csv", index=False)
    result = train(recipe, f"data.images.path={recipe.parent}/long.csv", f"out={tmp_path}")
    assert (result.exit_code, "no such image file" in result.output) == (2, True)


@pytest.mark.parametrize(("file", "message"), [("studies", "semicolons stand"), ("labels", "no such label table")])
def test_bad_tables_are_told_before_any_image_is_read(recipe: Path, tmp_path: Path, file: str, message: str) -> None:
    (recipe.parent / "semicolons.csv").write_text("study_id;patient_id;site\ns000;p000;alpha\n")
    key = {"studies": f"data.studies.path={recipe.parent}/semicolons.csv", "labels": "data.labels=absent.parquet"}
    result = train(recipe, key[file], f"out={tmp_path}")
    assert (result.exit_code, message in result.output) == (2, True)
    assert not (tmp_path / "cache").exists()


def test_a_split_file_does_not_train_on_a_site_that_the_recipe_calls_external(tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    path.write_text("study_id,part\ns1,train\ns2,validation\ns3,test\n")
    recipe = shapes_recipe(tmp_path, data={"split": {"file": path, "external": ["beta"]}}).need_data().split
    ids = ["s1", "s2", "s3"]
    with pytest.raises(SplitError, match=r"study 's2' is in 'validation', but its site 'beta' is one of .*external"):
        make_splits(ids, ids, ["alpha", "beta", "alpha"], strata=np.zeros((3, 1), dtype=bool), recipe=recipe)
    path.write_text("study_id,part\ns1,train\ns2,external\ns3,validation\n")
    (split,) = make_splits(ids, ids, ["alpha", "beta", "alpha"], strata=np.zeros((3, 1), dtype=bool), recipe=recipe)
    assert split.parts == ("train", "external", "validation")


def test_a_study_of_no_site_is_not_trained_on_where_sites_are_external(tmp_path: Path) -> None:
    ids, sites, strata = [f"s{number}" for number in range(6)], ["", *["alpha"] * 4, "beta"], np.zeros((6, 1), bool)
    recipe = shapes_recipe(tmp_path).need_data().split
    with pytest.raises(SplitError, match=r"1 studies, such as 's0', have no site"):
        make_splits(ids, ids, sites, strata=strata, recipe=recipe)
    (split,) = make_splits(ids, ids, sites, strata=strata, recipe=recipe.model_copy(update={"internal": ("alpha",)}))
    assert split.study_ids == tuple(ids[1:])


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("Smith: small effusion, seen by Dr. House", "found 40 characters of other text"),
        ("Smith", "found 5 characters of other text"),
        ("postive", "found 'postive'"),
        ("2", "found '2'"),
    ],
)
def test_a_cell_that_is_no_state_is_quoted_only_if_it_is_no_words_of_a_report(cell: str, found: str) -> None:
    with pytest.raises(TableError, match=f"s1, disc: expected .*{found}"):
        LabelTable.from_wide(pd.DataFrame({"study_id": ["s1"], "disc": [cell]}), SCHEMA, source="own.csv")


def test_going_on_does_not_end_with_more_epochs_than_the_recipe_has(tmp_path: Path) -> None:
    def kept(epochs: int) -> Checkpoints:
        return Checkpoints(tmp_path, {"epochs": epochs}, {}, {"epochs": epochs}, minutes=10, go_on=True)

    kept(9).keep(Checkpoint({"losses": np.zeros(1)}, {"step": 12, "epochs": [{}, {}, {}]}))
    assert kept(3).find() is not None
    with pytest.raises(RecipeError, match=r"train.epochs: the checkpoint to go on from has 3 epochs, more than 2"):
        kept(2).find()

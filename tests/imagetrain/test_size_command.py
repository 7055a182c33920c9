"""Sample sizes from the command line."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from imagetrain.cli.app import app
from imagetrain.evaluation.sizes import interval_width, power_of_difference


def size(*arguments: str) -> tuple[int, str]:
    shown = CliRunner().invoke(app, ["size", *arguments])
    return shown.exit_code, shown.output


def test_an_interval_of_a_wanted_width():
    code, text = size("--auroc", "0.85", "--prevalence", "0.1", "--width", "0.1", "--json")
    found = json.loads(text)["width"]
    assert code == 0 and found["n"] == found["n_positive"] + found["n_negative"]
    assert found["n_positive"] == round(found["n"] / 10)
    assert found["width"] == interval_width(0.85, found["n_positive"], found["n_negative"]) <= 0.1
    fewer = found["n"] - 20
    assert interval_width(0.85, round(fewer / 10), fewer - round(fewer / 10)) > 0.1


def test_two_classifiers_told_apart():
    code, text = size("--auroc", "0.85", "--against", "0.80", "--prevalence", "0.1", "--correlation", "0.5", "--json")
    found = json.loads(text)["difference"]
    reached = power_of_difference(0.85, 0.80, found["n_positive"], found["n_negative"], correlation=0.5)
    assert code == 0 and found["power"] == reached >= 0.8
    _, apart = size("--auroc", "0.85", "--against", "0.80", "--prevalence", "0.1", "--json")
    assert json.loads(apart)["difference"]["n"] > 1.5 * found["n"]


def test_the_words_have_counts_and_source():
    code, text = size("--auroc", "0.85", "--prevalence", "0.1", "--width", "0.1", "--against", "0.8", "--power", "0.9")
    assert code == 0
    for words in ("with the finding and", "the 95 % interval of an AUROC of 0.85", "with a chance of 0.90"):
        assert words in text
    assert "Hanley and McNeil" in text and "in each of two sets" in text


def test_few_positives_are_said_not_to_do_for_calibration():
    _, text = size("--auroc", "0.9", "--prevalence", "0.2", "--width", "0.2")
    assert "too few to judge calibration" in text
    _, text = size("--auroc", "0.9", "--prevalence", "0.2", "--width", "0.02")
    assert "calibration" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--auroc", "0.9", "--prevalence", "0.2"], "what for? --width 0.1"),
        (["--auroc", "1.9", "--prevalence", "0.2", "--width", "0.1"], "auroc: expected a number between 0 and 1"),
        (["--auroc", "0.9", "--prevalence", "0.2", "--against", "0.9"], "more than 100 million"),
        (["--auroc", "0.9", "--prevalence", "0.2", "--against", "0.8", "--correlation", "1"], "correlation: expected"),
    ],
)
def test_what_cannot_be_answered_is_said(arguments: list[str], message: str):
    code, text = size(*arguments)
    assert code == 2 and message in text.replace("\n", " ")

"""The tripwire in a labeling run: refused before anything is sent, masked for all that follows, or not looked for."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any, get_args

import pytest
from fake_endpoint import answer, endpoint
from label_study import ANSWER, study, write_recipe, write_reports
from typer.testing import CliRunner

from radprompter.backends import open_backend
from radprompter.backends.endpoint import goes_elsewhere
from radprompter.cli.app import app
from radprompter.errors import InputError, RecipeError, TableError
from radprompter.labeling.asking import Survey
from radprompter.privacy import Screening, refuse_examples
from radprompter.prompting.templates import load_template
from radprompter.recipe import IdentifierKind, Privacy
from radprompter.records import Report
from radprompter.region import load_region, region_names
from radprompter.run import label, label_reports

SECRETS = ("Quibble", "98765432", "12.03.2024", "555-0123")
TEXTS = {
    "a": "Fracture. Discussed with Dr. Quibble on 12.03.2024.",
    "b": "No fracture.",
    "c": "MRN: 98765432. Effusion; call 317-555-0123.",
}
FAR = {"name": "openai", "model": "m", "base_url": "http://192.0.2.1:9/v1", "remote": "allow", "api_key_env": "KEY"}


@pytest.fixture
def sends(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A key, and the addresses to which a connection is tried: none may be."""
    tried: list[Any] = []

    def refuse(self: socket.socket, address: Any) -> None:
        tried.append(address)
        raise OSError("refused")

    monkeypatch.setenv("KEY", "sk-1")
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    return tried


def test_reports_that_name_a_person_are_not_sent_beyond_this_machine(tmp_path: Path, sends: list[Any]) -> None:
    with pytest.raises(InputError) as caught:
        label_reports(study(tmp_path, FAR, TEXTS))
    said = str(caught.value)
    assert (
        "reports that seem to name a person: 2 (1 date, 1 name, 1 phone, 1 record), such as a, c; nothing was sent"
        in said
    )
    assert not any(secret in str(caught.getrepr(chain=True, showlocals=False)) for secret in SECRETS)
    assert sends == []
    assert not (tmp_path / "out/label/labels.csv").exists()


def test_a_refusal_names_at_most_five_reports(tmp_path: Path, sends: list[Any]) -> None:
    texts = {f"r{number}": TEXTS["a"] for number in range(9)}
    with pytest.raises(InputError, match=r"such as r0, r1, r2, r3, r4 and 4 more; nothing"):
        label_reports(study(tmp_path, FAR, texts))


def test_only_what_would_be_sent_is_looked_at(tmp_path: Path, sends: list[Any]) -> None:
    texts = {"a": "CLINICAL HISTORY: seen by Dr. Quibble. IMPRESSION: Fracture."}
    recipe = study(tmp_path, FAR, texts, sections="impression")
    with pytest.raises(Exception, match=r"gives no answer|did not answer"):
        label_reports(recipe)
    assert sends


def test_on_this_machine_nothing_is_done_unless_asked(tmp_path: Path) -> None:
    run = label_reports(study(tmp_path, {"name": "scripted", "default": ANSWER}, TEXTS))
    assert run.summary["privacy"] == {"action": "off", "kinds": [], "n_reports": 0, "counts": {}}
    with pytest.raises(InputError, match="seem to name a person: 2"):
        label_reports(study(tmp_path, {"name": "scripted", "default": ANSWER}, TEXTS, privacy={"action": "block"}))


def test_masked_words_are_never_sent_nor_kept_anywhere(tmp_path: Path) -> None:
    quoting = json.dumps({"fracture": "present", "effusion": "absent", "no_finding": "not mentioned"})
    with endpoint(lambda n, body: answer(quoting)) as server:
        backend = {"name": "openai", "model": "m", "base_url": server.url}
        run = label_reports(study(tmp_path, backend, TEXTS, privacy={"action": "mask"}))
        sent = json.dumps(server.bodies)
    assert "Discussed with Dr. [NAME] on [DATE]." in sent
    assert "MRN: [RECORD]. Effusion; call [PHONE]." in sent
    assert run.summary["privacy"]["counts"] == {"date": 1, "name": 1, "phone": 1, "record": 1}
    assert run.summary["privacy"]["n_reports"] == 2
    kept = [path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert kept
    assert not any(secret.encode() in content or secret in sent for secret in SECRETS for content in kept)
    manifest = json.loads((tmp_path / "out/label/manifest.json").read_text())
    assert manifest["privacy"]["action"] == "mask"


def test_only_the_kinds_that_are_named_are_masked(tmp_path: Path) -> None:
    with endpoint(lambda n, body: answer(ANSWER)) as server:
        backend = {"name": "openai", "model": "m", "base_url": server.url}
        label_reports(study(tmp_path, backend, TEXTS, privacy={"action": "mask", "kinds": ["name"]}))
        assert "Dr. [NAME] on 12.03.2024" in json.dumps(server.bodies)


def test_other_kinds_are_another_template(tmp_path: Path) -> None:
    def hash_of(**privacy: Any) -> str:
        recipe = study(tmp_path, {"name": "scripted", "default": ANSWER}, TEXTS, privacy=privacy)
        label_reports(recipe)
        return str(json.loads((tmp_path / "out/label/manifest.json").read_text())["template"]["hash"])

    plain, masked, names = hash_of(), hash_of(action="mask"), hash_of(action="mask", kinds=["name"])
    assert plain == hash_of(action="off")
    assert len({plain, masked, names}) == 3


def test_render_shows_the_masked_text_and_label_counts_what_was_found(tmp_path: Path) -> None:
    write_reports(tmp_path / "reports.csv", TEXTS)
    backend = {"name": "scripted", "default": ANSWER}
    path = str(write_recipe(tmp_path, backend, privacy={"action": "mask"}))
    rendered = CliRunner().invoke(app, ["render", path, "-n", "3"])
    labeled = CliRunner().invoke(app, ["label", path])
    line = "reports that seem to name a person: 2 (1 date, 1 name, 1 phone, 1 record; masked)"
    assert "Dr. [NAME] on [DATE]" in rendered.output
    assert line in rendered.output
    assert line in labeled.output
    path = str(write_recipe(tmp_path, backend, privacy={"action": "block"}))
    rendered = CliRunner().invoke(app, ["render", path])
    assert "1 record; labeling would be refused)" in rendered.output
    assert CliRunner().invoke(app, ["label", path]).exit_code == 2


def test_in_a_notebook_reports_are_not_sent_away_either(tmp_path: Path, sends: list[Any]) -> None:
    report = Report("a", {"findings": "Seen by Dr. Quibble."})
    region = load_region("elbow")
    with pytest.raises(InputError, match="seem to name a person: 1"):
        label([report], load_template(region), open_backend(FAR, region))
    assert sends == []
    canned = open_backend({"name": "rules"}, region)
    assert len(label([report], load_template(region), canned, privacy=Privacy(action="mask"))) == 1


@pytest.mark.parametrize("action", ["block", "mask"])
def test_an_example_that_names_a_person_is_refused_since_examples_are_sent_as_they_are(
    action: str, tmp_path: Path
) -> None:
    examples = tmp_path / "mine.yaml"
    states = "{fracture: positive, effusion: negative}"
    examples.write_text(
        f"examples:\n- report: Fracture.\n  labels: {states}\n- report: Fracture, Dr. Quibble.\n  labels: {states}\n"
    )
    how = {"strategy": "few_shot", "examples": str(examples), "privacy": {"action": action}}
    recipe = study(tmp_path, {"name": "scripted", "default": ANSWER}, {"a": "Fracture."}, **how)
    with pytest.raises(InputError, match=r"example 2 seems to name a person \(1 name\)") as caught:
        label_reports(recipe)
    assert "Quibble" not in str(caught.value)


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("region", region_names())
def test_shipped_examples_name_nobody(region: str, language: str) -> None:
    template = load_template(region, language=language, strategy="few_shot")
    refuse_examples(Screening("block", get_args(IdentifierKind)), template.examples)


@pytest.mark.parametrize(
    ("settings", "elsewhere"),
    [
        ({"base_url": "http://localhost:8000/v1"}, False),
        ({"base_url": "http://127.0.0.1:8000/v1", "model": "meta/llama", "file": Path("a")}, False),
        ({"base_url": "https://api.openai.com/v1"}, True),
        ({"base_urls": ["http://localhost:1/v1", "http://gpu7:1/v1"]}, True),
        ({"azure": {"endpoint": "https://x.openai.azure.com"}}, True),
        ({"base_url": "http://[bad"}, True),
        ({}, False),
    ],
)
def test_any_address_in_the_settings_that_is_not_here_is_elsewhere(settings: dict[str, Any], elsewhere: bool) -> None:
    assert goes_elsewhere(settings) is elsewhere


def test_an_unknown_kind_or_none_at_all_is_refused(tmp_path: Path) -> None:
    for kinds in (["names"], []):
        with pytest.raises(RecipeError, match=r"privacy\.kinds"):
            study(tmp_path, {"name": "rules"}, TEXTS, privacy={"action": "mask", "kinds": kinds})


def test_a_table_that_changes_after_it_was_screened_is_not_sent(tmp_path: Path) -> None:
    recipe = study(tmp_path, {"name": "scripted", "default": ANSWER}, {"a": "Fracture."}, privacy={"action": "block"})

    def change(survey: Survey) -> None:
        write_reports(tmp_path / "reports.csv", {"a": "Fracture, Dr. Quibble."})

    with pytest.raises(TableError, match="changed while it was looked at; nothing was sent"):
        label_reports(recipe, before=change)
    assert not (tmp_path / "out").exists()

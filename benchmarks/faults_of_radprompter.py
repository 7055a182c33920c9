"""What RadPrompter 2.0.0 does where docs/compared.md says so: each fault shown by running it, without a model.

It has the name of our own package, so it needs an environment of its own:

    python -m venv /tmp/peer && /tmp/peer/bin/pip install radprompter==2.0.0
    /tmp/peer/bin/python benchmarks/faults_of_radprompter.py

Each line says what was done and what came of it; the script ends with 1 if a fault is not there (any more).
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PROMPT = """
[METADATA]
version = 1
[PROMPTS]
system = "You read {{region}} reports."
ask = "Report: {{report}}. Give {{variable_name}}. {{hint}}"
more = " Think first."
[CONSTRUCTOR]
system = "rdp(system)"
user = ["rdp(ask)"]
"""
FRACTURE = """
[SCHEMAS.fracture]
variable_name = "fracture"
type = "select"
options = ["yes", "no"]
hint = "any fracture"
"""
CHILD = """
[SCHEMAS.displaced]
variable_name = "displaced"
type = "select"
options = ["yes", "no"]
hint = "displaced"
depends_on = {schema = "fracture", condition = "yes", default_value = "NA"}
"""
GRANDCHILD_FIRST = """
[SCHEMAS.angle]
variable_name = "angle"
type = "string"
hint = "angle"
depends_on = {schema = "displaced", condition = "yes", default_value = "NA"}
"""

Reply = str | Exception


def answers(
    prompt: str, reports: list[str], reply: Callable[[list[dict[str, str]]], Reply], **settings: Any
) -> tuple[list[list[str]], list[list[dict[str, str]]]]:
    """The rows of the table that RadPrompter writes, and the messages of every request, with canned replies."""
    from radprompter.clients.client import Client
    from radprompter.prompts import Prompt

    from radprompter import RadPrompter

    asked: list[list[dict[str, str]]] = []

    class Canned(Client):  # type: ignore[misc]
        seed = temperature = frequency_penalty = top_p = None

        def chat_complete(self, messages: list[dict[str, str]], *_: Any, **__: Any) -> str:
            asked.append([dict(message) for message in messages])
            found = reply(messages)
            if isinstance(found, Exception):
                raise found
            return found

    with tempfile.TemporaryDirectory() as folder:
        file, output = Path(folder, "p.toml"), Path(folder, "out.csv")
        file.write_text(prompt)
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            engine = RadPrompter(Canned("canned"), Prompt(str(file)), str(output), **settings)
            engine([{"report": report, "region": "elbow"} for report in reports])
        lines = [line for line in output.read_text().splitlines() if not line.startswith("#")]
        return list(csv.reader(lines)), asked


def faults() -> Iterator[tuple[str, object, bool]]:
    """What was done, what came of it, and whether that is the fault."""
    from radprompter.prompts import Prompt

    def parsed(text: str) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "p.toml")
            file.write_text(text)
            try:
                return Prompt(str(file))
            except Exception as error:
                return error

    typo = parsed(PROMPT.replace("rdp(ask)", "rdp(aks)"))
    yield "a misspelled fragment", repr(typo.user_prompts[0]), typo.user_prompts[0] == ""
    added = parsed(PROMPT.replace("rdp(ask)", "rdp(ask + mroe)"))
    yield "a misspelled fragment in a sum", type(added).__name__, isinstance(added, TypeError)
    nested = parsed(
        PROMPT.replace('more = " Think first."', 'more = "rdp(ask)"').replace('["rdp(ask)"]', '["rdp(more)"]')
    )
    yield "a fragment in a fragment", nested.user_prompts[0], "rdp(" in nested.user_prompts[0]

    rows, asked = answers(PROMPT + FRACTURE, ["r"], lambda _: "NOT_AN_OPTION", use_pydantic=False)
    yield "{{region}} in the system text, as sent", asked[0][0]["content"], "{{region}}" in asked[0][0]["content"]
    yield "select without Pydantic, answered NOT_AN_OPTION", rows[1][1], rows[1][1] == "NOT_AN_OPTION"
    rows, _ = answers(PROMPT + FRACTURE, ["r"], lambda _: '{"fracture": "NOT_AN_OPTION"}')
    yield "select with Pydantic, answered NOT_AN_OPTION", rows[1][1], rows[1][1] == "NOT_AN_OPTION"
    shown = FRACTURE + "show_options_in_hint = true\n"
    _, asked = answers(PROMPT + shown, ["r"], lambda _: '{"fracture": "yes"}')
    yield (
        "show_options_in_hint: options in the request",
        "options" in asked[0][1]["content"],
        "schema" not in asked[0][1]["content"],
    )
    _, asked = answers(PROMPT + FRACTURE, ["{{region}}"], lambda _: '{"fracture": "yes"}')
    sent = asked[0][1]["content"]
    yield "a report that holds {{region}}, as sent", sent, sent.startswith("Report: elbow.")

    rows, _ = answers(PROMPT + FRACTURE + CHILD, ["r"], lambda _: ValueError("server down"))
    row = dict(zip(*rows, strict=True))
    child = row["displaced_response"]
    yield "the parent failed: parent, child", (row["fracture_response"], child), child == "NA"
    backwards = PROMPT + FRACTURE + GRANDCHILD_FIRST + CHILD
    rows, asked = answers(backwards, ["r"], lambda m: "yes", use_pydantic=False)
    row = dict(zip(*rows, strict=True))
    yield (
        "a grandchild that stands before its parent, which is yes",
        row["angle_response"],
        row["angle_response"] == "NA",
    )

    two_turns = PROMPT.replace('["rdp(ask)"]', '["rdp(ask)", "rdp(more)"]') + FRACTURE
    rows, _ = answers(two_turns, ["r"], lambda _: "yes", use_pydantic=False)
    yield "two turns: columns of answers", rows[0][1:3], sum("fracture" in name for name in rows[0]) == 2
    replies = iter([ValueError("down"), "no", "yes"])
    rows, _ = answers(two_turns, ["first", "second"], lambda _: next(replies), use_pydantic=False)
    yield "the first row failed: header, second row", (len(rows[0]), len(rows[2])), len(rows[0]) != len(rows[2])

    prefilled = (
        PROMPT.replace('["rdp(ask)"]', '["rdp(ask)", "rdp(more)"]')
        + 'response_templates = ["<a>", "<a>"]\nstop_tags = ["</a>", "</a>"]\n'
        + FRACTURE
    )
    _, asked = answers(prefilled, ["r"], lambda _: "yes", use_pydantic=False)
    said = asked[1][2]["content"]
    yield "a prefill <a>, answered yes, in the history", said, said.startswith("<a><a>")
    _, asked = answers(PROMPT + FRACTURE + CHILD.split("depends_on")[0], ["r"], lambda m: "yes", use_pydantic=False)
    yield "messages of the second question", len(asked[1]), len(asked[1]) > 2


def main() -> int:
    """Print every fault; 1 if one is not there."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else it is fetched from the network on import
    found = list(faults())
    for done, outcome, is_fault in found:
        sys.stdout.write(f"{'fault' if is_fault else 'none ':<6} {done}: {outcome}\n")
    return 0 if all(is_fault for _, _, is_fault in found) else 1


if __name__ == "__main__":
    sys.exit(main())

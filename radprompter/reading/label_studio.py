"""Sheets for Label Studio: tasks and the labeling interface to import, and its two JSON exports to read.

Formats: https://labelstud.io/guide/task_format.html (tasks, annotations, predictions) and
https://labelstud.io/tags/choices.html (interface). In the export JSON each task has its annotations, with a result for
each control by `from_name`; in JSON-MIN each annotation is an object with the data of its task and a key a control.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import quoteattr

from radprompter.errors import TableError
from radprompter.labels import LabelSchema, LabelState
from radprompter.reading.sample import Sample
from radprompter.reading.sheets import NOTE, PREDICTED, REPORT_ID, REST, TEXT, Predicted, Row, Sheet, Texts, as_word

LABEL = "label_"
REPORT = "report"


def write_tasks(sample: Sample, rater: str, *, texts: Texts | None = None, predicted: Predicted | None = None) -> str:
    """The tasks of a rater as JSON to import.

    What the label table says is shown as words, where it is shown at all: Label Studio would preselect predictions, and
    take them for read when somebody goes on.
    """
    tasks = []
    for report_id in sample.raters[rater]:
        sections = {f"{TEXT}{name}": words for name, words in (texts or {}).get(report_id, {}).items()}
        said = {
            f"{PREDICTED}{name}": f"labeler: {state.replace('_', ' ')}"
            for name, state in (predicted or {}).get(report_id, {}).items()
        }
        tasks.append({"data": {REPORT_ID: report_id, **sections, **said}})
    return json.dumps(tasks, ensure_ascii=False, indent=1) + "\n"


def write_interface(schema: LabelSchema, sections: tuple[str, ...] = (), *, with_predicted: bool = False) -> str:
    """The labeling interface as XML: the report on the left; a group of choices a finding, the rest and a note."""
    lines = [
        '<View style="display: flex; gap: 2em; align-items: flex-start">',
        '<View style="flex: 1; position: sticky; top: 0">',
        *_shown(REPORT, REPORT_ID),
    ]
    for section in sections:
        lines += [_header(section), *_shown(f"{TEXT}{section}", f"{TEXT}{section}")]
    lines += ["</View>", '<View style="flex: 1">']
    for spec in schema.findings:
        lines.append(_header(spec.title or spec.name))
        lines += _shown(f"{PREDICTED}{spec.name}", f"{PREDICTED}{spec.name}") if with_predicted else ()
        lines += _choices(f"{LABEL}{spec.name}", spec.states)
    every = dict.fromkeys(state for spec in schema.findings for state in spec.states)
    lines += [_header("everything that has no choice above"), *_choices(REST, tuple(every))]
    lines += [_header(NOTE), f'<TextArea name="{NOTE}" toName="{REPORT}" rows="2"/>', "</View>", "</View>"]
    return "\n".join(lines) + "\n"


def read_export(content: bytes, schema: LabelSchema, *, source: str) -> tuple[Sheet, ...]:
    """A sheet for each annotator of an export, JSON or JSON-MIN; what was skipped, drafted or predicted is left out.

    Raises
    ------
    TableError
        If it is no export of Label Studio, or of other tasks than `write_tasks` writes.
    """
    try:
        tasks = json.loads(content.decode("utf-8-sig"))
    except ValueError:
        raise TableError(f"{source}: not valid JSON") from None
    rows: dict[str, list[Row]] = {}
    names = [f"{LABEL}{name}" for name in schema.names]
    ignored: dict[str, dict[str, None]] = {}
    for number, task in enumerate(tasks if isinstance(tasks, list) else [tasks], start=1):
        where = f"{source}, task {task.get('id', number) if isinstance(task, dict) else number}"
        try:
            for report_id, annotator, said in _annotations(task):
                rater = _rater(annotator)
                words = {name: _word(said.get(f"{LABEL}{name}")) for name in schema.names}
                row = Row(where, report_id, words, _word(said.get(REST)), _word(said.get(NOTE)))
                rows.setdefault(rater, []).append(row)
                strange = (name for name in said if name.startswith(LABEL) and name not in names)
                ignored.setdefault(rater, {}).update(dict.fromkeys(strange))
        except (KeyError, TypeError, AttributeError):
            raise TableError(
                f"{where}: expected a task of the sample with its annotations, as Label Studio exports it "
                "(JSON or JSON-MIN)"
            ) from None
    return tuple(Sheet(source, rater, tuple(rows[rater]), tuple(ignored[rater])) for rater in rows)


def _header(text: str) -> str:
    return f'<Header value={quoteattr(text)} size="5"/>'


def _shown(name: str, field: str) -> tuple[str, ...]:
    """A field of the task, shown as text."""
    return (f"<Text name={quoteattr(name)} value={quoteattr(f'${field}')}/>",)


def _choices(name: str, states: tuple[LabelState, ...]) -> tuple[str, ...]:
    choices = (f'  <Choice value="{state.replace("_", " ")}"/>' for state in states)
    head = f'<Choices name={quoteattr(name)} toName="{REPORT}" choice="single" showInline="true">'
    return (head, *choices, "</Choices>")


def _annotations(task: Mapping[str, Any]) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """Report, annotator and what each control says, of every annotation of a task that was not skipped."""
    if "annotations" not in task:  # JSON-MIN
        said = {name: value for name, value in task.items() if name.startswith(LABEL) or name in (REST, NOTE)}
        if said or task["annotator"] is not None:
            yield str(task[REPORT_ID]), task["annotator"], said
        return
    for annotation in task["annotations"]:
        if annotation.get("was_cancelled") or annotation.get("skipped"):
            continue
        results = {item["from_name"]: item["value"] for item in annotation["result"] if "from_name" in item}
        yield str(task["data"][REPORT_ID]), annotation.get("completed_by"), results


def _word(value: Any) -> str:
    """What was chosen or written, in either export; several choices as one word that means nothing."""
    if isinstance(value, dict):
        value = value.get("choices", value.get("text"))
    if isinstance(value, list):
        return " / ".join(map(_word, value))
    return as_word(value)


def _rater(annotator: Any) -> str:
    """The name of an annotator: their address where it is exported, else their number."""
    if isinstance(annotator, dict):
        annotator = annotator.get("email") or annotator.get("id")
    if isinstance(annotator, int):
        return f"annotator{annotator}"
    return "annotator" if annotator is None else str(annotator)

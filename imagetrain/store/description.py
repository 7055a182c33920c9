"""What is told of a classifier beside its weights: model.json for programs, MODEL_CARD.md for people; no study's id."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from imagetrain.records import PARTS
from radprompter.files import sha256, write_json, write_text
from radprompter.labels import LabelSchema

POLICIES = {
    "inclusive": "counts as positive",
    "exclusive": "counts as negative",
    "ignore": "is not counted",
    "soft": "counts as a value between 0 and 1",
}
UNUSABLE = "an image that could not be used"


def save_description(folder: Path, manifest: Mapping[str, Any], schema: LabelSchema) -> None:
    """Write model.json and MODEL_CARD.md beside the weights, from the manifest of the run."""
    described = describe(manifest, schema) | {"sha256": sha256(folder / "model.safetensors")}
    write_json(folder / "model.json", described)
    write_text(folder / "MODEL_CARD.md", model_card(described))


def describe(manifest: Mapping[str, Any], schema: LabelSchema) -> dict[str, Any]:
    """What a program must know to use a classifier, and a reader to judge it; studies are only counted."""
    card = {
        name: manifest[name]
        for name in ("run", "model", "findings", "thresholds", "policy", "best_epoch", "validation_auroc")
    }
    return card | {
        "schema": json.loads(schema.to_json()),
        "schema_hash": schema.hash,
        "input": {
            "views": manifest["views"],
            "size": manifest["size"],
            "range": [-1, 1],
            "equalise": manifest["equalise"],
            **manifest["layout"],
        },
        "n_parameters": manifest["n_parameters"],
        "n_studies": manifest["n_studies"],
        "targets": manifest["targets"],
        "validation": manifest["validation"],
        "left_out": manifest["left_out"],
        "excluded": count_reasons(manifest["excluded"].values()),
        "recipe": {name: value for name, value in manifest["recipe"].items() if name != "runs"},
        "hashes": manifest["hashes"],
        "versions": manifest["versions"],
    }


def count_reasons(reasons: Sequence[str]) -> dict[str, int]:
    """How many studies were left out for which reason; reasons that name a file are one."""
    return dict(Counter(UNUSABLE if "/" in reason or "\\" in reason else reason for reason in reasons).most_common())


def model_card(described: Mapping[str, Any]) -> str:
    """A model card in Markdown, in the headings of Mitchell et al. (2019), from facts alone."""
    return "\n".join(
        [
            f"# {described['run']}: {described['model']} for {described['schema']['name']}",
            "",
            *_intended(described),
            *_data(described),
            *_input(described),
            *_performance(described),
            *_left_out(described),
            *_loading(described),
            *_origin(described),
        ]
    )


def _intended(described: Mapping[str, Any]) -> list[str]:
    findings = described["findings"]
    return [
        "## Intended use",
        "",
        f"Research on {len(findings)} findings of radiographs: {', '.join(findings)}. It is no medical device and must "
        "not be used for the care of patients.",
        "",
        "Its labels say what reports say, not what patients have, unless the data were labeled otherwise. Other "
        "hospitals, machines, views and ages than those in the training data were not seen; thresholds do not travel.",
        "",
    ]


def _data(described: Mapping[str, Any]) -> list[str]:
    policy = described["policy"]
    special = policy.get("per_finding") or {}
    lines = [
        "## Training data",
        "",
        *_table(
            ["part", "studies"],
            [[part, described["n_studies"][part]] for part in PARTS if part in described["n_studies"]],
        ),
        "",
        f"Labels: *uncertain* {POLICIES[policy['policy']]} (policy {policy['policy']}); *not mentioned* "
        f"{'counts as negative' if policy['not_mentioned'] == 'negative' else 'is not counted'}.",
    ]
    lines += [f"- {finding}: {_rule(rule)}" for finding, rule in special.items()]
    training = described["targets"].get("train", {})
    rows = [[finding, *(training[finding][kind] for kind in _kinds(training))] for finding in training]
    return [*lines, "", *_table(["finding, in training", *_kinds(training)], rows), ""]


def _rule(rule: str | Mapping[str, Any]) -> str:
    """What holds for one finding, where it is not what holds for all."""
    own = {"policy": rule} if isinstance(rule, str) else {name: value for name, value in rule.items() if value}
    parts = [f"*uncertain* {POLICIES[own['policy']]} ({own['policy']})"] if "policy" in own else []
    return ", ".join(parts + [f"{name} {value}" for name, value in own.items() if name != "policy"])


def _kinds(counted: Mapping[str, Mapping[str, int]]) -> list[str]:
    return list(next(iter(counted.values()), {}))


def _input(described: Mapping[str, Any]) -> list[str]:
    taken = described["input"]
    size, scale = taken["size"], "grey values in [-1, 1]"
    if taken.get("mean") is not None:
        scale += ", which the network brings to the scale of its pretrained weights"
    absent = {
        "require": "a study must have all of them",
        "embed": "a learned vector stands for one that is absent",
        "mask": "the others count for one that is absent",
    }[taken.get("missing_views", "require")]
    return [
        "## Preprocessing",
        "",
        f"Views, in this order: {', '.join(taken['views'])}; {absent}. Each image: longer side to {size} pixels, "
        f"{'histogram equalisation, ' if taken['equalise'] else ''}padded with black to {size} x {size}, {scale}.",
        "",
    ]


def _performance(described: Mapping[str, Any]) -> list[str]:
    rows = []
    for finding, found in described["validation"].items():
        shown = found["reason"] if found["auroc"] is None else f"{found['auroc']:.3f}"
        interval = "" if found["low"] is None else f"{found['low']:.3f} to {found['high']:.3f}"
        threshold = described["thresholds"].get(finding)
        rows.append(
            [
                finding,
                found["n_positive"],
                found["n_negative"],
                shown,
                interval,
                "none" if threshold is None else f"{threshold:.4g}",
            ]
        )
    heads = ["finding", "positive", "negative", "AUROC", "95 % CI (DeLong)", "threshold (logit, Youden)"]
    return [
        "## Performance on validation",
        "",
        f"These studies chose the epoch ({described['best_epoch']}) and the thresholds, so the numbers are too high. "
        "Test sets are in the evaluation of the run (`imagetrain evaluate`).",
        "",
        *_table(heads, rows),
        "",
    ]


def _left_out(described: Mapping[str, Any]) -> list[str]:
    lines = [f"- finding {name}: {reason}" for name, reason in described["left_out"].items()]
    lines += [f"- {n} studies: {reason}" for reason, n in described["excluded"].items()]
    return ["## Left out", "", *(lines or ["Nothing."]), ""]


def _loading(described: Mapping[str, Any]) -> list[str]:
    return [
        "## Use",
        "",
        "```",
        "imagetrain predict model.safetensors FOLDER --out OUT",
        "```",
        "",
        f"Outputs are logits in the order {', '.join(described['findings'])}; the weights are safetensors and say the "
        "same of themselves in their header.",
        "",
    ]


def _origin(described: Mapping[str, Any]) -> list[str]:
    rows = [[f"sha256 of {name}", f"`{value}`"] for name, value in described["hashes"].items()]
    rows += [["sha256 of the weights", f"`{described['sha256']}`"]] if "sha256" in described else []
    rows += [["label schema", f"{described['schema']['name']} `{described['schema_hash']}`"]]
    rows += [[name, value] for name, value in described["versions"].items()]
    return ["## Made from", "", *_table(["what", "which"], rows), ""]


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    def line(cells: Sequence[object]) -> str:
        return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"

    return [line(heads), line(["---"] * len(heads)), *(line(row) for row in rows)]

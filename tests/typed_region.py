"""A region that asks for everything: attributes of each kind, quotes, and findings that depend on others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from radprompter.answers import read
from radprompter.labels import Cell
from radprompter.records import Completion, Report
from radprompter.region import Region, load_region

TYPED_REGION = """
title: {en: Wrist, de: Handgelenk}
schema: wrist-typed-1
spelling: {positive: present, negative: absent, uncertain: uncertain, not_mentioned: not mentioned}
aliases: {positive: ["yes", ja], negative: ["no", nein], not_mentioned: [nicht erwähnt]}
findings:
  fracture:
    title: {en: Fracture, de: Fraktur}
    definition: {en: A broken bone., de: Ein gebrochener Knochen.}
    synonyms: {en: [fracture, fractured], de: [Fraktur]}
    evidence: true
    attributes:
      side: {kind: laterality}
      bone:
        kind: location
        values: {radius: {de: Radius}, ulna: {de: Ulna}, scaphoid: {en: scaphoid bone, de: Kahnbein}}
      severity: {kind: severity}
      step: {kind: number, title: {en: Step, de: Stufe}, units: [mm, cm, in], minimum: 0, maximum: 100}
      angle: {kind: number, title: {en: Angulation, de: Achsabweichung}, units: °}
      fragments:
        kind: number
        title: {en: Fragments, de: Fragmente}
        description: {en: The number of pieces., de: Die Zahl der Bruchstücke.}
        minimum: 2
      pattern: {kind: choice, title: {en: Pattern, de: Muster}, values: [transverse, oblique, buckle]}
      joints: {kind: list, title: {en: Joints, de: Gelenke}, values: [radiocarpal, ulnocarpal], when: [positive]}
      gaps: {kind: list, title: {en: Gaps, de: Spalten}, units: [mm, cm]}
      device: {kind: text, title: {en: Device, de: Implantat}, when: [positive, negative, uncertain, not_mentioned]}
  healing:
    title: {en: Healing, de: Heilung}
    definition: {en: Callus or remodelling., de: Kallus oder Umbau.}
    synonyms: {en: [healing, callus], de: [Heilung, Kallus]}
    depends_on: {fracture: [positive]}
    attributes: {stage: {kind: text, title: {en: Stage, de: Stadium}}}
  refracture:
    title: {en: Refracture, de: Refraktur}
    definition: {en: A new line in a healing fracture., de: Eine neue Linie in heilender Fraktur.}
    synonyms: {en: [refracture], de: [Refraktur]}
    depends_on: {fracture: [positive, uncertain], healing: [positive, uncertain]}
    states: [positive, negative, uncertain]
    otherwise: negative
  effusion:
    title: {en: Effusion, de: Erguss}
    definition: {en: Fluid in the joint., de: Flüssigkeit im Gelenk.}
    synonyms: {en: [effusion], de: [Erguss]}
"""


def typed_region(templates: Path, text: str = TYPED_REGION) -> Region:
    """The region `typed` under a templates folder, which is made."""
    folder = templates / "typed"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "region.yaml").write_text(text, encoding="utf-8")
    return load_region("typed", templates=templates)


def cell_of(region: Region, value: Any, finding: str = "fracture") -> Cell:
    """The cell of a finding in the reading of an answer that has a value for it alone."""
    reply = json.dumps({finding: value})
    cells = read(Completion("r1", (reply,)), Report("r1", {"report": "x"}), region, "test").cells
    return next(cell for cell in cells if cell.finding == finding)


def found(cell: Cell, name: str) -> tuple[str, object, str | None]:
    """Status, value and unit of an attribute."""
    value = next(attribute for attribute in cell.attributes if attribute.name == name)
    return value.status, value.value, value.unit

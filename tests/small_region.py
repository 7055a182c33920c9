"""A region of three findings in a folder of its own, for tests that need a region but not a shipped one."""

from __future__ import annotations

from pathlib import Path

from radprompter.region import Region, load_region

REGION = """
title: {en: wrist, de: Handgelenk}
schema: wrist-3
findings:
  fracture:
    title: {en: fracture, de: Fraktur}
    definition: {en: a broken bone, de: ein gebrochener Knochen}
  effusion:
    title: {en: effusion, de: Erguss}
    definition: {en: fluid in the joint, de: Flüssigkeit im Gelenk}
  no_finding:
    title: {en: no finding, de: kein Befund}
    definition: {en: nothing else is positive, de: nichts anderes ist positiv}
    states: [positive, not_mentioned]
no_finding: no_finding
spelling: {positive: present, negative: absent, uncertain: possible, not_mentioned: not mentioned}
aliases: {positive: ["yes", ja], negative: ["no", nein]}
"""


def small_region(templates: Path) -> Region:
    """The region `wrist` under a templates folder, which is made."""
    folder = templates / "wrist"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "region.yaml").write_text(REGION, encoding="utf-8")
    return load_region("wrist", templates=templates)

"""`radprompter phantom`: write a synthetic study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radprompter.terminal import DONE, console, guarded, print_json, show_progress


@guarded
def phantom(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write; empty, or an earlier phantom.")],
    region: Annotated[
        list[str], typer.Option(help="A region: chest, clavicle, elbow or thumb. Repeat for several.")
    ] = ["elbow"],  # noqa: B006 - typer copies it
    patients: Annotated[int, typer.Option(min=1, help="Patients a region at site alpha; beta is smaller.")] = 400,
    seed: Annotated[int, typer.Option(help="The same seed writes the same bytes.")] = 7,
    size: Annotated[int, typer.Option(min=32, help="Shorter side of an image, in pixels.")] = 160,
    json: Annotated[bool, typer.Option("--json", help="Print one machine-readable line.")] = False,
) -> int:
    """Write a synthetic study with known truth: reports, images, and what is really there."""
    from radprompter.phantom import write_phantom

    summary = write_phantom(folder, regions=region, patients=patients, seed=seed, size=size, track=show_progress)
    if json:
        print_json({"folder": folder, **summary})
        return DONE
    for name, counts in summary["regions"].items():
        studies = ", ".join(f"{number} at {site}" for site, number in counts["studies"].items())
        reports = ", ".join(f"{number} {code}" for code, number in counts["reports"].items())
        console().print(f"{name}: {studies}; {reports} reports, {counts['images']} images")
    console().print(f"synthetic study in {folder}: seed {seed}, truth.csv and findings.csv beside the reports")
    return DONE

"""`imagetrain size`: how many studies an evaluation needs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from radprompter.errors import InputError
from radprompter.options import AsJson
from radprompter.terminal import DONE, console, guarded, print_json

SOURCE = "Variance of an AUROC: Hanley and McNeil, Radiology 143 (1982) 29; of two on the same studies: 148 (1983) 839."
FEW = 100
FEW_NOTE = (
    "Fewer than 100 positives: enough for what was asked, but too few to judge calibration "
    "(Collins et al., Statistics in Medicine 35 (2016) 214)."
)


@guarded
def size(
    auroc: Annotated[float, typer.Option(help="AUROC that is expected.")],
    prevalence: Annotated[float, typer.Option(help="Share of the studies that have the finding.")],
    width: Annotated[
        float | None, typer.Option(help="Wanted width of the interval, such as 0.1 for 0.80 to 0.90.")
    ] = None,
    against: Annotated[float | None, typer.Option(help="AUROC that it is to be told apart from.")] = None,
    power: Annotated[float, typer.Option(help="Chance of telling them apart.")] = 0.8,
    correlation: Annotated[
        float,
        typer.Option(
            help="Of the two AUROCs: often 0.3 to 0.6 for two classifiers on the same studies; 0 for one classifier on "
            "two sets of studies, of this size each."
        ),
    ] = 0.0,
    alpha: Annotated[float, typer.Option(help="1 minus the coverage of the interval; level of the test.")] = 0.05,
    json: AsJson = False,
) -> int:
    """Say how many studies an evaluation needs: for an interval of a wanted width, or to tell two AUROCs apart."""
    from imagetrain.evaluation.sizes import interval_width, power_of_difference, studies_for_power, studies_for_width

    if width is None and against is None:
        raise InputError("what for? --width 0.1 for an interval, or --against 0.80 for another AUROC")
    found: dict[str, Any] = {}
    if width is not None:
        needed = studies_for_width(auroc, prevalence, width, alpha=alpha)
        reached = interval_width(auroc, *needed[1:], alpha=alpha)
        found["width"] = needed._asdict() | {"auroc": auroc, "prevalence": prevalence, "alpha": alpha, "width": reached}
    if against is not None:
        needed = studies_for_power(auroc, against, prevalence, power=power, correlation=correlation, alpha=alpha)
        chance = power_of_difference(auroc, against, *needed[1:], correlation=correlation, alpha=alpha)
        found["difference"] = needed._asdict() | {
            "auroc": auroc, "against": against, "prevalence": prevalence, "alpha": alpha, "power": chance,
            "correlation": correlation,
        }  # fmt: skip
    if json:
        print_json(found | {"source": SOURCE})
        return DONE
    for what, needed_for in found.items():
        console().print(_in_words(what, needed_for), soft_wrap=True, markup=False)
    if min(one["n_positive"] for one in found.values()) < FEW:
        console().print(FEW_NOTE, style="yellow", soft_wrap=True, markup=False)
    console().print(SOURCE, style="dim", soft_wrap=True, markup=False)
    return DONE


def _in_words(what: str, found: dict[str, Any]) -> str:
    studies = f"{found['n']:,} studies, {found['n_positive']:,} with the finding and {found['n_negative']:,} without"
    if what == "width":
        coverage = f"{100 * (1 - found['alpha']):g} %"
        return f"{studies}: the {coverage} interval of an AUROC of {found['auroc']:g} is then {found['width']:.3f} wide"
    where = "in each of two sets" if found["correlation"] == 0 else "seen by both classifiers"
    return (
        f"{studies}, {where}: an AUROC of {found['auroc']:g} is then told from {found['against']:g} with a chance of "
        f"{found['power']:.2f} (two-sided, level {found['alpha']:g}, correlation {found['correlation']:g})"
    )

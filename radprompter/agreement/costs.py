"""What labels cost: minutes, tokens, money and failures, as the manifest beside them says, and nothing guessed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from radprompter.agreement.report import Cost

ALL_ASKED = "one run, from its start to its files, all requests sent then"
KEPT_BEFORE = "no time: the run that wrote the labels found {n:,} answers of earlier runs"
NOT_SAID = "no time: the manifest does not say whether answers of earlier runs were used"


def cost(labeler: str, manifest: Mapping[str, Any]) -> Cost:
    """The cost of a label table by its ``manifest.json``.

    Minutes per 1,000 reports are of the run that wrote the labels, from its start to its files. They are None if some
    of its answers came from earlier runs, since then its time is not what the labels took; so is what it spent. Tokens
    are of all answers, whenever they were given; a backend without tokens has None.
    """
    n_reports = int(manifest["n_reports"])
    before = manifest.get("n_answered_before")
    seconds, usd = manifest.get("seconds"), manifest.get("spent_usd")
    whole = before == 0 and seconds is not None
    says = NOT_SAID if before is None else ALL_ASKED if whole else KEPT_BEFORE.format(n=before)
    tokens = manifest.get("tokens") or {}
    any_tokens = bool(tokens.get("prompt") or tokens.get("completion"))
    return Cost(
        labeler,
        n_reports,
        float(seconds) / 60 / n_reports * 1000 if whole and seconds is not None and n_reports else None,
        int(tokens["prompt"]) if any_tokens else None,
        int(tokens["completion"]) if any_tokens else None,
        float(usd) if usd is not None and whole else None,
        manifest.get("n_failed"),
        dict(manifest.get("failures") or {}),
        says,
    )

"""What each number of an evaluation is, in words; the settings in braces are those of `numbers.Options`."""

from __future__ import annotations

from collections.abc import Mapping

DEFINITIONS: Mapping[str, str] = {
    "auroc": (
        "Area under the ROC curve: the chance that a study with the finding scores higher than one without, ties "
        "counting half; from midranks of the logits in float64. Interval: DeLong; with fewer than {few_positives} "
        "positives or negatives, or without variance, the score interval with the Hanley-McNeil variance, as DeLong's "
        "is too narrow there."
    ),
    "auroc_delong": "Normal interval with DeLong's variance (1988), cut to [0, 1]; counts studies as independent.",
    "auroc_bootstrap": "Percentile interval over {resamples} resamples of whole patients (seed {seed}).",
    "average_precision": (
        "Area under the precision-recall curve as average precision, without interpolation; a score that knows nothing "
        "reaches the prevalence. Interval: {resamples} resamples of whole patients."
    ),
    "threshold": (
        "Youden: the logit with the largest sensitivity + specificity − 1 on the validation studies (of equals, the "
        "highest); frozen, never refitted on a test set. A study is called positive if its logit is at or above it. "
        "With folds each network has its own, and their mean is shown; the mean of all networks' logits is held "
        "against that mean."
    ),
    "sensitivity": "Called positive among those with the finding, at the frozen threshold. Interval: Wilson.",
    "specificity": "Called negative among those without the finding, at the frozen threshold. Interval: Wilson.",
    "ppv": "With the finding among those called positive; depends on the prevalence. Interval: Wilson.",
    "npv": "Without the finding among those called negative; depends on the prevalence. Interval: Wilson.",
    "f1": "Harmonic mean of sensitivity and PPV. Interval: {resamples} resamples of whole patients.",
    "macro_auroc": (
        "Plain mean of the AUROCs of the findings with at least {min_positives} positives and one negative in this "
        "test set; the others are listed with the reason. Interval: {resamples} resamples of whole patients, the same "
        "for all findings and runs."
    ),
    "paired": (
        "DeLong's test of two runs on the same studies, two-sided, for findings with at least {min_positives} "
        "positives; studies whose label differs between the two runs' references are left out."
    ),
    "paired_sensitivity": (
        "Difference of two runs' sensitivities on the same studies, each at its own frozen threshold. Interval: "
        "{resamples} resamples of whole patients. p: McNemar's exact test, two-sided; where a patient has several "
        "studies, twice the share of resamples on the smaller side of zero."
    ),
    "paired_specificity": (
        "Difference of two runs' specificities on the same studies, each at its own frozen threshold; interval and p "
        "as of the sensitivities."
    ),
    "paired_f1": (
        "Difference of two runs' F1 on the same studies, each at its own frozen threshold. Interval: {resamples} "
        "resamples of whole patients; p: twice the share of resamples on the smaller side of zero."
    ),
    "unpaired": (
        "DeLong's test of one run at two sites, which share no patients: Welch-Satterthwaite t, two-sided, for "
        "findings with at least {min_positives} positives at both."
    ),
    "p_adjusted": (
        "Benjamini-Hochberg over the declared family of tests; undefined ones are dropped first, m are left. "
        "Significant at a false discovery rate of {alpha}."
    ),
    "macro_difference": (
        "Difference of two macro AUROCs over the findings that count in both. Interval: percentiles over {resamples} "
        "resamples of patients (the same for both runs; separate ones for separate sites); p: twice the share of "
        "resamples on the smaller side of zero."
    ),
}

"""What each number of an evaluation is, in words; the settings in braces are those of `numbers.Options`."""

from __future__ import annotations

from collections.abc import Mapping

RATE = "Interval: Wilson, with Rao and Scott's design effect (1992) where patients have several studies."
WALD = "Interval: Wald, with the sandwich variance over patients where they have several studies."
DRAWN_P = "2 (1 + k) / (1 + n), at most 1, of n resamples with k on the smaller side of zero; zeros are on both."

DEFINITIONS: Mapping[str, str] = {
    "auroc": (
        "Area under the ROC curve: the chance that a study with the finding scores higher than one without, ties "
        "counting half; from midranks of the logits in float64. Interval: DeLong, with "
        "Obuchowski's variance (1997) where patients have several studies; with fewer than {few_positives} positives "
        "or negatives, fewer than {few_errors} of the rarer class ranked wrongly, or without variance, the score "
        "interval with the Hanley-McNeil variance, as DeLong's is too narrow there (where patients have several "
        "studies, patients are counted)."
    ),
    "auroc_delong": (
        "Normal interval with DeLong's variance (1988), cut to [0, 1]; where patients have several studies, with "
        "Obuchowski's (1997), which takes patients for independent, not studies."
    ),
    "auroc_bootstrap": "Percentile interval over {resamples} resamples of whole patients (seed {seed}).",
    "average_precision": (
        "Area under the precision-recall curve as average precision, without interpolation; a score that knows nothing "
        "reaches the prevalence. Interval: {resamples} resamples of whole patients."
    ),
    "threshold": (
        "{threshold_rule} on the validation studies; frozen, never refitted on a test set. n counts the validation "
        "studies. A study is called positive if its logit is at or above it. With folds each network has its own, and "
        "their mean is shown; the mean of all networks' logits is held against that mean."
    ),
    "sensitivity": "Called positive among those with the finding, at the frozen threshold. " + RATE,
    "specificity": "Called negative among those without the finding, at the frozen threshold. " + RATE,
    "ppv": "With the finding among those called positive; depends on the prevalence. " + RATE,
    "npv": "Without the finding among those called negative; depends on the prevalence. " + RATE,
    "f1": "Harmonic mean of sensitivity and PPV. Interval: {resamples} resamples of whole patients.",
    "auroc_folds": (
        "Mean over the folds of the AUROC that each fold's network reaches on its own test studies; unlike the pooled "
        "AUROC it never ranks logits of different networks together. Interval: {resamples} resamples of whole patients."
    ),
    "calibration_in_the_large": (
        "What must be added to all logits for as many positives to be expected as there are; 0 is calibrated, above 0 "
        "the probabilities are too low. " + WALD
    ),
    "calibration_slope": (
        "Slope of a logistic regression of the labels on the logits; 1 is calibrated, below 1 the probabilities are "
        "too extreme. " + WALD
    ),
    "calibration_intercept": ("Intercept of the same logistic regression as the slope; 0 is calibrated. " + WALD),
    "brier": (
        "Mean squared distance of probability and label; 0 is best, and always saying the prevalence p reaches "
        "p (1 − p). Interval: {resamples} resamples of whole patients."
    ),
    "ece": (
        "Expected calibration error: mean distance between probability and share of positives over ten bins of equally "
        "many studies. Above 0 even for a calibrated classifier, and resamples lie higher still, so read it beside "
        "the curve. Interval: {resamples} resamples of whole patients, with the bins as they are."
    ),
    "net_benefit": (
        "Hits per study less false alarms per study times t / (1 − t), if all with a probability of at least t are "
        "acted on (Vickers & Elkin 2006); acting on nobody has 0. Interval: {resamples} resamples of whole patients."
    ),
    "permutation": (
        "Share of {permutations} permutations of the labels among patients with equally many studies that reach the "
        "AUROC; one-sided, counting the labels as they are as one more."
    ),
    "prevalence": "With the finding among those whose label is known. " + RATE,
    "prevalence_difference": (
        "Prevalence at the site minus prevalence in the internal test set. Interval: Newcombe's (1998), from the "
        "limits of both."
    ),
    "threshold_here": (
        "{threshold_rule}, on all studies of the site. It shows how far the frozen threshold is from where the site "
        "would put it; on the studies that it was chosen on it tests nothing."
    ),
    "sensitivity_here": (
        "Sensitivity with a threshold of the site's own. The patients are halved at random; each half is called at the "
        "threshold that the other half gives. " + RATE
    ),
    "specificity_here": "Specificity with a threshold of the site's own, in two halves likewise. " + RATE,
    "subgroups": (
        "AUROC, and sensitivity and specificity at the frozen threshold of all studies, in each group. Differences "
        "between groups are descriptive and not tested: groups differ in more than one respect, and many small ones "
        "make some differ by chance. A group's macro AUROC is over the findings with at least {min_positives} "
        "positives in it, which need not be those of another group."
    ),
    "macro_auroc": (
        "Plain mean of the AUROCs of the findings with at least {min_positives} positives and one negative in this "
        "test set; the others are listed with the reason. Interval: {resamples} resamples of whole patients, the same "
        "for all findings and runs."
    ),
    "matrix_average_precision": (
        "Plain mean of average precisions over the same findings; what a score that knows nothing reaches differs "
        "between findings and references. Interval: {resamples} resamples of whole patients."
    ),
    "matrix_auroc": (
        "Plain mean of the AUROCs of the findings with at least {min_positives} positives and one negative to every "
        "reference that knows the set, so that all its means are over the same findings. Interval: {resamples} "
        "resamples of whole patients."
    ),
    "paired": (
        "DeLong's test of two runs on the same studies, two-sided, for findings with at least {min_positives} "
        "positives; with Obuchowski's variance (1997) where patients have several studies. Studies whose label differs "
        "between the two runs' references are left out."
    ),
    "paired_sensitivity": (
        "Difference of two runs' sensitivities on the same studies, each at its own frozen threshold. Interval: "
        "{resamples} resamples of whole patients. p: McNemar's exact test, two-sided; where a patient has several "
        "studies, " + DRAWN_P
    ),
    "paired_specificity": (
        "Difference of two runs' specificities on the same studies, each at its own frozen threshold; interval and p "
        "as of the sensitivities."
    ),
    "paired_f1": (
        "Difference of two runs' F1 on the same studies, each at its own frozen threshold. Interval: {resamples} "
        "resamples of whole patients; p: " + DRAWN_P
    ),
    "unpaired": (
        "DeLong's test of one run at two sites, which share no patients: Welch-Satterthwaite t, two-sided (with "
        "Obuchowski's variance where patients have several studies), for "
        "findings with at least {min_positives} positives at both."
    ),
    "p_adjusted": (
        "Benjamini-Hochberg over the declared family of tests; undefined ones are dropped first, m are left. "
        "Significant at a false discovery rate of {alpha}."
    ),
    "macro_difference": (
        "Difference of two macro AUROCs over the findings that count in both. Interval: percentiles over {resamples} "
        "resamples of patients (the same for both runs; separate ones for separate sites); p: " + DRAWN_P
    ),
    "reference_difference": (
        "Difference of the AUROCs of one run against two references, on the studies whose label both know, for "
        "findings with at least {min_positives} positives to both. DeLong's test does not apply, since a study may be "
        "a positive to one and a negative to the other. Interval: percentiles over {resamples} resamples of whole "
        "patients, with scores and both labels; p: " + DRAWN_P
    ),
    "reference_sensitivity": (
        "Positive to this reference among those positive to the one that it is held against. " + RATE + " Of the mean "
        "over findings: {resamples} resamples of whole patients."
    ),
    "reference_specificity": (
        "Negative to this reference among those negative to the one that it is held against. " + RATE + " Of the mean "
        "over findings: {resamples} resamples of whole patients."
    ),
    "reference_kappa": "Cohen's kappa of two references. Interval: {resamples} resamples of whole patients.",
    "reference_attenuation": (
        "PPV + NPV − 1 of this reference, the other taken for right: the share of an AUROC's distance from one half "
        "that is left when it is measured against this reference, if its errors do not depend on the image. Interval: "
        "{resamples} resamples of whole patients."
    ),
}

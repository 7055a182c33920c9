"""Predictions to evaluation: numpy, scipy and scikit-learn only, no torch.

In the order of the flow: `testsets` (which studies); `auroc`, `delong`, `intervals`, `bootstrap`, `thresholds` (one
finding at a time); `compare` (runs and sites against each other); `numbers` (a value with its interval and definition);
`report`.
"""

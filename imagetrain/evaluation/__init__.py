"""Predictions to evaluation: numpy, scipy and scikit-learn only, no torch."""

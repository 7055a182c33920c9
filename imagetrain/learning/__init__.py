"""Batches to classifier: models, losses, the training loop, inference."""

"""Cached squares to batches: augmentation and mixing, on the device."""

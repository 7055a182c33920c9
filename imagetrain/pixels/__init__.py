"""Files to batches: radiographs, cache, augmentation."""

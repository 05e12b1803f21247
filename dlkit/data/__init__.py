"""From a source to batches: splits, fingerprints, augmentation, reports."""

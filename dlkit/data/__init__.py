"""Turn data sources into batches: splits, fingerprints, augmentation and reports."""

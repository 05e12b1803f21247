"""Programs that run in processes of their own, without dlkit: converters, and readers of artefacts."""

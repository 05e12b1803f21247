"""Tasks, named in task: targets, losses, metrics, outputs and reports."""

"""Tasks, selected by task: targets, losses, metrics, outputs and reports."""

"""Print results on stdout, and notes and progress on stderr; without a terminal, as plain lines."""

from dlkit.console._diagnosis import show_comparison, show_diagnosis, show_findings
from dlkit.console._experiments import show_crossval, show_gradcheck
from dlkit.console._grid import table
from dlkit.console._primitives import line, note, print_json, show_problems, waiting
from dlkit.console._progress import TrainingProgress
from dlkit.console._reports import (
    note_combination,
    note_repetition,
    note_trial,
    show_band,
    show_data,
    show_finding,
    show_inspection,
    show_range_test,
    show_repetition,
    show_reproduction,
    show_search,
    show_sweep,
)
from dlkit.console._runs import (
    show_demo,
    show_evaluation,
    show_export,
    show_formats,
    show_predictions,
    show_run,
    show_serving,
    show_shrink,
    show_speed,
    show_training,
)
from dlkit.console._tables import show_contract, show_counts, show_table, show_worked
from dlkit.console._worked import show_example, show_examples, show_plots, show_weights

__all__ = [
    "TrainingProgress",
    "line",
    "note",
    "note_combination",
    "note_repetition",
    "note_trial",
    "print_json",
    "show_band",
    "show_comparison",
    "show_contract",
    "show_counts",
    "show_crossval",
    "show_data",
    "show_demo",
    "show_diagnosis",
    "show_evaluation",
    "show_example",
    "show_examples",
    "show_export",
    "show_finding",
    "show_findings",
    "show_formats",
    "show_gradcheck",
    "show_inspection",
    "show_plots",
    "show_predictions",
    "show_problems",
    "show_range_test",
    "show_repetition",
    "show_reproduction",
    "show_run",
    "show_search",
    "show_serving",
    "show_shrink",
    "show_speed",
    "show_sweep",
    "show_table",
    "show_training",
    "show_weights",
    "show_worked",
    "table",
    "waiting",
]

"""Read the findings that a run keeps of its last diagnosis, or else find what its record alone shows."""

from dlkit.diagnosis import of_record
from dlkit.diagnosis.finding import Finding
from dlkit.diagnosis.record import Record
from dlkit.runs.directory import RunDirectory

RESULT = "diagnosis.json"


def stored(run: RunDirectory) -> list[Finding] | None:
    """Return the findings of the last diagnosis; None if there is none, or the run was trained further since."""
    content = run.read_json(RESULT)
    if not content or content.get("updates") != run.read_json("metrics.json").get("training", {}).get("updates"):
        return None
    return [Finding(item["kind"], item["says"], tuple(item["evidence"]), item["try"]) for item in content["findings"]]


def known(run: RunDirectory) -> list[Finding]:
    """Return the findings of the last diagnosis, or those that need neither data nor network."""
    found, record = stored(run), Record(run)
    if found is not None:
        return found
    checks = (of_record.missing_class, of_record.diverged, of_record.trained_too_long)
    return [finding for check in checks if (finding := check(record)) is not None]

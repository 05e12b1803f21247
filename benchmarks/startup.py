"""Start-up of `dlkit --help` beside a bare import of typer and rich, interleaved: python benchmarks/startup.py."""

import statistics
import subprocess
import sys
import time

ROUNDS = 11
COMMANDS = {
    "import typer, rich": [sys.executable, "-c", "import typer, rich"],
    "dlkit --help": [sys.executable, "-m", "dlkit", "--help"],
    "dlkit list recipes": [sys.executable, "-m", "dlkit", "list", "recipes"],
    "dlkit validate": [sys.executable, "-m", "dlkit", "validate"],
}


def seconds(command: list[str]) -> float:
    """Wall-clock time of one process."""
    begun = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


def main() -> None:
    """Time every command once a round, so that a busy moment of the machine meets all of them, and print medians."""
    for command in COMMANDS.values():
        seconds(command)
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            times[name].append(seconds(command))
    medians = {name: statistics.median(values) for name, values in times.items()}
    base = next(iter(medians.values()))
    print(f"medians of {ROUNDS} rounds")
    for name, median in medians.items():
        print(f"{name:<20} {median:.3f} s   {median / base:.2f} times the bare import")


if __name__ == "__main__":
    main()

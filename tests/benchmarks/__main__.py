"""Prints the speeds: `python -m tests.benchmarks`, or some of them: `python -m tests.benchmarks report page`.

Every file bench_*.py here is a subject: its `rows()` yields the rows of the table as they are measured.
"""

import argparse
import importlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

os.environ["EXPLORER_CACHE"] = ""  # nothing from an earlier run, before the engine is imported

from explorer.process import prepare  # noqa: E402

prepare()  # as the page does

import torch  # noqa: E402

SUBJECTS = sorted(file.stem.removeprefix("bench_") for file in Path(__file__).parent.glob("bench_*.py"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure the speeds.")
    parser.add_argument("subjects", nargs="*", metavar="NAME", help=f"some of {', '.join(SUBJECTS)}; all when none is named")
    asked = parser.parse_args().subjects
    if unknown := set(asked) - set(SUBJECTS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(SUBJECTS)}")
    print(f"{os.cpu_count()} cores, load {_load()}, torch {torch.__version__} with {torch.get_num_threads()} threads\n")
    print("| what | measured: median | bound | |")
    print("|---|---|---|---|")
    missed = 0
    for row in _rows(asked or SUBJECTS):
        print(f"| {row.what} | {row.measured} | {row.bound} | {_verdict(row.kept)} |", flush=True)
        missed += row.kept is False
    print(f"\nload at the end {_load()}; {missed or 'none'} missed")


def _rows(subjects) -> Iterator:
    for subject in subjects:
        yield from importlib.import_module(f"tests.benchmarks.bench_{subject}").rows()


def _verdict(kept: bool | None) -> str:
    return {None: "", True: "ok", False: "missed"}[kept]


def _load() -> str:
    """Load averages, and how long a second of one core's work takes beside what else is running."""
    started, worked = time.perf_counter(), time.process_time()
    while time.process_time() - worked < 0.3:
        pass
    slower = (time.perf_counter() - started) / 0.3
    averages = " ".join(f"{load:.1f}" for load in os.getloadavg())
    return f"{averages} (a second of work takes {slower:.1f} s)"


if __name__ == "__main__":
    main()

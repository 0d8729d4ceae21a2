"""Result directories of mmsim as pandas frames, figures and a page.

    from analysis import load
    r = load("results/lazy_vs_eager")
    r.latency[r.latency.operation == "munmap"].pivot_table("p50_ns", "run.cpus", "kernel.tlb_flush")

Frames: r.latency, r.account, r.counter, r.point, r.wait, r.histogram, r.ipi (columns as in the tables; the last three
are None if an older mmsim wrote the directory); r.manifest is the manifest as a dict, r.axes what was swept.
A directory that is not whole is an InputError; load(DIR, strict=False) gives what is whole, and r.notes tell the rest.

Of a directory that `mmsim validate` wrote, v = load_validation(DIR) has v.point (the rows of validation.csv), v.case and
v.topic (their errors and verdicts).
"""
from analysis.input_error import InputError
from analysis.load import Result, load
from analysis.validation.result import Validation, load_validation

__all__ = ["InputError", "Result", "Validation", "load", "load_validation"]

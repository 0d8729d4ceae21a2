"""Result directories of mmsim as pandas frames, figures and a page.

    from analysis import load
    r = load("results/lazy_vs_eager")
    r.latency[r.latency.operation == "munmap"].pivot_table("p50_ns", "run.cpus", "kernel.tlb_flush")

Frames: r.latency, r.account, r.counter, r.point (columns as in the tables); r.manifest is the manifest as a dict.
"""
from analysis.input_error import InputError
from analysis.load import Result, load

__all__ = ["InputError", "Result", "load"]

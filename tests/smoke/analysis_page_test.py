"""Does the page look closely at what the tables say: distributions, for whom, flame graphs, interrupts, locks?

Run with: /usr/bin/python3 -m unittest tests/smoke/analysis_page_test.py   (from the root of the repository)
"""
import contextlib
import dataclasses
import io
import itertools
import json
import math
import re
import shutil
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

import pandas

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/smoke")]

from analysis import flame_graph, load  # noqa: E402
from analysis.charts import operation_charts  # noqa: E402
from analysis.distribution import cumulative, distribution  # noqa: E402
from analysis.figures import write_figures, write_interrupts  # noqa: E402
from analysis.finding import headline  # noqa: E402
from analysis.interrupts import interrupt_charts  # noqa: E402
from analysis.lock_stat import COLUMNS, lock_classes  # noqa: E402
from analysis.page import page  # noqa: E402
from analysis.plan import LONGEST_NAME, file_name, make_plan  # noqa: E402
from analysis.waits import wait_table, waits  # noqa: E402
from analysis_test import write_results  # noqa: E402

SMALL = {"run.cpus": [1, 4, 8], "kernel.tlb_flush": ["lazy", "broadcast"]}


def whom_of(account, flush, cpus):
    """((kind, whom, parts of a thousand), ...) that an account of the synthetic results waits for."""
    if account == "tlb_remote":
        if flush == "broadcast" or cpus == 1:
            return (("broadcast", "interconnect", 1000),)
        others = [f"cpu {cpu}" for cpu in range(1, cpus)]
        each = 900 // len(others)
        return (*(("handler", cpu, each) for cpu in others), ("irqs_off", others[0], 1000 - each * len(others)))
    return {"coherence": (("line", "page", 600), ("line", "mm_struct", 400)),
            "lock_spin": (("lock", "zone_lock", 1000),), "interrupt": (("interrupt", "call_function", 1000),),
            "schedule": (("run_queue", "", 1000),)}.get(account, ())


def with_details(result, most_groups=64):
    """The result with frames as the tables wait.csv, histogram.csv and ipi.csv would give."""
    paths = [axis.path for axis in result.axes]
    wait, histogram, ipi = [], [], []
    for row in result.account.to_dict("records"):
        place = [row["point"], *(row[path] for path in paths)]
        left = row["total_ps"]
        parts = whom_of(row["account"], row.get("kernel.tlb_flush", "lazy"), row.get("run.cpus", 16))
        for index, (kind, whom, part) in enumerate(parts):
            ps = left if index == len(parts) - 1 else row["total_ps"] * part // 1000
            left -= ps
            wait.append([*place, row["operation"], row["account"], kind, whom,
                         row["mean_ns"] * ps / max(row["total_ps"], 1), ps])
    for row in result.latency.to_dict("records"):
        place = [row["point"], *(row[path] for path in paths)]
        shape = [math.exp(-((step - 20) / 14) ** 2) + (0.02 if 70 < step < 90 else 0) for step in range(100)]
        counts = [round(row["count"] * each / sum(shape)) for each in shape]
        counts[20] += row["count"] - sum(counts)
        for step, count in enumerate(counts):
            low, high = (row["p50_ns"] * 2 ** ((at - 20) / 16) for at in (step, step + 1))
            if count:
                histogram.append([*place, row["operation"], low, high, count])
    for row in result.latency.drop_duplicates("point").to_dict("records"):
        place, cpus = [row["point"], *(row[path] for path in paths)], row.get("run.cpus", 16)
        width = -(-cpus // most_groups)
        if row.get("kernel.tlb_flush") != "broadcast":
            for sender, receiver in itertools.product(range(0, cpus, width), repeat=2):
                count = 400 + receiver if sender == 0 else 3 if (sender + receiver) % 5 == 0 else 0
                if sender != receiver and count:
                    ipi.append([*place, sender, receiver, width, count])
    keys = ["point", *paths]
    result.wait = pandas.DataFrame(wait, columns=[*keys, "operation", "account", "kind", "whom", "mean_ns", "total_ps"])
    result.histogram = pandas.DataFrame(histogram, columns=[*keys, "operation", "low_ns", "high_ns", "count"])
    result.ipi = pandas.DataFrame(ipi, columns=[*keys, "from", "to", "width", "count"])
    result.real = None
    return result


def page_of(result):
    plan = make_plan(result)
    charts = [operation_charts(result, plan, facet, operation)
              for operation in result.operations for facet in plan.facets]
    return page(result, plan, charts, (), interrupt_charts(result, plan))


def ours(text):
    """The page without plotly."""
    return "".join(part for part in re.split(r"(?s)(<script>.*?</script>)", text) if len(part) < 1_000_000)

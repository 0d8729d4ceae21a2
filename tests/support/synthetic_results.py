"""A result directory as mmsim writes it, with made-up numbers that fit together: for tests of what reads it."""
import csv
import itertools
import json
import math
import shutil
import tempfile
import unittest
from pathlib import Path

from analysis import InputError, load
from analysis.tables import COLUMNS

FLAGSHIP = {
    "run.cpus": [1, 2, 4, 8, 16, 32, 64, 128],
    "kernel.kthread_switch": ["lazy", "eager"],
    "kernel.tlb_flush": ["lazy", "eager", "broadcast"],
}
WHAT_IF = ["kernel.tlb_flush=lazy", "kernel.tlb_flush=eager"]


def synthetic_accounts(operation, place):
    """Picoseconds by account of one operation: plausible shapes, no model."""
    cpus = place.get("run.cpus", 16)
    flush = place.get("kernel.tlb_flush", "lazy")
    kthread_lazy = place.get("kernel.kthread_switch", "lazy") == "lazy"
    if operation == "context_switch":
        accounts = {"schedule": 800_000, "entry": 150_000, "coherence": 9_000 * (cpus if kthread_lazy else cpus // 4),
                    "tlb_local": 0 if kthread_lazy else 310_000}
        if flush != "broadcast":
            accounts["interrupt"] = 700 * cpus
        return accounts
    accounts = {"entry": 200_000, "work": 1_100_000, "alloc": 240_000, "coherence": 6_000 * cpus,
                "lock_spin": 2_100 * cpus, "tlb_local": 90_000}
    targets = cpus - 1
    if flush == "lazy":
        targets = targets // 3 if kthread_lazy else targets // 2
    if flush == "broadcast":
        accounts["tlb_remote"] = 350_000 + 2_000 * targets
    else:
        accounts["tlb_remote"] = (1_900_000 if targets else 0) + 310_000 * targets
    return accounts


def synthetic_waits(account, time, flush):
    """(kind, whom, picoseconds) that sum to `time`."""
    if account == "coherence":
        return [("line", "mm_count", time // 3), ("line", "mm_cpumask", time - time // 3)]
    if account == "lock_spin":
        return [("lock", "mmap_lock", time)]
    if account == "tlb_remote":
        return [("broadcast", "interconnect", time)] if flush == "broadcast" else [
            ("handler", "cpu 1", time // 2), ("ipi", "cpu 1", time - time // 2)]
    if account == "interrupt":
        return [("interrupt", "call_function", time)]
    return [("run_queue", "", time)] if account == "schedule" else []


def synthetic_histogram(quantiles, count):
    """(low_ns, high_ns, count): buckets, 16 of which make an octave, that hold p50, p90, p99, p99.9 and the maximum."""
    ranks = [-(-count * per_mille // 1000) for per_mille in (500, 900, 990, 999, 1000)]
    steps = {}
    for value, rank, before in zip(quantiles, ranks, [0, *ranks]):
        step = math.floor(math.log2(value) * 16)
        steps[step] = steps.get(step, 0) + rank - before
    return [(f"{2 ** (step / 16):.3f}", f"{2 ** ((step + 1) / 16):.3f}", share)
            for step, share in steps.items() if share]


def write_results(directory, axes=None, operations=("munmap", "context_switch"), seeds=3, what_if=tuple(WHAT_IF),
                  broken=(), configuration=None, counters=lambda place: {}):
    """A whole result directory over the product of the axes; `broken` points have failed; `counters` gives more."""
    axes = FLAGSHIP if axes is None else axes
    directory.mkdir(parents=True, exist_ok=True)
    rows = {name: [] for name in COLUMNS}
    points = []
    for point, values in enumerate(itertools.product(*axes.values())):
        place = dict(zip(axes, values))
        points.append({"point": point, "axes": place, "status": "failed" if point in broken else "done"})
        for seed in range(1, seeds + 1):
            good = point not in broken
            sizes = (25_000_000, 0.31, 184_000) if good else ("", "", "")
            rows["point"].append([point, *values, seed, "done" if good else "failed", *sizes, ""])
        if point in broken:
            continue
        for index, operation in enumerate(operations):
            accounts = synthetic_accounts(operation, place)
            total, count = sum(accounts.values()), 4000 + 17 * point
            mean = total / 1000
            rate = 1e9 / mean * (1 if operation == "munmap" else 0.8 * place.get("run.cpus", 16))
            spread = 1.0 + 0.3 * index
            quantiles = [mean * factor for factor in (0.93, 1.3, 1.7 * spread, 1.7 * spread + 0.7, 1.7 * spread + 1.4)]
            rows["latency"].append([point, *values, operation, count, f"{mean:.3f}", f"{mean * 0.04 * spread:.3f}",
                                    *(f"{value:.3f}" for value in quantiles), f"{rate:.3f}"])
            for account, time in accounts.items():
                rows["account"].append([point, *values, operation, account, f"{time / 1000:.3f}", time * count])
                for kind, whom, part in synthetic_waits(account, time, place.get("kernel.tlb_flush", "lazy")):
                    rows["wait"].append([point, *values, operation, account, kind, whom, f"{part / 1000:.3f}",
                                         part * count])
            rows["histogram"] += [[point, *values, operation, *bucket]
                                  for bucket in synthetic_histogram(quantiles, count)]
        cpus = place.get("run.cpus", 16)
        sent = 0 if place.get("kernel.tlb_flush") == "broadcast" else 900 * (cpus - 1)
        width = -(-cpus // 64)
        rows["ipi"] += [[point, *values, 0, to, width, 900 * width - (900 if to == 0 else 0)]
                        for to in range(0, cpus, width) if sent and to + width > 1]
        for counter, value in (("ipi_requested", sent), ("ipi_sent", sent), ("ipi_received", sent),
                               ("ipi_coalesced", 0),
                               ("tlb_flush_range", 4000), ("context_switch", 2_000 * cpus), ("stale_hit", 0),
                               ("lock_acquired.mmap_lock", 8_000 + cpus), ("lock_wait_ns.mmap_lock", 120.25 * cpus),
                                ("lock_wait_max_ns.mmap_lock", 3.5 * cpus), ("lock_hold_max_ns.mmap_lock", 812),
                                ("lock_acq_bounces.mmap_lock", 7_000), ("lock_con_bounces.mmap_lock", 0),
                               *counters(place).items()):
            rows["counter"].append([point, *values, counter, value])
    for name, columns in COLUMNS.items():
        with open(directory / f"{name}.csv", "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["point", *axes, *columns])
            writer.writerows(rows[name])
    manifest = {
        "version": "0.2.0", "command": "mmsim sweep configs/sweeps/lazy_vs_eager.toml -j 2", "host_seconds": 41.5,
        "events": 26_000_000, "hash": "5f1e0c2a", "seeds": seeds, "what_if": list(what_if), "warnings": [],
        "axes": [{"path": path, "values": values} for path, values in axes.items()], "points": points,
        "configuration": configuration or {
            "scenario.name": {"value": "lazy_tlb", "origin": "configs/sweeps/lazy_vs_eager.toml:12"},
            "machine.base": {"value": "kunpeng920-128", "origin": "configs/sweeps/lazy_vs_eager.toml:5"},
            "kernel.base": {"value": "5.10", "origin": "configs/sweeps/lazy_vs_eager.toml:8"},
            "machine.ipi.send": {"value": "80 ns", "origin": "configs/machines/kunpeng920-128.toml:31"},
            "run.duration": {"value": "20 ms", "origin": "--set"},
            "scenario.pages": {"value": 16, "origin": "default"},
        },
    }
    (directory / "manifest.json").write_text(json.dumps(manifest, indent=1))
    return directory


def edit(path, change):
    path.write_text(change(path.read_text()))


class InDirectory(unittest.TestCase):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="mmsim-analysis-"))
        self.addCleanup(shutil.rmtree, self.directory)

    def refused(self, directory, *words):
        with self.assertRaises(InputError) as caught:
            load(directory)
        message = str(caught.exception)
        for word in words:
            self.assertIn(word, message)
        self.assertNotIn("\n", message)
        return message

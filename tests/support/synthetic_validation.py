"""A directory as `mmsim validate --out` writes it, with made-up numbers that fit together: to test what reads it."""
import csv
import json
import math
import statistics

COLUMNS = ("case", "x", "published", "simulated", "relative_error", "role", "verdict", "topic", "unit", "compare", "step")
# case -> (topic, compare, unit, x, tolerance, points, more of cases.json); a point is (x, published, simulated, role or
# what the verdict is to be). A calibrated point comes first, as in most series.
CASES = {
    "stores": ("cacheline", "absolute", "cycles per store", "CPUs", 0.25, (
        (1, 30, 30.3, "calibrated"), (2, 135, 148.5, ""), (8, 396, 435.6, ""), (40, 2000, 2800, ""),
        (80, 4000, 4400, "")), {"free": ["machine.line.transfer"]}),
    "loads": ("cacheline", "relative", "cycles, as a part of that at CPUs = 2", "CPUs", 0.25, (
        (2, 1, 1, "calibrated"), (4, 1.5, 2.1, ""), (10, 2.5, 4.0, ""), (80, 9.0, 9.9, "")),
        {"miss": "reads <within> a socket are too slow"}),
    "ping-pong": ("atomic", "absolute", "ns", "distance", 0.25, (
        ("same CPU", 7, 7.7, ""), ("off-core blind compare and swap", 47.5, 50, ""),
        ("cross-interconnect", 944, 980, "")), {}),
    "pte_chain": ("rmap", "trend", "s", "generation", None, (
        ("pte_chain", 102, 90, ""), ("partial objrmap", 86, 95, "miss"), ("anon_vma", 84, 80, "")),
        {"miss": "the chain's own misses are not modelled", "steps": 1, "wrong_steps": 1}),
    "asid": ("lazy-tlb", "crossover", "CPUs", "CPUs", 0.25, (("crossing", 10, 11, ""),), {}),
}
HOST = {
    "fork": ("host", "absolute", "us", "MiB", 0.15, ((16, 310, 330, ""), (64, 910, 1400, "uncounted"),
                                                     (256, 3400, 3100, "")), {"note": "64: spread 34 %"}),
    "exit": ("host", "absolute", "us", "MiB", 0.25, ((256, 9100, 12000, "uncounted"),), {"verdict": "ok"}),
}


def write_validation(directory, cases=None):
    """validation.csv, cases.json and manifest.json; returns the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    rows, told = [], []
    for name, (topic, compare, unit, x, tolerance, points, more) in (CASES if cases is None else cases).items():
        errors, wrong = [], 0
        for at, published, simulated, word in points:
            error = "" if simulated == "" else simulated / published - 1
            size = math.inf if error == "" else abs(error)
            role = "calibrated" if word == "calibrated" else "predicted"
            verdict = word if word in ("miss", "uncounted") else \
                "ok" if compare == "trend" or size <= tolerance else "miss"
            if role == "predicted" and verdict != "uncounted":
                errors.append(size)
                wrong += verdict == "miss"
            rows.append([name, at, published, simulated, error, role, verdict, topic, unit, compare,
                         "" if at == points[0][0] else "wrong" if compare == "trend" and verdict == "miss" else "right"])
        numbers = [(published, simulated) for _, published, simulated, _ in points if simulated != ""]
        change = None
        if len(points) > 1 and topic != "host" and len(numbers) == len(points):
            published, simulated = (numbers[-1][index] / numbers[0][index] for index in (0, 1))
            change = {"from": str(points[0][0]), "to": str(points[-1][0]), "published": published,
                      "simulated": simulated, "error": simulated / published - 1, "predicted": True}
        median = statistics.median(errors) if errors and compare != "trend" else None
        told.append({
            "case": name, "title": f"{name} of {topic}", "topic": topic, "source": f"A. Author, A paper about {name}",
            "rows": ["xx-"], "machine": "8 sockets", "unit": unit.partition(",")[0], "x": x, "compare": compare,
            "tolerance": tolerance, "median": median if median != math.inf else None, "p90": None,
            "steps": len(points) - 1 if change else None, "wrong_steps": 0 if change else None, "change": change,
            "verdict": "miss" if (wrong if compare == "trend" else (median or 0) > tolerance) else
            "ok", "frozen": True, "miss": "", "note": "", "free": [], "changes": [], "warnings": [], **more})
    with open(directory / "validation.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    (directory / "cases.json").write_text(json.dumps(told, indent=1))
    (directory / "manifest.json").write_text(json.dumps({
        "version": "0.2.0", "command": "mmsim validate --out DIR", "hash": "validation", "kind": "validation",
        "host_seconds": 91.5, "events": 26_000_000, "runs": 180, "complete": True}))
    return directory

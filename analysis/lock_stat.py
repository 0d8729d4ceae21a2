"""What /proc/lock_stat would say, from the counters of lock classes."""
from dataclasses import dataclass

# Column of the table -> the counter's prefix. Averages follow from two of them.
_COUNTERS = {
    "acquired": "lock_acquired", "contended": "lock_contended", "wait_ns": "lock_wait_ns",
    "wait_max_ns": "lock_wait_max_ns", "hold_ns": "lock_hold_ns", "hold_max_ns": "lock_hold_max_ns",
    "acq_bounces": "lock_acq_bounces", "con_bounces": "lock_con_bounces",
}
COLUMNS = ("acquired", "contended", "wait total ns", "wait avg ns", "wait max ns", "hold total ns", "hold avg ns",
           "hold max ns", "acq bounces", "con bounces")


@dataclass(frozen=True)
class LockClass:
    name: str
    numbers: tuple  # for each of COLUMNS, None where a counter is missing


def lock_classes(result, point):
    """The classes that were acquired at a point, those that were waited for longest first."""
    rows = result.counter[(result.counter["point"] == point) & result.counter["counter"].str.startswith("lock_")]
    by_class = {}
    for counter, value in zip(rows["counter"], rows["value"]):
        prefix, _, name = counter.partition(".")
        by_class.setdefault(name, {})[prefix] = float(value)
    found = []
    for name, values in by_class.items():
        of = {column: values.get(prefix) for column, prefix in _COUNTERS.items()}
        if of["acquired"] or of["contended"]:
            found.append(LockClass(name, (
                of["acquired"], of["contended"],
                of["wait_ns"], _average(of["wait_ns"], of["contended"]), of["wait_max_ns"],
                of["hold_ns"], _average(of["hold_ns"], of["acquired"]), of["hold_max_ns"],
                of["acq_bounces"], of["con_bounces"])))
    return sorted(found, key=lambda each: (-(each.numbers[2] or 0), -(each.numbers[0] or 0), each.name))


def _average(total, count):
    """Of those that waited, as lock_stat has it; no average of nothing."""
    return total / count if total is not None and count else None

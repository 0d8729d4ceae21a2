"""For whom operations wait: wait.csv in words, and summed over what nobody wants to read one by one."""
from dataclasses import dataclass

from analysis.shown_points import shown_points
from analysis.units import duration

MOST_NAMES = 10  # rows of a table; the others are one row
_CORES = ("ipi", "irqs_off", "handler")  # kinds whose `whom` is a core: 127 of them are one thing to a reader
_PHRASES = {
    "lock": "lock {}", "line": "cache line {}", "ipi": "interrupts on their way to {}",
    "irqs_off": "{} with interrupts off", "handler": "interrupt handlers of {}", "broadcast": "broadcast over {}",
    "interrupt": "interrupts on the own CPU: {}", "device": "device {}", "run_queue": "the run queue{}",
    "scheduler": "the scheduler itself{}", "sleep": "{}", "other": "not named{}",
}


@dataclass(frozen=True)
class Wait:
    account: str
    kind: str
    name: str  # "lock mmap_lock", "interrupt handlers of 127 CPUs"
    mean_ns: float  # in one operation
    total_ps: int
    share: float  # of the operation's latency, 0..1
    detail: str = ""  # which core most


@dataclass(frozen=True)
class WaitTable:
    """One operation at one facet: a column for each shown point, a row for each name, in the order of its share."""

    points: tuple
    rows: tuple  # ((account, name), (Wait or None for each point))
    remaining: tuple  # ns of waits that have no row
    working: tuple  # ns that are no waiting
    means: tuple  # ns, the whole operation


def phrase(kind, whom):
    """'interrupt handlers of CPU 5'"""
    if kind in _CORES:
        whom = whom.replace("cpu ", "CPU ")
    return _PHRASES.get(kind, kind + " {}").format(whom)


def waits(result, point, operation):
    """The Waits of an operation at a point, longest first; cores of a kind are one. Empty if there is no wait.csv."""
    if getattr(result, "wait", None) is None:
        return []
    own = result.account
    total = int(own[(own["point"] == point) & (own["operation"] == operation)]["total_ps"].sum())
    rows = result.wait[(result.wait["point"] == point) & (result.wait["operation"] == operation)]
    grouped = {}
    for account, kind, whom, mean, ps in zip(rows["account"], rows["kind"], rows["whom"], rows["mean_ns"],
                                             rows["total_ps"]):
        grouped.setdefault((account, kind, "" if kind in _CORES else _text(whom)), []).append(
            (int(ps), float(mean), _text(whom)))
    found = []
    for (account, kind, whom), parts in grouped.items():
        ps = sum(part[0] for part in parts)
        if ps:
            name, detail = _cores(parts, ps) if kind in _CORES else (whom, "")
            found.append(Wait(account, kind, phrase(kind, name), sum(part[1] for part in parts), ps,
                              ps / total if total else 0.0, detail))
    return sorted(found, key=lambda wait: (-wait.total_ps, wait.account, wait.name))


def _cores(parts, total):
    """(name, detail)"""
    most = max(parts, key=lambda part: part[0])
    if len(parts) == 1:
        return most[2], ""
    return f"{len(parts)} CPUs", f"{most[2].replace('cpu ', 'CPU ')} most, {100 * most[0] / total:.0f}% of it"


def _text(whom):
    return whom if isinstance(whom, str) else ""


def wait_table(result, plan, facet, operation):
    """None if the tables do not say for whom, or nobody waits."""
    points = shown_points(result, plan, facet, operation)
    found = {shown: {_key(wait): wait for wait in waits(result, shown.point, operation)} for shown in points}
    if not any(found.values()):
        return None
    largest = {}
    for by_name in found.values():
        for key, wait in by_name.items():
            largest[key] = max(largest.get(key, 0.0), wait.share)
    names = sorted(largest, key=lambda key: (-largest[key], key))[:MOST_NAMES]
    rows = tuple((_title(name, found), tuple(found[shown].get(name) for shown in points)) for name in names)
    means, remaining, working = [], [], []
    own = result.account[result.account["operation"] == operation]
    for shown in points:
        mean = float(own[own["point"] == shown.point]["mean_ns"].sum())
        means.append(mean)
        remaining.append(sum(wait.mean_ns for key, wait in found[shown].items() if key not in names))
        working.append(max(0.0, mean - sum(wait.mean_ns for wait in found[shown].values())))
    return WaitTable(tuple(points), rows, tuple(remaining), tuple(working), tuple(means))


def _key(wait):
    """Cores of a kind stay one row, however many they are at each point."""
    return wait.account, wait.kind, "" if wait.kind in _CORES else wait.name


def _title(key, found):
    having = {by_name[key].name: None for by_name in found.values() if key in by_name}
    return key[0], next(iter(having)) if len(having) == 1 else phrase(key[1], "other CPUs")


def cell(wait_ns, mean_ns):
    """'12.3 us, 43%'"""
    return f"{duration(wait_ns)}, {percent(wait_ns / mean_ns)}" if wait_ns and mean_ns else ""


def percent(share):
    """'43%', '1.2%', '<0.1%'"""
    return f"{100 * share:.0f}%" if share >= 0.095 else f"{100 * share:.1f}%" if share >= 0.001 else "<0.1%"


def explanation(result, operation, slow, fast=None):
    """What most of the slow point's waiting is for, beyond the fast one's: a clause, or ""."""
    of_slow = waits(result, slow, operation)
    if not of_slow:
        return ""
    own = result.account[result.account["operation"] == operation]
    before = {_key(wait): wait.mean_ns for wait in waits(result, fast, operation)} if fast is not None else {}
    all_of_it = own[own["point"] == slow]["mean_ns"].sum() - (
        own[own["point"] == fast]["mean_ns"].sum() if fast is not None else 0.0)
    grown = max(of_slow, key=lambda wait: wait.mean_ns - before.get(_key(wait), 0.0))
    share = (grown.mean_ns - before.get(_key(grown), 0.0)) / all_of_it if all_of_it > 0 else 0.0
    if share < 0.1:
        return ""  # no one name explains it
    of_what = "difference of the means" if fast is not None else "mean"
    extent = "all" if share >= 0.995 else percent(share)
    return f"{extent} of the {of_what} is waiting for {grown.name} ({grown.account})"

"""Who interrupts whom: interrupts sent from core to core at the shown points."""
from dataclasses import dataclass

from analysis import wording
from analysis.plan import Facet
from analysis.shown_points import ShownPoint, cpus_of, few, shown_points
from analysis.units import with_prefix
from analysis.waits import percent


EVEN = 1.2  # the largest count over the mean, below which counts are called even


@dataclass(frozen=True)
class HeatMap:
    shown: ShownPoint
    width: int  # CPUs that a row or a column stands for
    counts: tuple  # counts[from group][to group], NaN-free; 0: none
    sentence: str

    @property
    def groups(self):
        return [cpu_range(group * self.width, self.width) for group in range(len(self.counts))]


@dataclass(frozen=True)
class InterruptCharts:
    """One figure: the heat maps of one facet, on one scale."""

    facet: Facet
    finding: str
    conditions: str
    maps: tuple
    low: float  # of the colours: a decade below `high` or more, lest counts that hardly differ look unlike
    high: float
    caption: tuple

    @property
    def name(self):
        return "-".join(part for part in ("interrupts", self.facet.slug) if part)


def cpu_range(first, width):
    return str(first) if width == 1 else f"{first}-{first + width - 1}"


def interrupt_charts(result, plan):
    """The figures of all facets in which a core interrupts another, in order."""
    if getattr(result, "ipi", None) is None:
        return []
    return [charts for facet in plan.facets for charts in _charts(result, plan, facet)]


def _charts(result, plan, facet):
    shown, others = few(shown_points(result, plan, facet), plan)
    found = [(each, result.ipi[(result.ipi["point"] == each.point) & (result.ipi["count"] > 0)]) for each in shown]
    maps = [_heat_map(result, each, rows) for each, rows in found if len(rows)]
    if not maps:
        return
    quiet = [each.label or "this run" for each, rows in found if not len(rows)]
    silence = (f"No interrupt between cores: {'; '.join(quiet)}.",) if quiet else ()
    counts = [count for each in maps for row in each.counts for count in row if count > 0]
    suffix = f" ({facet.label})" if facet.label else ""
    most = max(maps, key=lambda each: sum(map(sum, each.counts)))
    what = f"{most.shown.label}: " if most.shown.label else ""
    yield InterruptCharts(
        facet=facet, finding=f"{what}{most.sentence}{suffix}",
        conditions=wording.conditions(result, plan, facet), maps=tuple(maps),
        low=min(min(counts), max(counts) / 10), high=max(counts),
        caption=("Interrupts sent in the measured window, mean over seeds; blank: none.", *others, *silence,
                 *wording.what_if_caption(result, facet)))


def _heat_map(result, shown, rows):
    width = int(rows["width"].max())
    last = int(max(rows["from"].max(), rows["to"].max())) // width + 1
    cpus = cpus_of(result, shown)
    groups = max(last, -(-cpus // width) if cpus else 0)
    counts = [[0.0] * groups for _ in range(groups)]
    for sender, receiver, count in zip(rows["from"], rows["to"], rows["count"]):
        counts[int(sender) // width][int(receiver) // width] += float(count)
    return HeatMap(shown, width, tuple(map(tuple, counts)), _sentence(counts, width))


def _sentence(counts, width):
    """'2.1k interrupts; CPU 0 sends 97%, CPU 3 receives most (1.2%); 127 of 128 CPUs are interrupted'"""
    sent = [sum(row) for row in counts]
    received = [sum(column) for column in zip(*counts)]
    total = sum(sent)
    sender, receiver = sent.index(max(sent)), received.index(max(received))
    word = "CPU" if width == 1 else "CPUs"
    whom = "CPUs" if width == 1 else f"groups of {width} CPUs"
    if _even(sent) and _even(received):
        return f"{with_prefix(total)} interrupts, evenly spread over {len(counts)} {whom}, as senders and as receivers"
    sends = f"evenly spread over {len(counts)} {whom} as senders" if _even(sent) else \
        f"{word} {cpu_range(sender * width, width)} {'send' if width > 1 else 'sends'} {percent(sent[sender] / total)}"
    receives = "evenly spread over the receivers" if _even([count for count in received if count > 0]) else \
        (f"{word} {cpu_range(receiver * width, width)} {'receive' if width > 1 else 'receives'} most "
         f"({percent(received[receiver] / total)})")
    return (f"{with_prefix(total)} interrupts; {sends}, {receives}; "
            f"{sum(count > 0 for count in received)} of {len(counts)} {whom} are interrupted")


def _even(counts):
    return len(counts) > 1 and max(counts) * len(counts) < EVEN * sum(counts)

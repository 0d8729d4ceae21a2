"""Which points are looked at closely: of each series the one at the largest x, where policies differ most."""
from dataclasses import dataclass

from analysis import wording
from analysis.manifest import value_at
from analysis.plan import ONLY, Series, file_name

CPUS = "run.cpus"
MOST_PICTURES = 24  # of one kind, all facets together, so that a browser opens the page of a large sweep


@dataclass(frozen=True)
class ShownPoint:
    series: Series
    point: int
    x: object  # None without an axis along x
    where: str  # "at 128 CPUs", or ""

    @property
    def label(self):
        """'tlb_flush=eager (what-if) at 128 CPUs'"""
        return " ".join(part for part in ("" if self.series.label == ONLY else self.series.label, self.where) if part)

    @property
    def slug(self):
        """Ends the file names of what is drawn of this point alone."""
        return file_name("-".join(f"{path}={value}" for path, value in self.series.coordinates))


def shown_points(result, plan, facet, operation=None):
    """Of each series that has one, the point at the largest x: where `operation` (else any) was measured."""
    rows = result.latency[result.latency["count"] > 0]
    if operation is not None:
        rows = rows[rows["operation"] == operation]
    shown = []
    for series in facet.series:
        own = series.rows(rows)
        having = [x for x in plan.x.values if (own[plan.x.path] == x).any()] if plan.x else [None]
        if not len(own) or not having:
            continue
        x = having[-1]
        here = own[own[plan.x.path] == x] if plan.x else own
        shown.append(ShownPoint(series, int(here["point"].iloc[0]), x,
                                wording.at_x(plan.x.path, x) if plan.x else ""))
    return shown


def few(shown, plan):
    """(the points of a facet that get a picture of their own, a sentence about the others)"""
    most = max(1, MOST_PICTURES // len(plan.facets))
    if len(shown) <= most:
        return shown, ()
    return shown[:most], (f"The first {most} of {len(shown)} policies; 'mmsim explain' shows all.",)


def cpus_of(result, shown):
    """How many CPUs the point had, or None if nothing says."""
    rows = result.latency[result.latency["point"] == shown.point]
    if CPUS in rows:
        value = rows[CPUS].tolist()[0]
    else:
        value = None if result.parts else value_at(result.manifest, CPUS)
    return value if isinstance(value, int) else None

"""Which axis goes where: one along x, the others into colours, dashes and, if there are more, separate figures."""
import hashlib
import re
from dataclasses import dataclass

from analysis import palette, what_if
from analysis.axes import Axis

X_FIRST = "run.cpus"
COLOUR_FIRST = "kernel.tlb_flush"
MOST_FACETS = 12
LONGEST_NAME = 120  # characters of a file's name: half of what file systems allow
ONLY = "this run"  # the label of a series that has no other beside it


@dataclass(frozen=True)
class Series:
    """One line, or one bar: the points that share these coordinates."""

    coordinates: tuple  # ((path, value), ...)
    label: str
    colour: str
    marker: str
    dash: int  # 0 is solid, with filled markers
    what_if: bool

    def rows(self, frame):
        return select(frame, self.coordinates)


@dataclass(frozen=True)
class Facet:
    """One set of figures: all series at fixed values of the axes that found no other place."""

    coordinates: tuple
    label: str
    series: tuple

    @property
    def slug(self):
        return file_name("-".join(f"{path}={value}" for path, value in self.coordinates))


@dataclass(frozen=True)
class Plan:
    x: Axis  # None: bars
    facets: tuple
    constant: tuple  # ((path, value), ...) of axes with one value
    notes: tuple
    sample: Facet = None  # of a sampled sweep: the points by named axes, in place of x and facets
    sample_marks: tuple = ()  # paths of the named axes that its colours and marks tell apart

    @property
    def x_is_log(self):
        """CPUs double; other axes are logarithmic where they span as much."""
        numbers = self.x.numbers
        return min(numbers) > 0 and (self.x.path == X_FIRST or max(numbers) >= 8 * min(numbers))


def make_plan(result):
    varied = [axis for axis in result.axes if len(axis.values) > 1]
    constant = tuple((axis.path, axis.values[0]) for axis in result.axes if len(axis.values) == 1)
    numeric = [axis for axis in varied if axis.numbers]
    if _is_sample(result, varied, numeric):
        return _sample_plan(result, varied, constant)
    x = max(numeric, key=lambda axis: (axis.path == X_FIRST, len(axis.values)), default=None)
    others = sorted((axis for axis in varied if axis is not x),
                    key=lambda axis: (axis.path != COLOUR_FIRST, -len(axis.values)))
    colour = others[0] if others else None
    dash = next((axis for axis in others[1:] if len(axis.values) <= len(palette.DASHES)), None)
    rest = [axis for axis in others if axis not in (colour, dash)]
    facets = [_facet(result, coordinates, colour, dash) for coordinates in _occurring(result.latency, rest)]
    facets = [facet for facet in facets if facet.series]
    notes = ()
    if len(facets) > MOST_FACETS:
        notes = (f"The axes {', '.join(axis.path for axis in rest)} make {len(facets)} sets of figures; the first "
                 f"{MOST_FACETS} are drawn. All points are in the tables.",)
    return Plan(x, tuple(facets[:MOST_FACETS]), constant, notes)


def _is_sample(result, varied, numeric):
    """Are the points strewn over the axes, not their product? Then hardly two share a value of a numeric axis."""
    if not numeric:
        return False
    points = len(result.latency[[axis.path for axis in varied]].drop_duplicates())
    drawn = any(part.manifest.get("sample") for part in (result.parts or {"": result}).values())
    most = max(numeric, key=lambda axis: len(axis.values))
    others = len(_occurring(result.latency, [axis for axis in varied if axis is not most]))
    return others * len(most.values) > (1 if drawn else 3) * points


def _sample_plan(result, varied, constant):
    names = [axis for axis in varied if not axis.numbers]
    names.sort(key=lambda axis: (axis.path != COLOUR_FIRST, -len(axis.values)))
    colour = next((axis for axis in names if len(axis.values) <= len(palette.SERIES_COLOURS)), None)
    # Marks are full or open, no more: dashes need a line.
    dash = next((axis for axis in names if axis is not colour and len(axis.values) == 2), None) if colour else None
    return Plan(None, (), constant, ("The points are a sample, not a product of axes: each is drawn against each axis. "
                                     "What a single one waits for: 'mmsim explain'.",),
                _facet(result, (), colour, dash), tuple(axis.path for axis in (colour, dash) if axis))


def _occurring(frame, axes):
    """The combinations of values that have rows. Of a sampled sweep they are few; the product would have no end."""
    places = [{value: place for place, value in enumerate(axis.values)} for axis in axes]
    paths = [axis.path for axis in axes]
    if not axes:
        return [()]
    rows = frame[paths].drop_duplicates().itertuples(index=False, name=None)
    order = sorted(tuple(known[value] for known, value in zip(places, row)) for row in rows
                   if all(value in known for known, value in zip(places, row)))
    return [tuple((axis.path, axis.values[place]) for axis, place in zip(axes, row)) for row in order]


def _facet(result, coordinates, colour, dash):
    rows = select(result.latency, coordinates)
    series = []
    for colour_value in colour.values if colour else (None,):
        for dash_value in dash.values if dash else (None,):
            own = []
            if colour:
                own.append((colour.path, colour_value))
            if dash:
                own.append((dash.path, dash_value))
            if len(select(rows, own)):
                series.append(_series(result, coordinates, own, colour, dash))
    return Facet(coordinates, label_of(result, coordinates, coordinates), tuple(series))


def _series(result, facet, own, colour, dash):
    everywhere = (*facet, *own)
    colour_place = palette.place(colour, own[0][1]) if colour else 0
    dash_place = palette.place(dash, own[-1][1]) if dash else 0
    return Series(
        coordinates=everywhere,
        label=label_of(result, own, everywhere) or ONLY,
        colour=palette.SERIES_COLOURS[colour_place % len(palette.SERIES_COLOURS)],
        marker=palette.MARKERS[colour_place % len(palette.MARKERS)],
        dash=dash_place % len(palette.DASHES),
        what_if=any(what_if.mark_in(result, path, value, everywhere) for path, value in everywhere),
    )


def label_of(result, coordinates, everywhere=()):
    """'tlb_flush=lazy (what-if), kthread_switch=eager'"""
    return ", ".join(value_label(result, path, value, everywhere) for path, value in coordinates)


def value_label(result, path, value, everywhere=()):
    return f"{path.rpartition('.')[2]}={value}{what_if.mark_in(result, path, value, everywhere)}"


def select(frame, coordinates):
    for path, value in coordinates:
        frame = frame[frame[path] == value]
    return frame


def file_name(text):
    """The text as the name of a file. What is too long for one keeps its ending, and stays unlike all others."""
    name = re.sub(r"[^A-Za-z0-9_.=-]+", "_", text).lstrip(".")
    if len(name) <= LONGEST_NAME:
        return name
    stem, dot, ending = name.rpartition(".") if re.search(r"\.[a-z]{3}$", name) else (name, "", "")
    return f"{stem[:LONGEST_NAME - 20]}-{hashlib.sha256(text.encode()).hexdigest()[:10]}{dot}{ending}"

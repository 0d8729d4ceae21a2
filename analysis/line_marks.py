"""How a series is drawn on paper: colour, dashes and marker."""
from matplotlib.lines import Line2D

from analysis.palette import LIGHT

_MARKERS = {"circle": "o", "square": "s", "triangle-up": "^", "diamond": "D", "triangle-down": "v", "cross": "P",
            "x": "X", "star": "*"}
DASHES = ((0, ()), (0, (5, 1.8)), (0, (1.2, 1.6)), (0, (6, 1.8, 1.2, 1.8)))


def handle(series):
    """Open markers are larger and let through what they cover, so that equal lines show as filled rings."""
    colour = LIGHT[series.colour]
    return Line2D([], [], color=colour, linewidth=1.9, linestyle=DASHES[series.dash], marker=_MARKERS[series.marker],
                  markersize=9 if series.dash else 5.5, markeredgewidth=1.5,
                  markerfacecolor="none" if series.dash else colour)

"""A sheet of panels on paper: finding on top, legend and caption below, never over a line."""
import textwrap

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.palette import LIGHT
from analysis.units import unbroken

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "text.parse_math": False,  # a '$' in a name is a '$'
    "axes.edgecolor": LIGHT["faint"],
    "axes.labelcolor": LIGHT["ink"],
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LIGHT["grid"],
    "grid.linewidth": 0.8,
    "xtick.color": LIGHT["ink"],
    "ytick.color": LIGHT["ink"],
    "hatch.linewidth": 1.2,
    "legend.frameon": False,
    "svg.hashsalt": "mmsim",
    "pdf.fonttype": 42,  # TrueType: journals refuse Type 3
}
LINE = 0.21  # inches, one line of text
CHARACTERS_AN_INCH = {10: 12.5, 11: 11.2, 14: 8.0}


class Sheet:
    """`rows` x `columns` panels of the given size in inches, under a title and a subtitle, above legend and caption."""

    def __init__(self, rows, columns, panel, title, subtitle, caption, legend=(), left=0.85, between=0.75,
                 between_columns=0.3, right=0.25):
        panel_width, panel_height = panel
        width = max(left + columns * panel_width + (columns - 1) * between_columns + right, 7.0)
        title_lines = _wrap(title, width, 14)
        subtitle_lines = _wrap(subtitle, width, 11)
        caption_lines = _wrap(caption, width, 10)
        legend_columns, legend_rows = _legend_shape([label for _, label in legend], width, columns)
        above = 0.2 + len(title_lines) * 0.28 + len(subtitle_lines) * LINE + 0.45
        below = 0.62 + legend_rows * 0.26 + 0.12 + len(caption_lines) * 0.19 + 0.12
        height = above + rows * panel_height + (rows - 1) * between + below
        self.figure = Figure(figsize=(width, height), facecolor=LIGHT["paper"])
        FigureCanvasAgg(self.figure)
        self.panels = self.figure.subplots(rows, columns, squeeze=False)
        self.figure.subplots_adjust(left=left / width, right=1 - right / width, top=1 - above / height,
                                    bottom=below / height, wspace=between_columns / panel_width,
                                    hspace=between / panel_height)
        at = height - 0.2
        for lines, size, step, style in ((title_lines, 14, 0.28, {"weight": "bold", "color": LIGHT["ink"]}),
                                         (subtitle_lines, 11, LINE, {"color": LIGHT["faint"]})):
            for line in lines:
                self.figure.text(0.15 / width, at / height, line, size=size, va="top", **style)
                at -= step
        for index, line in enumerate(reversed(caption_lines)):
            self.figure.text(0.15 / width, (0.12 + index * 0.19) / height, line, size=10, color=LIGHT["faint"])
        if legend:
            self.figure.legend([handle for handle, _ in legend], [label for _, label in legend], ncol=legend_columns,
                               loc="lower left", handlelength=3.2, columnspacing=1.6, borderpad=0, fontsize=10.5,
                               bbox_to_anchor=(0.13 / width, (0.2 + len(caption_lines) * 0.19) / height))


def _wrap(text, width_inches, size):
    return textwrap.wrap(unbroken(text), int((width_inches - 0.3) * CHARACTERS_AN_INCH[size])) if text else []


def _legend_shape(labels, width, preferred):
    """(columns, rows)"""
    if not labels:
        return 1, 0
    widest = max(map(len, labels)) / 12.0 + 0.75
    most = max(1, int((width - 0.3) / widest))
    columns = min(most, len(labels))
    if len(labels) % preferred == 0 and preferred <= most and len(labels) / preferred <= 3:
        columns = preferred
    return columns, -(-len(labels) // columns)

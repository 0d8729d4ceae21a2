"""Draws the charts with matplotlib into PNG, SVG and PDF. The same charts give the same bytes."""
import math
from itertools import chain

import matplotlib
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from analysis import detail_figures, flame_graph
from analysis.line_marks import DASHES, handle
from analysis.palette import LIGHT, account_style
from analysis.plan import ONLY
from analysis.sheet import STYLE, Sheet
from analysis.units import three_digits, with_prefix

FORMATS = ("png", "svg", "pdf")
_METADATA = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None},
             "pdf": {"CreationDate": None, "Creator": None, "Producer": None}}


def write_figures(charts, write):
    """Calls write(file name, function that saves to an open binary file) for every figure of an operation."""
    for name, draw in (("latency", _latency), ("throughput", _throughput), ("account", _accounts),
                       ("account_share", _shares), ("cdf", detail_figures.distribution),
                       ("waits", detail_figures.waits)):
        write_figure(f"{charts.name}-{name}", draw, charts, write)
    for flame in charts.flames:
        name = "-".join(part for part in ("flame", charts.operation, flame.shown.slug) if part)
        text = flame_graph.svg(flame.tree, flame.title(charts), flame.count)
        write(f"{name}.svg", lambda file, text=text: file.write(text.encode("utf-8")))


def write_measure(charts, write):
    """The figure of one measure at one facet."""
    write_figure(charts.name, _measure, charts, write)


def write_interrupts(charts, write):
    """The figure of the heat maps of one facet."""
    write_figure(charts.name, detail_figures.heat_maps, charts, write)


def write_sample(charts, write):
    """The figures of one operation of a sampled sweep."""
    for name, *drawn in (("sample-mean", charts.mean, "Mean", charts.mean_caption),
                         ("sample-throughput", charts.throughput, "Throughput", charts.throughput_caption)):
        write_figure(f"{charts.operation}-{name}", lambda each, drawn=drawn: detail_figures.scatters(each, *drawn), charts,
               write)


def write_figure(name, draw, charts, write):
    """Draws the charts and writes them in every format; draw() may return None, for nothing."""
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **STYLE}):
        figure = draw(charts)
        for kind in FORMATS if figure is not None else ():
            write(f"{name}.{kind}",
                  lambda file, kind=kind: figure.savefig(file, format=kind, dpi=130, metadata=_METADATA[kind]))


def _measure(charts):
    return _panels(charts, (charts.panel,), charts.measure.title, charts.caption, charts.legend)


def _latency(charts):
    return _panels(charts, charts.latency, f"Latency of {charts.operation}", charts.latency_caption, charts.legend)


def _throughput(charts):
    return _panels(charts, (charts.throughput,), f"Throughput of {charts.operation}", charts.throughput_caption,
                   charts.throughput_legend)


def _panels(charts, panels, what, sentences, series):
    caption = " ".join(sentences)
    subtitle = f"{what}; {charts.conditions}" if charts.conditions else what
    if charts.x is None:
        return _bars(charts, panels, caption, subtitle)
    legend = [(handle(each), each.label) for each in series if each.label != ONLY]
    if any(panel.ideal for panel in panels):
        legend.append((Line2D([], [], color=LIGHT["faint"], linewidth=1.2, linestyle=(0, (2, 2))), "ideal scaling"))
    size = (4.3, 4.1) if len(panels) > 1 else (9.0, 4.4)
    sheet = Sheet(1, len(panels), size, charts.finding, subtitle, caption, legend)
    for index, (axes, panel) in enumerate(zip(sheet.panels[0], panels)):
        _draw_lines(axes, charts, panel)
        if len(panels) > 1:
            axes.set_title(panel.title, loc="left")
        axes.set_ylabel(panel.y_title if index == 0 else "")
        axes.tick_params(labelleft=index == 0)
        axes.set_xlabel(charts.x_title)
    return sheet.figure


def _draw_lines(axes, charts, panel):
    x = charts.x.numbers
    if panel.ideal:
        axes.plot(x, panel.ideal, color=LIGHT["faint"], linewidth=1.2, linestyle=(0, (2, 2)), zorder=1.5)
    for line in panel.lines:
        if line.low:
            axes.fill_between(x, line.low, line.high, color=LIGHT[line.series.colour], alpha=0.22, linewidth=0,
                              zorder=2)
    for line in panel.lines:
        style = handle(line.series)
        axes.plot(line.x or x, line.y, zorder=3 + line.series.dash * 0.1, **{
            key: getattr(style, f"get_{key}")() for key in ("color", "linewidth", "marker", "markersize",
                                                            "markerfacecolor", "markeredgewidth")},
                  linestyle=DASHES[line.series.dash])
    if charts.x_is_log:
        axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(x))
    axes.xaxis.set_major_formatter(FixedFormatter([str(value) for value in charts.x.values]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="x", rotation=45 if max(len(str(value)) for value in charts.x.values) > 5 else 0)
    axes.set_yscale("log")
    axes.set_ylim(panel.low / 1.06, panel.high * 1.06)
    axes.yaxis.set_major_locator(FixedLocator(panel.ticks))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: with_prefix(value)))
    axes.yaxis.set_minor_locator(NullLocator())


def _bars(charts, panels, caption, subtitle):
    names = [line.series.label for line in panels[0].lines]
    left = _room_for(names)
    size = (3.6 if len(panels) > 1 else 6.5, max(0.6, 0.42 * len(names)))
    sheet = Sheet(1, len(panels), size, charts.finding, subtitle, caption, left=left)
    for index, (axes, panel) in enumerate(zip(sheet.panels[0], panels)):
        for row, line in enumerate(panel.lines):
            value = line.y[0]
            if math.isnan(value):
                continue
            axes.barh(row, value, height=0.66, color=LIGHT[line.series.colour], edgecolor=LIGHT["paper"], linewidth=0,
                      hatch="///" if line.series.dash else None)
            end = line.high[0] if line.high else value
            if line.low:
                axes.plot([max(line.low[0], 0), line.high[0]], [row, row], color=LIGHT["ink"], linewidth=2,
                          solid_capstyle="butt")
            axes.text(end, row, f" {with_prefix(value)}", va="center", size=10, color=LIGHT["ink"])
        if len(panels) > 1:
            axes.set_title(panel.title, loc="left")
        axes.set_xlim(0, panel.high)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_yticks(range(len(names)), names if index == 0 else [""] * len(names))
        axes.grid(axis="y", visible=False)
        axes.xaxis.set_major_locator(_round_ticks())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: with_prefix(value)))
        axes.set_xlabel(panel.y_title)
    return sheet.figure


def _room_for(names):
    return 0.35 + max(map(len, names)) * 0.092


def _accounts(charts):
    return _stacks(charts, share=False)


def _shares(charts):
    return _stacks(charts, share=True)


def _stacks(charts, share):
    legend = [(_patch(account), account) for account in charts.accounts]
    what = f"Where the time of {charts.operation} goes" + (", in shares" if share else "")
    subtitle = f"{what}; {charts.conditions}" if charts.conditions else what
    value_title = f"share of the mean time in one {charts.operation} (%)" if share else charts.stack_title
    caption = " ".join(charts.stack_caption)
    if charts.stacks[0].horizontal:
        names = charts.stacks[0].categories
        size = (7.5, max(0.6, 0.42 * len(names)))
        sheet = Sheet(1, 1, size, charts.finding, subtitle, caption, legend, left=_room_for(names))
    else:
        columns = charts.stack_columns
        sheet = Sheet(-(-len(charts.stacks) // columns), columns, (4.2, 2.9), charts.finding, subtitle,
                      caption, legend)
    panels = list(chain.from_iterable(sheet.panels))
    columns = len(sheet.panels[0])
    highest = 100.0 if share else max((sum(heights) for stack in charts.stacks
                                       for heights in zip(*stack.times.values())), default=1.0) * 1.03
    for index, stack in enumerate(charts.stacks):
        _draw_stack(panels[index], stack, charts.accounts, share, highest)
        if stack.horizontal:
            panels[index].set_xlabel(value_title)
            continue
        panels[index].set_title(stack.title, loc="left", fontsize=10)
        panels[index].tick_params(labelleft=index % columns == 0)
        if index + columns >= len(charts.stacks):
            panels[index].set_xlabel(charts.x_title.replace(", log scale", ""))
    for unused in panels[len(charts.stacks):]:
        unused.set_visible(False)
    if not charts.stacks[0].horizontal:
        left, top, below = panels[0].get_position().x0, panels[0].get_position().y1, panels[-1].get_position().y0
        sheet.figure.text(left * 0.2, (top + below) / 2, value_title, rotation=90, va="center", size=11,
                          color=LIGHT["ink"])
    return sheet.figure


def _draw_stack(axes, stack, accounts, share, highest):
    count = len(stack.categories)
    base = [0.0] * count
    totals = [sum(times[index] for times in stack.times.values()) for index in range(count)]
    bar = axes.barh if stack.horizontal else axes.bar
    thickness = "height" if stack.horizontal else "width"
    for account in accounts:
        heights = stack.times.get(account)
        if not heights:
            continue
        if share:
            heights = [100.0 * height / total if total else 0.0 for height, total in zip(heights, totals)]
        colour, striped = account_style(account)
        bar(range(count), heights, **{thickness: 0.74, "left" if stack.horizontal else "bottom": base},
            color=LIGHT[colour], hatch="////" if striped else None, edgecolor=LIGHT["paper"], linewidth=0)
        base = [low + height for low, height in zip(base, heights)]
    values, names = (axes.xaxis, axes.yaxis) if stack.horizontal else (axes.yaxis, axes.xaxis)
    (axes.set_xlim if stack.horizontal else axes.set_ylim)(0, highest)
    if stack.horizontal:
        axes.set_ylim(count - 0.4, -0.6)
    names.set_major_locator(FixedLocator(range(count)))
    names.set_major_formatter(FixedFormatter(stack.categories))
    axes.grid(axis="y" if stack.horizontal else "x", visible=False)
    values.set_major_locator(_round_ticks())
    values.set_major_formatter(FuncFormatter(lambda value, _: three_digits(value)))


def _round_ticks():
    return MaxNLocator(5, steps=[1, 2, 2.5, 5, 10])


def _patch(account):
    colour, striped = account_style(account)
    return Patch(facecolor=LIGHT[colour], hatch="////" if striped else None, edgecolor=LIGHT["paper"], linewidth=0)

"""One self-contained HTML page: works offline, on a phone, in the dark and on paper."""
import json
from html import escape
from pathlib import Path

from plotly.offline import get_plotlyjs

from analysis import page_tables, palette, what_if, wording
from analysis.finding import headline, operation_finding
from analysis.plan import ONLY
from analysis.plotly_charts import line_chart, stack_chart
from analysis.units import unbroken

_HERE = Path(__file__).parent
_SECURITY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


def page(result, plan, all_charts, measures=()):
    """The page as text. `all_charts`: the OperationCharts of every operation and facet, in order; `measures`: the
    MeasureCharts, likewise."""
    title = headline(result, plan).text
    specs = {}
    sections = "".join(_section(result, plan, operation, all_charts, specs, title)
                       for operation in result.operations)
    sections = _measures(measures, specs) + sections
    return "\n".join((
        "<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_SECURITY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{escape(title)}</title>", f"<style>{_colours()}{(_HERE / 'page.css').read_text()}</style>",
        "</head>", "<body>", _header(result, plan, title, measures), f"<main>{sections}{_tables(result)}</main>",
        _footer(result),
        f'<script type="application/json" id="charts">{_json(specs)}</script>',
        f"<script>{_script(get_plotlyjs())}</script>", f"<script>{(_HERE / 'page.js').read_text()}</script>",
        "</body>", "</html>", ""))


def _header(result, plan, title, measures):
    notes = [*result.notes, *plan.notes, *_warnings(result)]
    warning = "".join(f"<li>{escape(note)}</li>" for note in notes)
    links = "".join(f'<li><a href="#{_anchor(operation)}">{escape(operation)}</a></li>'
                    for operation in result.operations)
    if measures:
        links = f'<li><a href="#measures">{escape(measures[0].measure.title)}</a></li>{links}'
    conditions = wording.conditions(result, plan)
    return (
        f"<header><h1>{escape(unbroken(title))}</h1><p class=conditions>{escape(conditions)}</p>"
        + (f'<aside role="note"><strong>Before you read on</strong><ul>{warning}</ul></aside>' if notes else "")
        + f'<nav aria-label="Sections"><ul>{links}<li><a href="#counters">counters</a></li>'
          '<li><a href="#configuration">configuration</a></li></ul></nav>'
          "<noscript><p>The charts need JavaScript; the same figures are in the directory <code>figures</code> as PNG "
          "and SVG.</p></noscript></header>")


def _warnings(result):
    """Of the manifest, and of the points, each once."""
    found = []
    for name, part in (result.parts or {"": result}).items():
        prefix = f"{name}: " if name else ""
        found += [prefix + warning for warning in part.manifest["warnings"]]
        texts = part.point["warnings"].astype(str)
        for text in dict.fromkeys(texts):
            if text not in ("", "0", "nan") and not text.isdigit() and text not in part.manifest["warnings"]:
                count = part.point.loc[texts == text, "point"].nunique()
                found.append(f"{prefix}{text} ({count} point{'' if count == 1 else 's'})")
        labels = what_if.in_play(part)
        if labels:
            found.append(f"{prefix}What-if on this machine, marked {what_if.MARK} throughout: {', '.join(labels)}.")
    return found


def _section(result, plan, operation, all_charts, specs, title):
    found = operation_finding(result, plan, operation).text
    own = [charts for charts in all_charts if charts.operation == operation]
    blocks = "".join(_charts(charts, specs, told=charts.finding in (found, title)) for charts in own)
    told = "" if found == title else f"<p class=finding>{escape(unbroken(found))}</p>"
    numbers = page_tables.folded(f"Numbers: latency of {operation}", page_tables.latency(result, operation)) \
        + page_tables.folded(f"Numbers: accounts of {operation}", page_tables.accounts(result, operation))
    return f'<section id="{_anchor(operation)}"><h2>{escape(operation)}</h2>{told}{blocks}{numbers}</section>'


def _measures(measures, specs):
    """One block a figure: what follows from several tables, before the operations that it is made of."""
    blocks = "".join(
        f'<div class="block"><p class=finding>{escape(unbroken(charts.finding))}</p>'
        f"<h3>{escape(charts.measure.title)}</h3>"
        f'{_legend(charts.legend, False) if charts.x is not None else ""}'
        f'<div class="grid two">{_figure(specs, charts.facet.label, line_chart(charts, charts.panel))}</div>'
        f'<p class=caption>{escape(" ".join(charts.caption))}</p></div>' for charts in measures)
    return f'<section id="measures"><h2>All CPUs together</h2>{blocks}</section>' if blocks else ""


def _charts(charts, specs, told):
    """`told`: the page has said the finding already."""
    finding = "" if told else f"<p class=finding>{escape(unbroken(charts.finding))}</p>"
    lines = charts.x is not None
    panels = "".join(_figure(specs, panel.title if panel is charts.throughput else f"latency: {panel.title}",
                             line_chart(charts, panel)) for panel in (*charts.latency, charts.throughput))
    stacks = "".join(_figure(specs, stack.title, stack_chart(charts, stack)) for stack in charts.stacks)
    caption = " ".join(dict.fromkeys((*charts.latency_caption, *charts.throughput_caption)))
    accounts = "".join(f'<span class="key">{_swatch_account(account)}{escape(account)}</span>'
                       for account in charts.accounts)
    stack_caption = " ".join(charts.stack_caption)
    shape = "one" if charts.stacks[0].horizontal else "three" if charts.stack_columns % 3 == 0 else "two"
    switch = ('<div class="switch" role="group" aria-label="Unit of the bars"><button type="button" data-view="times" '
              'aria-pressed="true">time</button><button type="button" data-view="shares" aria-pressed="false">share'
              "</button></div>")
    return (
        f'<div class="block">{finding}<h3>Latency and throughput</h3>'
        f'{_legend(charts.legend, bool(charts.throughput.ideal)) if lines else ""}<div class="grid two">{panels}</div>'
        f"<p class=caption>{escape(caption)}</p></div>"
        f'<div class="block"><h3>Where the time goes</h3>{switch}<div class="accounts">{accounts}</div>'
        f'<div class="grid stacks {shape}">{stacks}</div><p class=caption>{escape(stack_caption)}</p></div>')


def _figure(specs, title, spec):
    name = f"chart{len(specs)}"
    specs[name] = spec
    caption = f"<figcaption>{escape(title)}</figcaption>" if title else ""
    height = spec["layout"]["height"]
    return (f'<figure>{caption}<div class="chart" id="{name}" role="group" aria-label="{escape(title)}" '
            f'style="min-height:{height}px"></div></figure>')


def _legend(series, ideal):
    keys = "".join(
        f'<button type="button" class="key" data-series="{index}" aria-pressed="true">'
        f"{_swatch_line(each.colour, _DASHES[each.dash], _marker(each))}{escape(each.label)}</button>"
        for index, each in enumerate(series) if each.label != ONLY)
    if ideal:
        keys += f'<span class="key">{_swatch_line("faint", "2 3", "")}ideal scaling (throughput)</span>'
    return f'<div class="legend" title="Click to hide or show a line">{keys}</div>' if keys else ""


_DASHES = ("", "7 3", "2 3", "8 3 2 3")


def _swatch_line(colour, dashes, marker):
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (f'<svg width="40" height="14" viewBox="0 0 40 14" aria-hidden="true" style="color:var(--{colour})">'
            f'<line x1="1" x2="39" y1="7" y2="7" stroke="currentColor" stroke-width="2.2"{dash}/>{marker}</svg>')


_SHAPES = {
    "circle": '<circle cx="20" cy="7" r="4"{}/>',
    "square": '<rect x="16" y="3" width="8" height="8"{}/>',
    "triangle-up": '<path d="M20 2 L25 11 H15 Z"{}/>',
    "diamond": '<path d="M20 1.5 L25.5 7 L20 12.5 L14.5 7 Z"{}/>',
    "triangle-down": '<path d="M20 12 L25 3 H15 Z"{}/>',
    "cross": '<path d="M18 2 h4 v3 h3 v4 h-3 v3 h-4 v-3 h-3 v-4 h3 Z"{}/>',
    "x": '<path d="M16 1 L20 5 L24 1 L26 3 L22 7 L26 11 L24 13 L20 9 L16 13 L14 11 L18 7 L14 3 Z"{}/>',
    "star": '<path d="M20 1 L22 5 L26 5.4 L23 8.2 L24 12.5 L20 10.2 L16 12.5 L17 8.2 L14 5.4 L18 5 Z"{}/>',
}


def _marker(series):
    fill = ' fill="none" stroke="currentColor" stroke-width="1.8"' if series.dash else ' fill="currentColor"'
    return _SHAPES[series.marker].format(fill)


def _swatch_account(account):
    colour, striped = palette.account_style(account)
    return f'<i class="swatch{" striped" if striped else ""}" style="--c:var(--{colour})"></i>'


def _tables(result):
    return (
        '<section id="counters"><h2>Counters</h2><p class=quiet>Sums over the measured window, all CPUs, mean over '
        "seeds; but lock_wait_max_ns and lock_hold_max_ns are the longest of all seeds.</p>"
        f"{page_tables.counters(result)}</section>"
        f'<section id="configuration"><h2>Configuration</h2>{page_tables.configuration(result)}'
        f"{page_tables.folded(f'Every run ({len(result.point)})', page_tables.points(result))}</section>")


def _footer(result):
    items = []
    for name, part in (result.parts or {"": result}).items():
        manifest = part.manifest
        command = manifest["command"]
        command = " ".join(map(str, command)) if isinstance(command, list) else command
        facts = [("mmsim", manifest["version"]), ("command", command), ("configuration hash", manifest["hash"]),
                 ("events", "" if manifest["events"] is None else f"{manifest['events']:,.0f}".replace(",", " ")),
                 ("host time", "" if manifest["host_seconds"] is None else f"{manifest['host_seconds']:.1f} s")]
        told = "".join(f"<dt>{label}</dt><dd>{escape(str(value))}</dd>" for label, value in facts if value)
        items.append((f"<h3>{escape(name)}</h3>" if name else "") + f"<dl>{told}</dl>")
    return f"<footer>{''.join(items)}</footer>"


def _colours():
    light, dark = (";".join(f"--{name}:{colour}" for name, colour in colours.items())
                   for colours in (palette.LIGHT, palette.DARK))
    return f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"


def _anchor(operation):
    return "operation-" + "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in operation)


def _json(value):
    """JSON that cannot end its script element."""
    text = json.dumps(value, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _script(source):
    """JavaScript that cannot end its script element: within strings and regular expressions \\/ is /."""
    return source.replace("</script", "<\\/script").replace("<!--", "<\\!--")

"""One self-contained HTML page: works offline, on a phone, in the dark and on paper."""
from html import escape

from analysis import flame_graph, page_details, page_tables, what_if, wording
from analysis.comparison_page import comparison_section
from analysis.configuration_tables import configuration
from analysis.finding import headline, operation_finding
from analysis.page_document import NO_SCRIPT, document
from analysis.page_parts import account_keys, figure, legend, switch
from analysis.plotly_charts import line_chart, stack_chart
from analysis.units import unbroken


def page(result, plan, all_charts, measures=(), interrupts=(), samples=()):
    """The page as text. `all_charts`: the OperationCharts of every operation and facet, in order; `measures`,
    `interrupts` and `samples`: the MeasureCharts, the InterruptCharts and the SampleCharts, likewise."""
    title = headline(result, plan).text
    specs = {}
    sections = "".join(_section(result, plan, operation, (*all_charts, *samples), specs, title)
                       for operation in result.operations)
    together = _measures(measures, specs)
    first = any(charts.measure.comes_first for charts in measures)
    sections = (together + sections if first else sections + together) \
        + page_details.interrupts(interrupts, specs) + page_details.locks(result, plan) + comparison_section(result)
    stripes = ('<svg width="0" height="0" aria-hidden="true" class="flame definitions">'
               f"{flame_graph.stripe_definition()}</svg>")
    header = _header(result, plan, title, sections)
    return document(title, f"{stripes}\n{header}<main>{sections}{_tables(result)}</main>\n{_footer(result)}", specs,
                    flame_graph.page_style())


def _header(result, plan, title, sections):
    notes = [*result.notes, *plan.notes, *_warnings(result)]
    warning = "".join(f"<li>{escape(note)}</li>" for note in notes)
    links = "".join(f'<li><a href="#{_anchor(operation)}">{escape(operation)}</a></li>'
                    for operation in result.operations)
    for anchor, words in (("measures", "all CPUs together"), ("interrupts", "interrupts"), ("locks", "locks"),
                          ("comparison", "comparison")):
        if f'<section id="{anchor}">' in sections:
            links += f'<li><a href="#{anchor}">{words}</a></li>'
    conditions = wording.conditions(result, plan)
    return (
        f"<header><h1>{escape(unbroken(title))}</h1><p class=conditions>{escape(conditions)}</p>"
        + (f'<aside role="note"><strong>Before you read on</strong><ul>{warning}</ul></aside>' if notes else "")
        + f'<nav aria-label="Sections"><ul>{links}<li><a href="#counters">counters</a></li>'
          '<li><a href="#configuration">configuration</a></li></ul></nav>'
          f"{NO_SCRIPT}</header>")


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
    blocks = "".join(page_details.sample(charts, specs) if charts.facet is plan.sample else
                     _charts(charts, specs, told=charts.finding == found) for charts in own)
    if plan.sample and own:
        blocks += f'<div class="block">{page_tables.sample_points(result, operation)}</div>'
    told = "" if title.startswith(found) else f"<p class=finding>{escape(unbroken(found))}</p>"
    numbers = page_tables.folded(f"Numbers: latency of {operation}", page_tables.latency(result, operation)) \
        + page_tables.folded(f"Numbers: accounts of {operation}", page_tables.accounts(result, operation))
    return f'<section id="{_anchor(operation)}"><h2>{escape(operation)}</h2>{told}{blocks}{numbers}</section>'


def _measures(measures, specs):
    """One block a figure: what follows from several tables."""
    blocks = "".join(
        f'<div class="block"><p class=finding>{escape(unbroken(charts.finding))}</p>'
        f"<h3>{escape(charts.measure.title)}</h3>"
        f'{legend(charts.legend) if charts.x is not None else ""}'
        f'<div class="grid two">{figure(specs, charts.facet.label, line_chart(charts, charts.panel))}</div>'
        f'<p class=caption>{escape(" ".join(charts.caption))}</p></div>' for charts in measures)
    return f'<section id="measures"><h2>All CPUs together</h2>{blocks}</section>' if blocks else ""


def _charts(charts, specs, told):
    """`told`: the page has said the finding already."""
    finding = "" if told else f"<p class=finding>{escape(unbroken(charts.finding))}</p>"
    lines = charts.x is not None
    panels = "".join(figure(specs, panel.title if panel is charts.throughput else f"latency: {panel.title}",
                             line_chart(charts, panel)) for panel in (*charts.latency, charts.throughput))
    stacks = "".join(figure(specs, stack.title, stack_chart(charts, stack)) for stack in charts.stacks)
    caption = " ".join(dict.fromkeys((*charts.latency_caption, *charts.throughput_caption)))
    stack_caption = " ".join(charts.stack_caption)
    shape = "one" if charts.stacks[0].horizontal else "three" if charts.stack_columns % 3 == 0 else "two"
    units = switch("Unit of the bars", "view", (("times", "time"), ("shares", "share")), "times")
    keys = legend(charts.throughput_legend, bool(charts.throughput.ideal)) if lines else ""
    return (
        f'<div class="block">{finding}<h3>Latency and throughput</h3>{keys}<div class="grid two">{panels}</div>'
        f"<p class=caption>{escape(caption)}</p></div>"
        f"{page_details.distribution(charts, specs)}"
        f'<div class="block"><h3>Where the time goes</h3>{units}{account_keys(charts.accounts)}'
        f'<div class="grid stacks {shape}">{stacks}</div><p class=caption>{escape(stack_caption)}</p></div>'
        f"{page_details.waits(charts)}{page_details.flames(charts)}")


def _tables(result):
    return (
        '<section id="counters"><h2>Counters</h2><p class=quiet>Sums over the measured window, all CPUs, mean over '
        "seeds; but lock_wait_max_ns and lock_hold_max_ns are the longest of all seeds.</p>"
        f"{page_tables.counters(result)}</section>"
        f'<section id="configuration"><h2>Configuration</h2>{configuration(result)}'
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


def _anchor(operation):
    return "operation-" + "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in operation)

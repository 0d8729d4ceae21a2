"""Sentences and labels: what is shown, under which conditions, and how to read it."""
from analysis import what_if
from analysis.manifest import seed_count, value_at
from analysis.plan import X_FIRST, value_label

_AXIS_NAMES = {X_FIRST: "simulated CPUs"}


def axis_title(axis, log):
    name = _AXIS_NAMES.get(axis.path)
    return (f"{name} ({axis.path})" if name else axis.path) + (", log scale" if log else "")


def at_x(path, value):
    """'at 128 CPUs'"""
    if path == X_FIRST:
        return f"at {value} CPU" + ("" if value == 1 else "s")
    return f"at {path}={value}"


def conditions(result, plan, facet=None):
    """What all points of a figure share: scenario, machine, kernel, constant axes, seeds."""
    parts = []
    if not result.parts:
        for path, words in (("scenario.name", "scenario {}"), ("machine.base", "machine {}"),
                            ("kernel.base", "kernel {}")):
            value = value_at(result.manifest, path)
            if value is not None:
                parts.append(words.format(value))
    parts += [value_label(result, path, value) for path, value in plan.constant]
    if facet and facet.label:
        parts.append(facet.label)
    parts += what_if.fixed_and_marked(result)
    seeds = seed_count(result.manifest)
    if seeds and not result.parts:
        parts.append(f"{seeds} seed" + ("" if seeds == 1 else "s"))
    return ", ".join(parts)


def what_if_caption(result, facet):
    """One sentence if anything in the figure is a what-if, else none."""
    if not any(series.what_if for series in facet.series) and not what_if.fixed(result):
        return ()
    return (f"{what_if.MARK}: a policy that this machine's kernel would not use.",)


def band_sentence(result):
    seeds = seed_count(result.manifest)
    over = "batches" if seeds in (None, 1) or result.parts else f"batches and {seeds} seeds"
    return f"The band around the mean is its 95% confidence interval, over {over}; p50 and p99 have no band."


def coincidence_sentence(series):
    """How to read marks that lie on each other."""
    colours = [each.colour for each in series]
    return ("A full mark in a ring: two lines of one colour coincide.",) if len(set(colours)) < len(colours) else ()


def throughput_sentence():
    return "Throughput: operations completed in the measured window, all CPUs together."


def ideal_sentence(x):
    return (f"Ideal scaling: the best throughput {at_x(x.path, x.values[0])}, growing in proportion to {x.path}.")

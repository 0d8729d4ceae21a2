"""Sentences and labels: what is shown, under which conditions, and how to read it."""
from analysis import what_if
from analysis.manifest import seed_range, value_at
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
    if seed_range(result.manifest) and not result.parts:
        parts.append(_seeds(result))
    return ", ".join(parts)


def what_if_caption(result, facet):
    """One sentence if anything in the figure is a what-if, else none."""
    if not any(series.what_if for series in facet.series) and not what_if.fixed(result):
        return ()
    return (f"{what_if.MARK}: a policy that this machine's kernel would not use.",)


def band_sentence(result):
    one = seed_range(result.manifest) in (None, (1, 1))
    over = "batches" if one or result.parts else f"batches and {_seeds(result)}"
    return f"The band around the mean is its 95% confidence interval, over {over}; p50 and p99 have no band."


def _seeds(result):
    """'3 seeds', or '2 to 4 seeds' where points took as many as they needed"""
    fewest, most = seed_range(result.manifest)
    return (f"{fewest} seed" if fewest == most else f"{fewest} to {most} seed") + ("" if most == 1 else "s")


def coincidence_sentence(series):
    """How to read marks that lie on each other."""
    colours = [each.colour for each in series]
    return ("A full mark in a ring: two lines of one colour coincide.",) if len(set(colours)) < len(colours) else ()


def throughput_sentence():
    return "Throughput: operations completed in the measured window, all CPUs together."


def ideal_sentence(x):
    return (f"Ideal scaling: the best throughput {at_x(x.path, x.values[0])}, growing in proportion to {x.path}.")

"""The configuration as tables: what was chosen and what it stands in place of, then files, then defaults."""
from html import escape

from analysis import what_if
from analysis.axes import canonical
from analysis.manifest import origin, value_at
from analysis.page_tables import folded, table

_ALL_TEXT = 9  # of table(): no column holds numbers


def configuration(result):
    """What the user set, then what machine and kernel files set, then the defaults."""
    return "".join((f"<h3>{escape(name)}</h3>" if name else "") + _of_one(part)
                   for name, part in (result.parts or {"": result}).items())


def _of_one(result):
    manifest = result.manifest
    groups = {"set": [], "base": [], "default": []}
    swept = {axis.path for axis in result.axes}
    for path in sorted(manifest["configuration"]):
        if path not in swept:
            value = value_at(manifest, path)
            groups[_group(origin(manifest, path))].append((path, _marked(manifest, path, value)))
    html = ""
    if result.axes:
        axes = [(axis.path, ", ".join(_marked(manifest, axis.path, value) for value in axis.values),
                 _replaced(manifest, axis.path)) for axis in result.axes]
        html += table(("axis", "values", "overrides"), axes, "Swept", _ALL_TEXT)
    if groups["set"]:
        rows = [(path, value, _replaced(manifest, path), origin(manifest, path)) for path, value in groups["set"]]
        html += table(("path", "value", "overrides", "set in"), rows, "Chosen for this run", _ALL_TEXT)
    differing = _differing(manifest)
    if differing:
        html += folded(f"Differs between points, as an axis chooses it ({len(differing)})",
                       table(("path", "values"), differing, numbers_from=_ALL_TEXT))
    if groups["base"]:
        rows = [(path, value, origin(manifest, path)) for path, value in groups["base"]]
        html += folded(f"From the machine and kernel files ({len(rows)})",
                       table(("path", "value", "set in"), rows, numbers_from=_ALL_TEXT))
    if groups["default"]:
        html += folded(f"Defaults ({len(groups['default'])})",
                       table(("path", "value"), groups["default"], numbers_from=_ALL_TEXT))
    return html or "<p>The manifest holds no configuration.</p>"


def _group(where):
    if not where or where.startswith(("default", "built-in")):
        return "default"
    return "base" if "configs/machines/" in where or "configs/kernels/" in where else "set"


def _marked(manifest, path, value):
    return f"{value}{what_if.mark(manifest, path, value)}"


def _replaced(manifest, path):
    """What a chosen value stands in place of; the manifest does not keep the value that was there."""
    if path.endswith(".base") or path == "scenario.name":
        return ""  # a choice that everybody makes
    part = path.partition(".")[0]
    base = value_at(manifest, f"{part}.base") if part in ("machine", "kernel") else None
    return f"{part} {base}" if base is not None else "default"


def _differing(manifest):
    """(path, values) of what only some points share, beside their axes."""
    values = {}
    for point in manifest["points"]:
        own = point.get("configuration")
        for path, entry in (own.items() if isinstance(own, dict) else ()):
            value = canonical(entry.get("value", "")) if isinstance(entry, dict) else canonical(entry)
            values.setdefault(path, {}).setdefault(_marked(manifest, path, value), []).append(point["point"])
    return [(path, ", ".join(f"{value} ({len(points)} point{'' if len(points) == 1 else 's'})"
                             for value, points in by_value.items())) for path, by_value in sorted(values.items())]

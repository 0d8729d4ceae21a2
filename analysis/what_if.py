"""Policies that the simulated machine would not use: they are marked wherever they are shown, in
headlines too where they hold for all points."""
from analysis.axes import RESULT_AXIS, from_text
from analysis.manifest import value_at

MARK = "(what-if)"


def mark(manifest, path, value):
    """" (what-if)" if `path`=`value` is one on the machine of the manifest, else nothing."""
    wanted = path, from_text(str(value))
    return f" {MARK}" if any(_parse(label) == wanted for label in manifest["what_if"]) else ""


def mark_in(result, path, value, coordinates=()):
    """The same for a result, which may combine several machines: `coordinates` say which."""
    name = dict(coordinates).get(RESULT_AXIS)
    return mark(result.parts[name].manifest if name in result.parts else result.manifest, path, value)


def in_play(result):
    """Labels of the what-if policies that a result of one directory shows."""
    swept = [f"{axis.path}={value}" for axis in result.axes for value in axis.values
             if mark(result.manifest, axis.path, value)]
    return swept + fixed(result)


def fixed(result):
    """Labels of the what-if policies that are set outside the axes of the result: they hold for all of a directory."""
    return list(_holders(result))


def fixed_and_marked(result):
    """The same with their mark; of several directories, it says in which they are a what-if unless it is in all."""
    return [f"{label} {MARK}" if len(names) == max(1, len(result.parts)) else f"{label} (what-if in {', '.join(names)})"
            for label, names in _holders(result).items()]


def _holders(result):
    """{label: names of the directories in which it holds}"""
    holders = {}
    axes = {axis.path for axis in result.axes}
    for name, part in (result.parts or {"": result}).items():
        for label in dict.fromkeys(part.manifest["what_if"]):
            path, value = _parse(label)
            if path not in axes and (value is None or from_text(str(value_at(part.manifest, path))) == value):
                holders.setdefault(label, []).append(name)
    return holders


def _parse(label):
    path, equals, value = label.partition("=")
    return path.strip(), from_text(value.strip().strip('"')) if equals else None

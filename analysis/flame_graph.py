"""Flame graphs: the time of an operation by account and, inside waiting, by whom it waits for.

A frame is as wide as its share of the operation's time; what it consists of stands on it. Positions are percentages of
the picture, so that it fits a phone while its text keeps its size; text that does not fit is cut, and every frame has
its whole text as a title (a tooltip).
"""
from dataclasses import dataclass
from html import escape

from analysis.palette import DARK, LIGHT, account_order, account_style
from analysis.units import duration, three_digits
from analysis.waits import phrase

WIDTH = 1000  # pixels of a file, and of the text's measure
ROW = 22
CHARACTER = 6.7  # pixels, of text of 12 px
LEAST = 0.004  # of the whole: narrower frames of one parent are drawn as one
_KINDS = {"lock": "locks", "line": "cache lines", "ipi": "interrupts on their way", "irqs_off": "interrupts off",
          "handler": "interrupt handlers", "interrupt": "interrupts on the own CPU", "device": "devices",
          "sleep": "events"}


@dataclass(frozen=True)
class Frame:
    name: str
    size: int  # picoseconds, all executions together
    colour: str  # of the palette
    striped: bool
    children: tuple = ()

    @property
    def depth(self):
        return 1 + max((child.depth for child in self.children), default=0)


def tree(result, point, operation):
    """The frames of an operation at a point, or None if no time was measured."""
    rows = result.account[(result.account["point"] == point) & (result.account["operation"] == operation)]
    sizes = {account: int(ps) for account, ps in zip(rows["account"], rows["total_ps"]) if ps > 0}
    if not sizes:
        return None
    by_account = _waits(result, point, operation)
    accounts = []
    for account in account_order(sizes):
        colour, striped = account_style(account)
        accounts.append(Frame(account, sizes[account], colour, striped,
                              _whom(by_account.get(account, {}), colour)))
    accounts.sort(key=lambda frame: -frame.size)
    return Frame(operation, sum(sizes.values()), "grid", False, tuple(accounts))


def _waits(result, point, operation):
    """{account: {kind: {whom: ps}}}"""
    found = {}
    if getattr(result, "wait", None) is not None:
        rows = result.wait[(result.wait["point"] == point) & (result.wait["operation"] == operation)]
        for account, kind, whom, ps in zip(rows["account"], rows["kind"], rows["whom"], rows["total_ps"]):
            if ps > 0:
                of_kind = found.setdefault(account, {}).setdefault(kind, {})
                whom = whom if isinstance(whom, str) else ""
                of_kind[whom] = of_kind.get(whom, 0) + int(ps)
    return found


def _whom(kinds, colour):
    """A frame for each kind; on it, where there are several, a frame for each whom."""
    frames = []
    for kind, sizes in kinds.items():
        if len(sizes) == 1:
            ((whom, size),) = sizes.items()
            frames.append(Frame(phrase(kind, whom).strip(), size, colour, False))
            continue
        leaves = sorted((Frame(whom.replace("cpu ", "CPU ") or kind, size, colour, False)
                         for whom, size in sizes.items()),
                        key=lambda frame: (-frame.size, len(frame.name), frame.name))
        frames.append(Frame(f"{_KINDS.get(kind, kind)} ({len(leaves)})", sum(sizes.values()), colour, False,
                            tuple(leaves)))
    return tuple(sorted(frames, key=lambda frame: (-frame.size, frame.name)))


def gathered(children, whole):
    """The frames with those narrower than LEAST, if there are several, as the last one: nothing is left out."""
    narrow = [child for child in children if child.size < LEAST * whole]
    if len(narrow) < 2:
        return children
    rest = Frame(f"{len(narrow)} more", sum(child.size for child in narrow), narrow[0].colour, False)
    return (*(child for child in children if child.size >= LEAST * whole), rest)


def svg(root, title, count, standalone=True):
    """The flame graph as SVG text. `title` says what it shows; `count`: executions, for times a piece; without
    `standalone` the page's style gives colours, and room for the title is not needed."""
    top = 30 if standalone else 0
    height = top + root.depth * ROW + 2
    drawn = []
    _draw(root, root, 0.0, 0, height - 1, count, drawn)
    stripes = stripe_definition() if standalone else ""
    style = f"<style>{_style()}</style>" if standalone else ""
    heading = f'<text class="heading" x="4" y="19">{escape(_cut(title, WIDTH - 8, 7.6))}</text>' if standalone else ""
    paper = f'<rect width="100%" height="100%" fill="{LIGHT["paper"]}"/>' if standalone else ""
    size = f'width="{WIDTH}" height="{height}"' if standalone else f'width="100%" height="{height}"'
    return (f'<svg xmlns="http://www.w3.org/2000/svg" class="flame" {size} role="img" aria-label="{escape(title)}">'
            f'<title>{escape(title)}</title>{style}{stripes}{paper}{heading}{"".join(drawn)}</svg>')


def _draw(frame, root, before, depth, bottom, count, drawn):
    """`before`: picoseconds to the left of the frame."""
    left, width = 100 * before / root.size, 100 * frame.size / root.size
    y = bottom - (depth + 1) * ROW
    share = 100 * frame.size / root.size
    told = f"{frame.name}: {duration(frame.size / 1000 / max(count, 1))} each, {three_digits(share)}%"
    tone = "account" if depth == 1 else "whole" if depth == 0 else "whom"
    stripes = '<use href="#stripes"/>' if frame.striped else ""
    room = width / 100 * WIDTH - 6
    with_share = f"{frame.name} {share:.0f}%" if depth else told
    text = with_share if len(with_share) * CHARACTER <= room else _cut(frame.name, room)
    label = f'<text class="{tone} on-{frame.colour}" x="3" y="15">{escape(text)}</text>' if text else ""
    # A picture of its own cuts what leaves it: the text, where the page is narrower than WIDTH.
    drawn.append(f'<svg x="{left:.4f}%" y="{y}" width="{width:.4f}%" height="{ROW - 1}"><g>'
                 f'<title>{escape(told)}</title>'
                 f'<rect class="{tone} c-{frame.colour}" width="100%" height="{ROW - 1}"/>{stripes}{label}</g></svg>')
    for child in gathered(frame.children, root.size):
        _draw(child, root, before, depth + 1, bottom, count, drawn)
        before += child.size


def stripe_definition():
    """What striped frames show, as wide as any picture is. Once in a page; a file has its own."""
    lines = "".join(f"M{x} {ROW}L{x + ROW} 0" for x in range(-ROW, 2000, 9))
    return f'<defs><path id="stripes" class="stripe" d="{lines}"/></defs>'


def _cut(text, pixels, character=CHARACTER):
    """The text as far as it fits, with an ellipsis, or nothing if no more than two letters would be left."""
    fits = int(pixels / character)
    return text if len(text) <= fits else text[:fits - 1] + "\u2026" if fits > 3 else ""


def page_style():
    """CSS of flame graphs in a page that defines the palette's colours as variables."""
    rules = [f".flame .c-{name}{{fill:var(--{name})}}" for name in (*_colours(), "grid")]
    rules += [f".flame .on-{name}.account{{fill:{_on(LIGHT, name)};stroke:var(--{name})}}" for name in _colours()]
    dark = "".join(f".flame .on-{name}.account{{fill:{_on(DARK, name)}}}" for name in _colours())
    return "".join(rules) + _shared("var(--paper)", "var(--ink)") + \
        f"@media screen and (prefers-color-scheme:dark){{{dark}}}"


def _style():
    """Of a file: light, as figures for papers are."""
    rules = [f".c-{name}{{fill:{LIGHT[name]}}}" for name in (*_colours(), "grid")]
    rules += [f".on-{name}.account{{fill:{_on(LIGHT, name)};stroke:{LIGHT[name]}}}" for name in _colours()]
    return "".join(rules) + _shared(LIGHT["paper"], LIGHT["ink"]) + \
        f".flame text.heading{{font:bold 13px 'DejaVu Sans',Verdana,sans-serif;fill:{LIGHT['ink']}}}"


def _shared(paper, ink):
    return (f".flame rect.account,.flame rect.whole,.flame rect.whom{{stroke:{paper};stroke-width:1}}"
            f".flame rect.whom{{fill-opacity:.4}}.stripe{{stroke:{paper};stroke-width:2;"
            f"stroke-opacity:.6}}"
            f".flame text{{font:12px 'DejaVu Sans',Verdana,sans-serif}}"
            f".flame text.whom,.flame text.whole{{fill:{ink}}}"
            # A halo in the colour of the frame keeps letters apart from its stripes.
            ".flame text.account{paint-order:stroke;stroke-width:3px;stroke-linejoin:round}")


def _colours():
    return list(dict.fromkeys(account_style(account)[0] for account in (*account_order(_ALL), "unknown")))


_ALL = ("user", "entry", "work", "alloc", "page_zero", "page_copy", "coherence", "lock_spin", "lock_sleep", "tlb_local",
        "tlb_remote", "interrupt", "io", "schedule")


def _on(colours, name):
    """Black or white, whichever stands out on that colour."""
    red, green, blue = (int(colours[name][at:at + 2], 16) / 255 for at in (1, 3, 5))
    luminance = sum(weight * (part / 12.92 if part <= 0.04 else ((part + 0.055) / 1.055) ** 2.4)
                    for weight, part in ((0.2126, red), (0.7152, green), (0.0722, blue)))
    return "#000000" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "#ffffff"

"""Pieces of the page that several of its sections are made of."""
from html import escape

from analysis import palette
from analysis.plan import ONLY


def figure(specs, title, spec, label=""):
    """A chart with its caption; `specs` takes what is to be drawn in it, `label` is what it is called where it has no
    caption."""
    name = f"chart{len(specs)}"
    specs[name] = spec
    caption = f"<figcaption>{escape(title)}</figcaption>" if title else ""
    height = spec["layout"]["height"]
    return (f'<figure>{caption}<div class="chart" id="{name}" role="group" aria-label="{escape(title or label)}" '
            f'style="min-height:{height}px"></div></figure>')


def legend(series, ideal=False, marks_only=False):
    """A key for each series, which hides and shows its line in the block that the legend stands in."""
    keys = "".join(
        f'<button type="button" class="key" data-series="{index}" aria-pressed="true">'
        f"{_line_swatch(each.colour, _DASHES[each.dash], _marker(each), not marks_only)}{escape(each.label)}</button>"
        for index, each in enumerate(series) if each.label != ONLY)
    if ideal:
        keys += f'<span class="key">{_line_swatch("faint", "2 3", "")}ideal scaling (throughput)</span>'
    what = "points" if marks_only else "a line"
    return f'<div class="legend" title="Click to hide or show {what}">{keys}</div>' if keys else ""


_DASHES = ("", "7 3", "2 3", "8 3 2 3")


def _line_swatch(colour, dashes, marker, line=True):
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    drawn = f'<line x1="1" x2="39" y1="7" y2="7" stroke="currentColor" stroke-width="2.2"{dash}/>' if line else ""
    return (f'<svg width="40" height="14" viewBox="0 0 40 14" aria-hidden="true" style="color:var(--{colour})">'
            f'{drawn}{marker}</svg>')


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


def mark_key(words, symbol, colour, hollow, line=None, series=None):
    """The key of one kind of mark. `line`: the dashes of the line that it stands on, None for none; `series`: the
    traces that a click hides and shows, None for none."""
    fill = f' fill="{"var(--paper)" if hollow else "currentColor"}" stroke="currentColor" stroke-width="1.8"'
    swatch = _line_swatch(colour, "" if line == "solid" else line, _SHAPES[symbol].format(fill), line is not None)
    if series is None:
        return f'<span class="key">{swatch}{escape(words)}</span>'
    return (f'<button type="button" class="key" data-series="{series}" aria-pressed="true">{swatch}{escape(words)}'
            "</button>")


def account_keys(accounts):
    """The legend of stacks."""
    keys = "".join(f'<span class="key">{_account_swatch(account)}{escape(account)}</span>' for account in accounts)
    return f'<div class="accounts">{keys}</div>'


def _account_swatch(account):
    colour, striped = palette.account_style(account)
    return f'<i class="swatch{" striped" if striped else ""}" style="--c:var(--{colour})"></i>'


def switch(label, attribute, choices, chosen):
    """Buttons of which one is pressed; page.js does what `attribute` says. `choices`: (value, text)."""
    buttons = "".join(f'<button type="button" data-{attribute}="{escape(str(value))}" '
                      f'aria-pressed="{"true" if value == chosen else "false"}">{escape(text)}</button>'
                      for value, text in choices)
    return f'<div class="switch" role="group" aria-label="{escape(label)}">{buttons}</div>'

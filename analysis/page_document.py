"""The shell of every page: one file with its style, its charts and what draws them; it asks no network."""
import json
from html import escape
from pathlib import Path

from plotly.offline import get_plotlyjs

from analysis import palette

_HERE = Path(__file__).parent
_SECURITY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
NO_SCRIPT = ("<noscript><p>The charts need JavaScript; the same figures are in the directory <code>figures</code> as "
             "PNG, SVG and PDF.</p></noscript>")


def document(title, body, specs, style=""):
    """The page as text. `body`: HTML; `specs`: the charts of its figures (page_parts.figure); `style`: more CSS."""
    return "\n".join((
        "<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_SECURITY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{escape(title)}</title>",
        f"<style>{_colours()}{style}{(_HERE / 'page.css').read_text()}</style>", "</head>", "<body>",
        body,
        f'<script type="application/json" id="charts">{_json(specs)}</script>',
        f"<script>{_script(get_plotlyjs())}</script>", f"<script>{(_HERE / 'page.js').read_text()}</script>",
        "</body>", "</html>", ""))


def _colours():
    light, dark = (";".join(f"--{name}:{colour}" for name, colour in colours.items())
                   for colours in (palette.LIGHT, palette.DARK))
    return f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"


def _json(value):
    """JSON that cannot end its script element."""
    text = json.dumps(value, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _script(source):
    """JavaScript that cannot end its script element: within strings and regular expressions \\/ is /."""
    return source.replace("</script", "<\\/script").replace("<!--", "<\\!--")

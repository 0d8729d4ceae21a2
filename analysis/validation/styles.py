"""How marks of a validation look, the same on the page and on paper: never told apart by colour alone."""
from dataclasses import dataclass

BAND = "grey"  # within the tolerance
SIZES = {"circle": 10, "diamond": 8, "x": 10}  # a mark that covers another leaves its rim
APART = 0.13  # of the height of a row of names: what was published stands above what was simulated


@dataclass(frozen=True)
class Style:
    """A curve."""

    colour: str
    dash: str  # as plotly names it
    symbol: str


PUBLISHED = Style("blue", "solid", "circle")
SIMULATED = Style("vermillion", "7px,3px", "diamond")


def words(kind, compare):
    """What a mark of that kind says, in a case compared so."""
    given = "calibrated, or the base" if compare == "relative" else "calibrated"
    return {"calibrated": given, "uncounted": "not counted",
            "miss": "the wrong way" if compare == "trend" else "outside the tolerance"}[kind]


def marker(style, kind):
    """(symbol, colour, hollow?) of a mark of that kind on the curve."""
    if kind == "uncounted":
        return style.symbol, "grey", True
    if kind == "miss":
        return "x", style.colour, False
    return style.symbol, style.colour, kind == "calibrated"

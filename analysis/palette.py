"""Colours, markers and dashes, fixed by what they stand for, so that a policy looks the same in every figure.

The colours are those of M. Okabe and K. Ito, "Color Universal Design" (2008), which people with any colour vision can
tell apart; markers and dashes say the same again without colour. `ink` is the colour of text: dark on light, light
on dark.
"""

LIGHT = {
    "blue": "#0072b2", "vermillion": "#d55e00", "green": "#009e73", "orange": "#e69f00", "purple": "#cc79a7",
    "sky": "#56b4e9", "yellow": "#f0e442", "grey": "#999999", "ink": "#1a1a1a", "faint": "#595959",
    "grid": "#dddddd", "paper": "#ffffff",
    # From little to much, in even steps of lightness (ColorBrewer's YlGnBu without its palest, which paper swallows).
    "heat0": "#c7e9b4", "heat1": "#7fcdbb", "heat2": "#41b6c4", "heat3": "#225ea8", "heat4": "#0c2c84",
}
HEAT = ("heat0", "heat1", "heat2", "heat3", "heat4")
# The same hues; blue is lifted, as it would sink into a dark page.
DARK = {
    **LIGHT, "blue": "#3d9fdb", "vermillion": "#f07b2b", "green": "#1fbf92", "grey": "#8a8a8a", "ink": "#ececec",
    "faint": "#b0b0b0", "grid": "#3a3d42", "paper": "#16181c",
    "heat0": "#27408f", "heat1": "#2c7fb8", "heat2": "#41b6c4", "heat3": "#a1dab4", "heat4": "#ffffcc",
}

SERIES_COLOURS = ("blue", "vermillion", "green", "orange", "purple", "sky", "ink", "yellow")
MARKERS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x", "star")
DASHES = ("solid", "dash", "dot", "dashdot")

# Mechanisms of a kernel (INTERFACES.md), in the order in which they take colours. A value that is not listed takes
# the next free one in the order of its axis.
_KNOWN_VALUES = {
    "kernel.tlb_flush": ("lazy", "eager", "broadcast", "eager_all", "leave_mm", "latr"),
    "kernel.kthread_switch": ("lazy", "eager"),
    "kernel.spinlock": ("queued", "tas", "ticket"),
    "kernel.rmap": ("anon_vma", "pte_chain", "anon_vma_chain", "scan"),
}


def place(axis, value):
    """A fixed number for a value of an axis: the index into colours, markers or dashes (taken modulo)."""
    known = _KNOWN_VALUES.get(axis.path, ())
    if value in known:
        return known.index(value)
    return len(known) + [other for other in axis.values if other not in known].index(value)


# Account -> (colour, striped?). Kin share a colour: waiting for locks blue, own work green, TLB orange and red.
_ACCOUNTS = {
    "user": ("grey", False),
    "entry": ("sky", False),
    "work": ("green", False),
    "alloc": ("green", True),
    "page_zero": ("yellow", False),
    "page_copy": ("yellow", True),
    "coherence": ("purple", False),
    "lock_spin": ("blue", False),
    "lock_sleep": ("blue", True),
    "tlb_local": ("orange", False),
    "tlb_remote": ("vermillion", False),
    "interrupt": ("ink", False),
    "io": ("purple", True),
    "schedule": ("sky", True),
}


def account_style(account):
    """(colour name, striped?) of an account; an unknown one is striped grey."""
    return _ACCOUNTS.get(account, ("grey", True))


def account_order(accounts):
    """Accounts from the bottom of a stack to its top."""
    known = [account for account in _ACCOUNTS if account in set(accounts)]
    return known + sorted(set(accounts) - set(known))

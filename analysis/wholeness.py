"""Do the tables of one directory fit together? Points that do not are left out of the table at fault."""
from analysis.latency_wholeness import check_latency
from analysis.tables import AGAIN, EDITED

# Accounts of which wait.csv says for whom (sim/record/wait.hpp).
WAITING = ("coherence", "lock_spin", "lock_sleep", "tlb_remote", "interrupt", "io", "schedule")
# Tables that have a row of each point that is done.
OF_EVERY_POINT = ("latency", "point", "counter")


def check_whole(tables, status, defects):
    """Leaves out what is not whole, table by table, and adds one defect a table. `status`: by point."""
    done = {number for number, word in status.items() if word == "done"}
    for name, check in (("latency", check_latency), ("point", None), ("counter", None), ("account", _accounts),
                        ("wait", _waits), ("histogram", _histograms), ("ipi", _interrupts)):
        if name not in tables:
            continue
        table = tables[name]
        if not len(table.frame) and defects.about(table.path):
            continue  # the table as a whole has been told
        _truncation(table, done if name in OF_EVERY_POINT else set())
        _unknown_points(table, status)
        if check:
            check(table, tables)
        message = table.leave_out()
        if message:
            defects.add(message)


def _truncation(table, needed):
    """Points that have no row. The last point before a cut may lack some of its rows."""
    present = set(table.frame["point"])
    lacking = sorted(needed - present)
    last = max(present, default=-1)
    suspects = {last} if present and (table.cut or lacking and lacking[-1] > last) else set()
    if lacking:
        table.fault(f"{table.path}: no row of point {lacking[0]}, which is done; the table is truncated: {AGAIN}",
                    {*lacking, *suspects})
    else:
        table.suspect(suspects)


def _unknown_points(table, status):
    unknown = sorted(set(table.frame["point"]) - set(status))
    if unknown:
        table.fault(f"{table.path}: point {unknown[0]} is not in manifest.json; the table is of another sweep: {AGAIN}",
                    unknown)


def _accounts(table, tables):
    """Every operation that was measured has accounts, and they sum to its latency: exactly in picoseconds, of which
    the decimals of mean_ns leave a part in a thousand."""
    latency = tables["latency"].frame
    measured = latency[latency["count"] > 0]
    means = table.frame.groupby(["point", "operation"])["mean_ns"].sum()
    totals = table.frame.groupby(["point", "operation"])["total_ps"].sum()
    lacking = [row for row in measured.itertuples() if (row.point, row.operation) not in means.index]
    if lacking:
        table.fault(f"{table.path}: no row of operation {lacking[0].operation} at point {lacking[0].point}; the table "
                    f"is truncated: {AGAIN}", {row.point for row in lacking})
    for row in measured.itertuples():
        key = row.point, row.operation
        if key not in means.index:
            continue
        for mean in (means[key], totals[key] / 1000 / row.count):
            if abs(mean - row.mean_ns) > 0.001 * row.mean_ns + 0.01:
                table.fault(f"{table.path}: the accounts of {row.operation} at point {row.point} do not sum to their "
                            f"latency ({mean:.6g} ns against {row.mean_ns:.6g} ns); {EDITED}", {row.point})
                break


def _waits(table, tables):
    """Whom it waited for sums to the account exactly."""
    account = tables["account"].frame
    key = ["point", "operation", "account"]
    wanted = account[account["account"].isin(WAITING)].set_index(key)["total_ps"].to_dict()
    found = table.frame.groupby(key)["total_ps"].sum().to_dict()
    known = set(account["point"])
    for place in sorted({*wanted, *found}):
        point, operation, name = place
        if point in known and found.get(place, 0) != wanted.get(place, 0):
            table.fault(f"{table.path}: the waits of {operation} in {name} at point {point} sum to "
                        f"{found.get(place, 0)} ps, account.csv has {wanted.get(place, 0)} ps; {EDITED}", {point})


def _histograms(table, tables):
    """Buckets have a width, do not overlap, and hold every latency."""
    frame = table.frame.sort_values(["point", "operation", "low_ns"])
    follows = (frame["point"] == frame["point"].shift()) & (frame["operation"] == frame["operation"].shift())
    bad = frame[~(frame["low_ns"] < frame["high_ns"]) | follows & ~(frame["low_ns"] >= frame["high_ns"].shift())]
    if len(bad):
        first = bad.iloc[0]
        table.fault(f"{table.path}: the bucket of {first['operation']} at point {first['point']} from "
                    f"{first['low_ns']:g} to {first['high_ns']:g} ns is empty or overlaps the one before; {EDITED}",
                    set(bad["point"]))
    latency = tables["latency"].frame
    wanted = latency[latency["count"] > 0].set_index(["point", "operation"])["count"].to_dict()
    found = frame.groupby(["point", "operation"])["count"].sum().to_dict()
    known = set(latency["point"])
    for place in sorted({*wanted, *found}):
        point, operation = place
        if point in known and found.get(place, 0) != wanted.get(place, 0):
            table.fault(f"{table.path}: the histogram of {operation} at point {point} holds {found.get(place, 0)} "
                        f"operations, latency.csv has {wanted.get(place, 0)}; {EDITED}", {point})


def _interrupts(table, tables):
    """The counts sum to the counter of a point, but for the decimals of both."""
    frame = table.frame
    flat = frame[~(frame["width"] > 0)]
    if len(flat):
        table.fault(f"{table.path}: width is 0 at point {flat.iloc[0]['point']}; {EDITED}", set(flat["point"]))
    counter = tables["counter"].frame
    sent = counter[counter["counter"] == "ipi_sent"]
    found = frame.groupby("point")["count"].agg(["sum", "size"]).to_dict("index")
    for point, value in zip(sent["point"], sent["value"]):
        here = found.get(point, {"sum": 0.0, "size": 0})
        if abs(here["sum"] - value) > 0.001 * (here["size"] + 1):
            table.fault(f"{table.path}: the interrupts of point {point} sum to {here['sum']:g}, ipi_sent of "
                        f"counter.csv is {value:g}; {EDITED}", {point})

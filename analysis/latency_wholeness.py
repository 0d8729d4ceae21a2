"""Do the numbers of latency.csv fit together, and to the histogram of the same latencies?"""
from analysis.tables import EDITED

# What may not be empty once an operation was measured. In sorted order, but for the mean.
QUANTILES = (("p50_ns", 500), ("p90_ns", 900), ("p99_ns", 990), ("p999_ns", 999), ("max_ns", 1000))
ROUNDING = 0.0011  # the tables have three decimals


def check_latency(table, tables):
    """Adds a fault for each row of a measured operation whose numbers cannot all be true."""
    measured = table.frame[table.frame["count"] > 0]
    buckets = _buckets(tables)
    for row in measured.to_dict("records"):
        wrong = _empty(row) or _disorder(row) or _outside(row, buckets.get((row["point"], row["operation"])))
        if wrong:
            table.fault(f"{table.path}: {row['operation']} at point {row['point']}: {wrong}; {EDITED}", {row["point"]})


def _buckets(tables):
    """[(low, high, count)...] in ascending order by point and operation."""
    if "histogram" not in tables:
        return {}
    frame = tables["histogram"].frame.sort_values("low_ns", kind="stable")
    found = {}
    for point, operation, *bucket in frame[["point", "operation", "low_ns", "high_ns", "count"]].itertuples(
            index=False, name=None):
        found.setdefault((point, operation), []).append(bucket)
    return found


def _empty(row):
    for name in ("mean_ns", *(name for name, _ in QUANTILES)):
        if not row[name] >= 0:
            return f"{name} is empty, of {row['count']} operations"
    return None


def _disorder(row):
    for (lower, _), (upper, _) in zip(QUANTILES, QUANTILES[1:]):
        if row[lower] > row[upper]:
            return f"{lower} is {row[lower]:.3f}, more than {upper}, {row[upper]:.3f}"
    if row["mean_ns"] > row["max_ns"] + ROUNDING:
        return f"mean_ns is {row['mean_ns']:.3f}, more than max_ns, {row['max_ns']:.3f}"
    return None


def _outside(row, buckets):
    """A histogram that holds another number of operations is at fault itself: it says nothing of these."""
    if not buckets or sum(count for _, _, count in buckets) != row["count"]:
        return None
    low, high = buckets[0][0], buckets[-1][1]
    if not low - ROUNDING <= row["mean_ns"] <= high + ROUNDING:
        return f"mean_ns is {row['mean_ns']:.3f}, all latencies of histogram.csv are from {low:.3f} to {high:.3f}"
    for name, per_mille in QUANTILES:
        low, high = _bucket_of(row["count"], per_mille, buckets)
        if not low - ROUNDING <= row[name] <= high + ROUNDING:
            return f"{name} is {row[name]:.3f}, by histogram.csv it is from {low:.3f} to {high:.3f}"
    return None


def _bucket_of(total, per_mille, buckets):
    """The bucket of the nearest rank, as sim/record/histogram.hpp counts it: its quantile is in the bucket of the true
    value, and 16 buckets an octave are whole ones of its 128."""
    rank = max(1, -(-total * per_mille // 1000))
    for low, high, count in buckets:
        rank -= count
        if rank <= 0:
            return low, high
    raise AssertionError("the counts of the buckets sum to the total")

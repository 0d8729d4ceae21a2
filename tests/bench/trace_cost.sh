#!/bin/sh
# What the hooks of --trace cost a run that is not traced: build/bench/trace_bench against the same benchmark in a
# build without them (build-notrace, MMSIM_TRACE=OFF), in turns, so that what else the machine does meets both.
#
#   tests/bench/trace_cost.sh [ROUNDS]     from the repository's root, after ./bootstrap; 20 rounds unless said
#
# Prints the best events a second of each and the difference. Issue 7 wants less than 2 %.
set -eu
rounds=${1:-20}
cd "$(dirname "$0")/../.."
cmake -S . -B build-notrace -G Ninja -DCMAKE_BUILD_TYPE=Release -DMMSIM_TRACE=OFF >/dev/null
cmake --build build-notrace --target trace_bench
cmake --build build --target trace_bench

# "items" of the one benchmark in CSV: the last column is events/s.
once() {
  "$1/bench/trace_bench" --benchmark_filter='munmap/off' --benchmark_min_time=0.5 --benchmark_format=csv 2>/dev/null |
    awk -F, '/^"munmap/ { print $NF }'
}

for round in $(seq "$rounds"); do
  echo "with $(once build)"
  echo "without $(once build-notrace)"
done | awk '
  $2 + 0 > best[$1] { best[$1] = $2 + 0 }
  { sum[$1] += $2; count[$1]++ }
  END {
    printf "hooks compiled in, no trace: best %.4g, mean %.4g events/s\n", best["with"], sum["with"] / count["with"]
    printf "hooks compiled out:          best %.4g, mean %.4g events/s\n", best["without"], sum["without"] / count["without"]
    printf "cost of the hooks: %.2f %% by the best, %.2f %% by the mean\n",
      100 * (1 - best["with"] / best["without"]),
      100 * (1 - sum["with"] * count["without"] / sum["without"] / count["with"])
  }'

#!/bin/sh
# What the hooks of --trace cost a run that is not traced: build/bench/trace_bench against the same benchmark in a
# build without them (build-notrace, MMSIM_TRACE=OFF).
#
#   tests/bench/trace_cost.sh [ROUNDS]     from the repository's root, after ./bootstrap; 20 rounds unless said
#
# Time is compared in pairs, one after the other, and their median taken: what else the machine does meets both. On a
# shared machine that still moves by some per cent. Instructions do not: they are counted by valgrind where it is
# installed. Issue 7 wants less than 2 %.
set -eu
rounds=${1:-20}
cd "$(dirname "$0")/../.."
cmake -S . -B build-notrace -G Ninja -DCMAKE_BUILD_TYPE=Release -DMMSIM_TRACE=OFF >/dev/null
cmake --build build-notrace --target trace_bench
cmake --build build --target trace_bench

# "items" of the one benchmark in CSV: the last column is events/s.
speed() {
  "$1/bench/trace_bench" --benchmark_filter='munmap/off' --benchmark_min_time=0.5 --benchmark_format=csv 2>/dev/null |
    awk -F, '/^"munmap/ { print $NF }'
}

for round in $(seq "$rounds"); do
  echo "$(speed build) $(speed build-notrace)"
done | awk '{ print $1 / $2 }' | sort -n | awk '
  { ratio[NR] = $1 }
  END {
    printf "events/s with the hooks compiled in, no trace, of those without: median %.3f, quartiles %.3f and %.3f\n",
      ratio[int((NR + 1) / 2)], ratio[int((NR + 3) / 4)], ratio[int((3 * NR + 3) / 4)]
  }'

if command -v valgrind >/dev/null; then
  # The benchmark's run is in a child of its own: the last count is not its parent's.
  instructions() {
    valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null "$1/bench/trace_bench" \
      --benchmark_filter='munmap/off' --benchmark_min_time=0.001 2>&1 |
      awk '/I +refs/ { gsub(",", "", $NF); if ($NF + 0 > most) most = $NF + 0 } END { print most }'
  }
  with=$(instructions build)
  without=$(instructions build-notrace)
  awk -v with="$with" -v without="$without" 'BEGIN {
    printf "instructions of one run: %d with, %d without: %+.2f %%\n", with, without, 100 * (with / without - 1)
  }'
fi

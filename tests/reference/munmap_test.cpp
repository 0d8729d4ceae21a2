// Shootdowns of munmap and mprotect: the model beside published measurements, from one core to 80.
//
//   build/reference_tests --gtest_filter='*Shootdowns*'     # prints a table a series
//
// The numbers are those of references/published.csv (series named in `source`).
#include "tests/reference/published_series.hpp"

#include <gtest/gtest.h>

namespace mmsim {
namespace {

using namespace tests;

const std::string clements =
    "A. T. Clements, The scalable commutativity rule, PhD thesis, MIT 2014, raw data: thesis/data/mapbench-";
const std::string amit = "N. Amit, [RFC v2 00/14] userfaultfd/mm: relaxed TLB flushes, LKML, July 2022, "
                         "cover letter: ";

/// Mean latency of an operation in cycles of a clock.
double mean_cycles(const PointResult& result, const std::string& operation, double ghz) {
  for (const OperationResult& one : result.operations)
    if (one.name == operation)
      return static_cast<double>(one.latency.sum().count()) / static_cast<double>(one.latency.count()) *
             ghz * 1e-3;
  throw std::logic_error("no operation " + operation);
}

std::vector<std::string> on_ben(const std::string& mode) {
  return {"machine.base=e7-8870-8s", "kernel.base=5.10",     "kernel.tlb_flush=eager",
          "scenario.name=munmap",    "scenario.mode=" + mode, "scenario.pages=1",
          "scenario.think=100 ns",   "machine.memory=8 GiB",  "run.warmup=1 ms",
          "run.duration=3 ms"};
}

// What sv6's munmap of a page is on one core is taken from its first point; ours is Linux's.
const PublishedSeries alone{
    "MunmapOfProcesses",
    clements + "xv6.raw, mode=local (rv-xv6-local-munmap): each core maps, touches and unmaps a page; no remote TLB",
    "cycles per munmap",
    {{1, 1814}, {10, 1922}, {20, 1927}, {30, 1926}, {40, 1944}, {50, 1951}, {60, 1966}, {70, 1986}, {80, 1997}},
    {1},
    on_ben("processes"),
    [](int, const PointResult& r) { return mean_cycles(r, "munmap", 2.4); },
    0.3};

const PublishedSeries interrupted{
    "MunmapOfThreads",
    clements + "xv6-shared.raw, mode=local (rv-xv6-shared-local-munmap): the same in one address space, all cores "
               "interrupted",
    "cycles per munmap",
    {{1, 1739}, {10, 31385}, {20, 74165}, {30, 126351}, {40, 194603}, {50, 285934}, {60, 381609}, {70, 531314},
     {80, 586891}},
    {1},
    on_ben("threads"),
    [](int, const PointResult& r) { return mean_cycles(r, "munmap", 2.4); },
    0.3};

const PublishedSeries collapse{
    "LinuxOfThreads",
    clements + "linux.raw, mode=local (rv-linux-local-tput): the same on Linux 3.5.7.2",
    "pages touched per second",
    {{1, 304576}, {10, 5739}, {20, 3744}, {30, 3553}, {40, 3537}, {50, 3427}, {60, 3481}, {70, 3349}, {80, 3319}},
    {1},
    on_ben("threads"),
    [](int, const PointResult& r) { return per_second(r, "demand_fault"); },
    0.3};

const PublishedSeries read_only{
    "MprotectWithOneResponder",
    amit + "na22-ro, na22-rw: mprotect of one page, read-only and back, with no and with one other thread",
    "cycles per mprotect",
    {{1, 2514}, {2, 4665}},
    {1},
    {"machine.base=xeon-e7-8895-4s", "kernel.base=5.10", "kernel.tlb_flush=eager", "scenario.name=mprotect",
     "scenario.pages=1", "scenario.think=100 ns", "run.warmup=100 us", "run.duration=3 ms"},
    [](int, const PointResult& r) { return mean_cycles(r, "mprotect", 2.6); },
    0.3};

class Shootdowns : public testing::TestWithParam<PublishedSeries> {};

TEST_P(Shootdowns, GrowAsMeasured) {
  const PublishedSeries& series = GetParam();
  const Comparison result = compare(series);
  EXPECT_LE(result.median, series.no_worse_than);
}

INSTANTIATE_TEST_SUITE_P(Series, Shootdowns, testing::Values(alone, interrupted, collapse, read_only),
                         [](const auto& info) { return info.param.name; });

} // namespace
} // namespace mmsim

// How do reverse maps and reclaim scale: with sharers, with pressure, beyond memory?

#include "tests/support/points.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::reclaim_law_test {
namespace {

const OperationResult& operation(const PointResult& result, const std::string& name) {
  for (const OperationResult& one : result.operations)
    if (one.name == name) return one;
  throw std::logic_error("no operation " + name);
}
double mean_ns(const PointResult& result, const std::string& name) {
  const OperationResult& one = operation(result, name);
  return static_cast<double>(one.latency.sum().count()) * 1e-3 / static_cast<double>(one.latency.count());
}
double count(const PointResult& result, Counter counter) {
  return static_cast<double>(result.counters[counter]);
}

// A machine of some 4000 free pages and fast swap: rounds are short. The window holds several of the tenths of a second
// that 2.6.24 waits for congestion.
PointResult pressed(const std::vector<std::string>& settings) {
  const PointResult result =
      point(std::vector<std::string>{"machine.base=neoverse-n1-80", "kernel.base=2.6.24",
                                     "kernel.image=4 MiB", "machine.memory=20 MiB",
                                     "machine.swap.size=256 MiB", "machine.swap.latency=20 us",
                                     "scenario.name=reclaim", "scenario.fresh=0", "scenario.think=2 us",
                                     "scenario.oversubscribe=2", "run.warmup=100 ms", "run.duration=200 ms"} +
            settings);
  EXPECT_EQ(result.status, PointStatus::done) << result.message;
  return result;
}
std::string map(const char* generation) { return std::string("kernel.rmap=") + generation; }

// What one more page costs a fork: the slope between processes of few and of many pages.
double fork_per_page(const char* generation) {
  const auto mean = [&](int pages) {
    const PointResult result =
        point({"machine.base=neoverse-n1-80", "kernel.base=2.6.24", map(generation), "scenario.name=fork",
               "scenario.vmas=1", "scenario.pages=" + std::to_string(pages), "run.duration=5 ms"});
    EXPECT_EQ(result.status, PointStatus::done) << result.message;
    return mean_ns(result, "fork");
  };
  return (mean(1024) - mean(256)) / (1024 - 256);
}

TEST(Fork, PaysForEachPageInAPteChainAndForNoneInAMapByObjects) {
  const double scan = fork_per_page("scan"), list = fork_per_page("anon_vma"),
               chains = fork_per_page("pte_chain");
  EXPECT_NEAR(list, scan, 0.02 * scan);
  EXPECT_NEAR(fork_per_page("anon_vma_chain"), list, 0.02 * list);
  // On a core that has the pages' lines at hand an entry of the chain is the lock bit and a store; only the first fork of
  // a page takes a block as well. (Exits pay again, which this is not about.)
  EXPECT_GT(chains, 1.1 * list);
}

// Areas that are looked at for each page that is unmapped, whichever of `sharers` relatives it is a copy of. By rmap_tree,
// where each page is one walk: what reclaim scans, and how often it asks who has used a page, depends on the rest.
double visits_per_page(const char* generation, int sharers) {
  const PointResult result =
      point({"machine.base=neoverse-n1-80", "kernel.base=2.6.24", map(generation), "machine.swap.size=64 MiB",
             "scenario.name=rmap_tree", "scenario.written=own", "scenario.pages=16",
             "scenario.children=" + std::to_string(sharers - 1), "run.duration=20 ms"});
  EXPECT_EQ(result.status, PointStatus::done) << result.message;
  EXPECT_GT(count(result, Counter::rmap_unmapped), 1000);
  return count(result, Counter::rmap_visits) / count(result, Counter::rmap_unmapped);
}

TEST(ListOfAFamily, IsWalkedHalfForAPageThatOneProcessHas) {
  for (const int sharers : {2, 8, 32}) {
    const double half = 0.5 * (sharers + 1); // the last round may be cut
    EXPECT_NEAR(visits_per_page("anon_vma", sharers), half, 0.05 * half);
  }
}
TEST(AnonVmaOfAProcess, LeadsToItsPagesWhateverTheFamily) {
  for (const int sharers : {2, 32})
    EXPECT_NEAR(visits_per_page("anon_vma_chain", sharers), 1, 0.05);
}

// Mappings that had to go for each page that went.
double unmapped_per_page(const char* generation, int sharers) {
  const PointResult result = pressed(
      {map(generation), "run.cpus=4", "scenario.processes=8", "scenario.sharers=" + std::to_string(sharers)});
  EXPECT_GT(count(result, Counter::pgsteal), 100);
  return count(result, Counter::rmap_unmapped) / count(result, Counter::pgsteal);
}

TEST(Scan, TakesASharedPageOnlyAfterItsLastMapping) {
  const double alone = unmapped_per_page("scan", 1), shared = unmapped_per_page("scan", 8);
  EXPECT_GT(alone, 0.9);
  EXPECT_GT(shared, 3 * alone) << "every sharer that has the page mapped is met first";
  EXPECT_GE(shared, unmapped_per_page("anon_vma", 8)) << "and some have it again before the last is met";
}

// One process a CPU, each page written: what reclaim has to do follows from how fast they go round.
PointResult flowing(const std::string& think, int cpus) {
  return pressed({"kernel.base=5.10", "run.duration=20 ms", "kernel.rmap=anon_vma_chain",
                  "scenario.think=" + think, "scenario.write=1", "run.cpus=" + std::to_string(cpus)});
}

TEST(Kswapd, KeepsUpAloneWithASlowFlow) {
  const PointResult slow = flowing("200 us", 2);
  EXPECT_GT(count(slow, Counter::kswapd_steal), 0);
  EXPECT_EQ(count(slow, Counter::direct_reclaim), 0);
  EXPECT_EQ(operation(slow, "reclaim").completed, 0u);
}

TEST(DirectReclaim, SetsInWhereTheFlowIsFasterThanKswapdAndIsSeenInFaults) {
  const PointResult slow = flowing("200 us", 2), fast = flowing("0 ns", 2);
  EXPECT_EQ(count(slow, Counter::direct_reclaim), 0);
  EXPECT_GT(count(fast, Counter::direct_reclaim), 0);
  EXPECT_GT(operation(fast, "reclaim").completed, 0u);
  // It is a part of its fault: a few faults are longer by it than nearly all the others, which have none inside.
  const Histogram& faults = operation(fast, "swap_in").latency;
  EXPECT_GT(mean_ns(fast, "reclaim"), 3e-3 * static_cast<double>(faults.percentile(90).count()));
  EXPECT_GE(static_cast<double>(faults.max().count()) * 1e-3, mean_ns(fast, "reclaim"));
}

// Accesses that got through, a second: each looked in the TLB, those that faulted once more.
double accesses(const PointResult& result) {
  return (count(result, Counter::tlb_hit) + count(result, Counter::tlb_miss) -
          count(result, Counter::pgfault)) /
         (static_cast<double>(result.measured.count()) * 1e-12);
}

// What is counted as an operation changes no simulated instant.
TEST(Touches, AreCountedWhetherTheyFaultOrNot) {
  const std::vector<std::string> settings{"run.cpus=2", "scenario.pattern=random",
                                          "scenario.oversubscribe=1.2"};
  const PointResult faults = pressed(settings),
                    touches = pressed(settings + std::vector<std::string>{"scenario.count=touches"});
  EXPECT_NEAR(count(touches, Counter::pgfault), count(faults, Counter::pgfault), 2);
  const double seconds = static_cast<double>(touches.measured.count()) * 1e-12;
  EXPECT_NEAR(static_cast<double>(operation(touches, "touch").completed), accesses(touches) * seconds,
              4); // those of two CPUs that the window cuts
  EXPECT_GT(operation(touches, "touch").completed, operation(faults, "swap_in").completed);
}

TEST(Thrashing, BeginsWhereTheWorkingSetsNoLongerFit) {
  const auto touching = [](const char* times, const char* duration) {
    return accesses(
        pressed({"kernel.swap_token=none", "run.cpus=4", "scenario.pattern=random",
                 std::string("run.duration=") + duration, std::string("scenario.oversubscribe=") + times}));
  };
  const double fits = touching("0.6", "20 ms"), nearly = touching("0.8", "20 ms"),
               thrashes = touching("1.6", "200 ms");
  EXPECT_GT(nearly, 0.5 * fits);
  EXPECT_LT(thrashes, 0.1 * fits);
}

// On a slow device four processes, none of which fits beside the others, each wait 5 ms for nearly every access; the
// one that reclaim spares has its pages after some time, and then goes on as fast as it thinks. So the accesses that get
// through with a token are its holder's, but for as many as there are without. (Windows of a few seconds, as the
// token has to be earned by faults, and 2.6.24 waits tenths of a second for congestion.)
TEST(SwapToken, LetsOneProcessRunWhileTheOthersThrash) {
  const auto touching = [](const char* token) {
    return accesses(pressed({std::string("kernel.swap_token=") + token, "machine.memory=24 MiB",
                             "machine.swap.latency=5 ms", "run.cpus=4", "scenario.pattern=random",
                             "scenario.oversubscribe=1.6", "run.warmup=500 ms", "run.duration=8 s"}));
  };
  EXPECT_GT(touching("priority"), 5 * touching("none"));
}

} // namespace
} // namespace mmsim::tests::reclaim_law_test

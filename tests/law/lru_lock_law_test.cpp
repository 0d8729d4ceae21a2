// How lru_lock scales: it is taken once a pagevec, and waited for the more the more CPUs fault and the
// shorter the pagevecs are.

#include "tests/support/kernel_world.hpp"

#include <gtest/gtest.h>
#include <utility>

namespace mmsim::tests::lru_lock_law_test {
namespace {

using namespace literals;

// Nothing but the LRU to meet at: memory is fast, per-CPU lists are long.
const Settings lru_alone = {{"machine.page.zero", "10 ns"},
                            {"machine.dram.bandwidth", "10000 GiB/s"},
                            {"machine.memory", "1 GiB"},
                            {"kernel.pcp_batch", std::int64_t{2000}},
                            {"kernel.pcp_high", std::int64_t{100'000}}};

struct Met {
  std::uint64_t taken, contended;
  Duration wait;
};
// A process on each CPU faults `pages` pages in, in its own rhythm; what lru_lock saw of it. `unmapped`: also
// of the munmap.
Met faults_on(std::uint32_t cpus, std::uint64_t pages, const Settings& settings, bool unmapped = false) {
  const std::vector<std::int64_t> seen = in_child([&] {
    KernelWorld w(cpus, lru_alone + settings);
    Counters::Snapshot at_the_end;
    std::uint32_t running = cpus;
    std::vector<std::unique_ptr<Completion>> ends;
    for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) {
      ends.push_back(std::make_unique<Completion>("all faults"));
      spawn_process_at_boot(w.system, "process", CoreId(cpu), [&, cpu](Task& task) {
        const PageNumber area = mmap(w.system, task, pages);
        RandomStream thinks(1, "think " + std::to_string(cpu)); // or all would follow each other in step
        for (std::uint64_t i = 0; i < pages; ++i) {
          run_user(w.system, task, thinks.exponential(200_ns));
          touch(w.system, task, area + i, AccessKind::write);
        }
        if (unmapped) munmap(w.system, task, area, pages);
        if (--running == 0) {
          at_the_end = w.counters.snapshot();
          for (auto& end : ends)
            end->complete(w.system, task.core());
        }
        ends[cpu]->wait(w.system, task);
        exit_task(w.system, task);
      }).bound = true;
    }
    w.engine.run();
    w.system.check_invariants();
    const LockClassStats lru = at_the_end.lock_class("lru_lock");
    return std::vector<std::int64_t>{static_cast<std::int64_t>(lru.acquired),
                                     static_cast<std::int64_t>(lru.contended), lru.wait.count()};
  });
  return {static_cast<std::uint64_t>(seen.at(0)), static_cast<std::uint64_t>(seen.at(1)),
          Duration(seen.at(2))};
}

Settings pagevec_of(std::int64_t size) { return {{"kernel.pagevec_size", size}}; }

TEST(LruLock, IsTakenOnceAPagevecWhoeverFaults) {
  constexpr std::uint64_t pages = 15 * 14 * 2;
  for (const std::uint32_t cpus : {1u, 4u, 8u})
    for (const std::int64_t size : {1, 14, 15})
      EXPECT_EQ(faults_on(cpus, pages, pagevec_of(size)).taken,
                cpus * pages / static_cast<std::uint64_t>(size))
          << cpus << " CPUs, pagevecs of " << size;
}

// With as many pages leaving: 2.6.24 takes it for each 14 of them, 5.10 for 8, then for each 32.
TEST(LruLock, IsTakenMoreOftenFor2_6_24sMunmaps) {
  constexpr std::uint64_t pages = 15 * 14 * 2; // pagevecs are empty when munmap begins
  const Settings old = {{"kernel.lru", "zone"},
                        {"kernel.pagevec_size", std::int64_t{14}},
                        {"kernel.gather_bundle", std::int64_t{506}},
                        {"kernel.gather_batch", std::int64_t{506}}};
  for (const std::uint32_t cpus : {1u, 4u}) {
    EXPECT_EQ(faults_on(cpus, pages, old, true).taken, cpus * (pages / 14 + pages / 14));
    EXPECT_EQ(faults_on(cpus, pages, pagevec_of(15), true).taken,
              cpus * (pages / 15 + 1 + (pages - 8 + 31) / 32));
  }
}

TEST(LruLock, IsWaitedForTheMoreTheMoreCpusFault) {
  for (const char* spinlock : {"tas", "ticket", "queued"}) {
    Duration before{};
    for (const std::uint32_t cpus : {2u, 4u, 8u, 16u}) {
      const Met met =
          faults_on(cpus, 600, pagevec_of(1) + Settings{{"kernel.spinlock", std::string(spinlock)}});
      const Duration a_page = met.wait / static_cast<std::int64_t>(cpus * 600);
      EXPECT_GT(a_page, before) << spinlock << ", " << cpus << " CPUs";
      before = a_page;
    }
  }
}

// What taking the lock costs is shared by a pagevec, but what its pages cost under the lock is not: from 15
// to 31 there is hardly anything left to gain in waiting (fewer meet, each waits longer), so 31 is held
// against 7.
TEST(LruLock, IsWaitedForTheLessTheLongerThePagevecs) {
  for (const std::uint32_t cpus : {8u, 16u}) {
    Duration before = Duration::max(), before_that = Duration::max();
    std::uint64_t contended = UINT64_MAX;
    for (const std::int64_t size : {1, 3, 7, 15, 31}) {
      const Met met = faults_on(cpus, 5 * 3 * 7 * 31, pagevec_of(size));
      EXPECT_LT(met.wait, size < 31 ? before : before_that) << cpus << " CPUs, pagevecs of " << size;
      EXPECT_LT(met.contended, contended) << cpus << " CPUs, pagevecs of " << size;
      before_that = std::exchange(before, met.wait);
      contended = met.contended;
    }
  }
}

// Two sockets, two locks: those of one do not meet those of the other.
TEST(LruLock, IsOneANode) {
  const auto sockets = [](std::int64_t n) {
    return pagevec_of(1) + Settings{{"machine.sockets", n},
                                    {"machine.dies_per_socket", std::int64_t{1}},
                                    {"machine.cores_per_cluster", 16 / n}};
  };
  // 400 pages: with more the locks come near saturation, where a small difference in how often one is asked
  // for becomes a large one in how long it is waited for (two sockets wait 6 % longer than twice the half at
  // 400, 17 % at 600).
  const Met one = faults_on(16, 400, sockets(1)), two = faults_on(16, 400, sockets(2)),
            half = faults_on(8, 400, pagevec_of(1));
  EXPECT_LT(two.wait, one.wait);
  EXPECT_NEAR(static_cast<double>(two.wait.count()), 2.0 * static_cast<double>(half.wait.count()),
              0.1 * static_cast<double>(two.wait.count()));
}

} // namespace
} // namespace mmsim::tests::lru_lock_law_test

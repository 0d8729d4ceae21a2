// How does counting promised memory scale?

#include "tests/support/kernel_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::overcommit_law_test {
namespace {

/// Processes, one a core, map and unmap 64 pages again and again, 200 times each: how often the counter's lock was
/// taken and contended, and the waits in ns, all over mmaps and munmaps, in thousandths.
struct Waits {
  std::int64_t acquired, contended, wait;
};
Waits mapping(std::uint32_t cpus, std::int64_t policy) {
  const std::vector<std::int64_t> numbers = in_child([&] {
    constexpr int rounds = 200;
    constexpr std::uint64_t pages = 64;
    KernelWorld w(cpus, {{"kernel.overcommit_memory", policy}, {"machine.memory", "256 MiB"}});
    for (std::uint32_t cpu = 0; cpu < cpus; ++cpu)
      spawn_process_at_boot(w.system, "mapper", CoreId(cpu), [&](Task& task) {
        for (int i = 0; i < rounds; ++i)
          if (const PageNumber area = mmap(w.system, task, pages); area != map_failed)
            munmap(w.system, task, area, pages);
        exit_task(w.system, task);
      });
    w.engine.run();
    w.system.check_invariants();
    const LockClassStats lock = w.counters.snapshot().lock_class("vm_committed_as");
    const std::int64_t calls = 2 * rounds * std::int64_t{cpus};
    return std::vector{1000 * static_cast<std::int64_t>(lock.acquired) / calls,
                       1000 * static_cast<std::int64_t>(lock.contended) / calls,
                       1000 * (lock.wait / std::chrono::nanoseconds(1)) / calls};
  });
  return {numbers.at(0), numbers.at(1), numbers.at(2)};
}

TEST(VmCommittedAs, IsALockThatAllCoresWaitForWhereTheLimitMustHold) {
  const Waits two = mapping(2, 2), eight = mapping(8, 2), thirty_two = mapping(32, 2);
  EXPECT_EQ(mapping(1, 2).contended, 0);
  EXPECT_EQ(thirty_two.acquired, 1000) << "every call: 64 pages are a batch of 2 * 32";
  EXPECT_GT(eight.wait, 2 * two.wait);
  EXPECT_GT(thirty_two.wait, 3 * eight.wait);
  EXPECT_GT(thirty_two.contended, 900);
}

TEST(VmCommittedAs, IsNobodysBottleneckWhereTheBatchIsAQuarterOfACpusMemory) {
  for (const std::uint32_t cpus : {2u, 32u}) {
    const Waits guess = mapping(cpus, 0);
    EXPECT_EQ(guess.acquired, 0) << cpus << " CPUs";
  }
}

} // namespace
} // namespace mmsim::tests::overcommit_law_test

// Does a kernel promise exactly what its version's rule allows, and does promising cost what its steps cost?

#include "tests/support/kernel_world.hpp"
#include "tests/support/line_costs.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::overcommit_test {
namespace {

const Settings never_5_10 = {{"kernel.overcommit_memory", std::int64_t{2}}};
const Settings never_2_6_24 = never_5_10 + Settings{{"kernel.overcommit_reserve", "share"},
                                                    {"kernel.vm_committed_as", "committed_space"},
                                                    {"kernel.overcommit_guess", "free_pages"}};
const Settings guess_2_6_24 = {{"kernel.overcommit_guess", "free_pages"},
                               {"kernel.vm_committed_as", "committed_space"}};

class Overcommitted {
 public:
  explicit Overcommitted(const Settings& settings, std::uint32_t cpus = 1) : w(cpus, settings) {}
  void run(const std::function<void(Task&)>& body) {
    spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
      body(task);
      exit_task(w.system, task);
    });
    w.engine.run();
    w.system.check_invariants();
    EXPECT_EQ(w.system.overcommit.committed().exact_now(), 0);
  }
  bool maps(Task& task, std::int64_t pages) {
    return mmap(w.system, task, static_cast<std::uint64_t>(pages)) != map_failed;
  }
  Duration cost(Task& task, std::int64_t pages) {
    task.core().settle();
    const Instant start = task.now();
    w.system.overcommit.vm_unacct_memory(task.core(), static_cast<std::uint64_t>(-pages));
    task.core().settle();
    return task.now() - start;
  }
  std::int64_t ram() const { return static_cast<std::int64_t>(w.system.pages.managed_frames()); }
  KernelWorld w;
};

TEST(OvercommitGuess, RefusesIn5_10OnlyWhatIsMoreThanAllMemory) {
  Overcommitted o({});
  o.run([&](Task& task) {
    EXPECT_FALSE(o.maps(task, o.ram() + 1));
    EXPECT_TRUE(o.maps(task, o.ram()));
    EXPECT_TRUE(o.maps(task, o.ram())) << "each request is looked at alone";
  });
}

TEST(OvercommitGuess, RefusesIn2_6_24WhatTheFreePagesLessThreePercentDoNotExceed) {
  Overcommitted o(guess_2_6_24);
  o.run([&](Task& task) {
    const PageAllocator& pages = o.w.system.pages;
    const auto free = static_cast<std::int64_t>(pages.free_frames() - pages.limits().totalreserve_pages);
    const std::int64_t most = free - free / 32 - 1;
    EXPECT_FALSE(o.maps(task, most + 1));
    EXPECT_TRUE(o.maps(task, most));
  });
}

TEST(OvercommitAlways, RefusesNothing) {
  Overcommitted o({{"kernel.overcommit_memory", std::int64_t{1}}});
  o.run([&](Task& task) { EXPECT_TRUE(o.maps(task, 100 * o.ram())); });
}

// The CPU keeps less than a batch for itself, which the limit does not see.
TEST(OvercommitNever, Allows5_10TheLimitLessTheReservesAndABatch) {
  Overcommitted o(never_5_10);
  o.run([&](Task& task) {
    const std::int64_t limit = o.ram() / 2 - o.ram() / 32; // an empty process: nothing is kept from it
    EXPECT_EQ(o.w.system.overcommit.committed().batch(), o.ram() / 256);
    EXPECT_FALSE(o.maps(task, limit));
    EXPECT_TRUE(o.maps(task, limit - 1));
    EXPECT_FALSE(o.maps(task, o.ram() / 256)) << "a batch goes to the global count at once";
    EXPECT_FALSE(o.maps(task, 1)) << "the process is big by now, and something is kept from it";
  });
}

TEST(OvercommitNever, KeepsIn2_6_24AThirtySecondOfTheLimitAndOfTheProcess) {
  Overcommitted o(never_2_6_24 + Settings{{"kernel.overcommit_ratio", std::int64_t{80}}});
  o.run([&](Task& task) {
    const std::int64_t limit = o.ram() * 80 / 100, allowed = limit - limit / 32;
    EXPECT_TRUE(o.maps(task, 3200));
    const std::int64_t now_allowed = allowed - 3200 / 32;
    EXPECT_FALSE(o.maps(task, now_allowed - 3200));
    EXPECT_TRUE(o.maps(task, now_allowed - 3200 - 1));
  });
}

TEST(OvercommitBatch, IsAQuarterOfACpusShareOfMemoryUnlessTheLimitMustHold) {
  const auto batch = [](const Settings& settings, std::uint32_t cpus) {
    return in_child([&] {
      Overcommitted o(settings, cpus);
      return std::vector{o.ram(), o.w.system.overcommit.committed().batch()};
    });
  };
  for (const std::uint32_t cpus : {1u, 4u, 48u}) {
    const auto guess = batch({}, cpus), never = batch(never_5_10, cpus);
    EXPECT_EQ(guess[1], std::max<std::int64_t>({2 * cpus, 32, guess[0] / cpus / 4}));
    EXPECT_EQ(never[1], std::max<std::int64_t>({2 * cpus, 32, never[0] / cpus / 256}));
  }
  EXPECT_EQ(batch(guess_2_6_24, 4)[1], 16);
  EXPECT_EQ(batch(guess_2_6_24, 48)[1], 96) << "no kernel runs on more than it was compiled for";
  EXPECT_EQ(batch(guess_2_6_24 + Settings{{"kernel.nr_cpus", std::int64_t{32}}}, 4)[1], 64);
}

TEST(VmAcctMemory, In5_10CostsALookAndAnAtomicAdditionAndEveryBatchTheLockTheCountAndTheCpusPart) {
  Overcommitted o(never_5_10);
  const ClusterLineCosts c(o.w.system.machine);
  const std::int64_t batch = o.ram() / 256;
  o.run([&](Task& task) {
    o.cost(task, batch - 1);
    o.cost(task, 1); // over: all lines are here now
    const Duration rmw = c.hit + c.atomic;
    EXPECT_EQ(o.cost(task, batch - 1), c.hit + rmw);
    EXPECT_EQ(o.cost(task, 1), c.hit + rmw + c.hit + c.hit + c.hit) << "lock, count, part, unlock";
    o.cost(task, -2 * batch);
  });
}

TEST(VmAcctMemory, In2_6_24CostsNothingAndOverTheThresholdOneAtomicAddition) {
  Overcommitted o(guess_2_6_24);
  const ClusterLineCosts c(o.w.system.machine);
  o.run([&](Task& task) {
    o.cost(task, 17);
    EXPECT_EQ(o.cost(task, 16), Duration{}) << "ACCT_THRESHOLD itself stays";
    EXPECT_EQ(o.cost(task, 1), c.hit + c.atomic);
    o.cost(task, -34);
  });
}

} // namespace
} // namespace mmsim::tests::overcommit_test

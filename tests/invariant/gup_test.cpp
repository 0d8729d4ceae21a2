// Random pinning, writing, forking and unmapping: what is pinned for writing stays the process's page,
// nothing is freed under a pin, and nothing is left in the end.
#include "models/operations/gup.hpp"
#include "tests/support/kernel_world.hpp"

#include <gtest/gtest.h>
#include <tuple>

namespace mmsim::tests::gup_test {
namespace {

using namespace literals;

class RandomPinning : public testing::TestWithParam<std::tuple<const char*, int>> {};

TEST_P(RandomPinning, KeepsPinnedPagesInPlaceThroughForksAndWrites) {
  const auto [quantum, number] = GetParam();
  const auto seed = static_cast<std::uint64_t>(number);
  constexpr std::uint32_t cpus = 4;
  constexpr std::uint64_t pages = 300;
  KernelWorld w(cpus,
                {{"run.quantum", std::string(quantum)},
                 {"kernel.hz", std::int64_t{1000}},
                 {"kernel.tlb_flush", std::string(number % 2 == 0 ? "eager" : "lazy")}},
                Engine::Options{true, number % 2 == 0 ? seed : 0}, seed);
  System& system = w.system;
  PageNumber region{};
  int set_up = 0, moved = 0, finished = 0;
  const auto pinner = [&](Task& task, RandomStream& random) {
    std::vector<FrameNumber> pinned;
    for (int round = 0; round < 600; ++round) {
      const std::uint64_t first = random.below(pages), count = 1 + random.below(pages - first);
      const AccessKind kind = random.below(3) != 0 ? AccessKind::read : AccessKind::write;
      pin_user_pages_fast(system, task, region + first, count, kind, pinned);
      ASSERT_EQ(pinned.size(), count);
      for (int step = 0; step < 3; ++step) {
        run_user(system, task, random.exponential(1_us));
        touch(system, task, region + random.below(pages), AccessKind::write);
      }
      for (std::uint64_t i = 0; i < count; ++i) {
        EXPECT_GE(system.pages[pinned[i]].refcount, gup_pin_counting_bias);
        if (kind == AccessKind::write)
          moved += task.mm->tables.find(region + first + i)->frame() != pinned[i];
      }
      unpin_user_pages(system, task.core(), pinned);
      // An area of its own that goes while it is pinned: the pages outlive it.
      if (random.below(8) == 0) {
        const PageNumber area = mmap(system, task, 4);
        pin_user_pages_fast(system, task, area, 4, AccessKind::write, pinned);
        munmap(system, task, area, 4);
        for (const FrameNumber frame : pinned)
          EXPECT_EQ(system.pages[frame].refcount, gup_pin_counting_bias);
        unpin_user_pages(system, task.core(), pinned);
      }
    }
  };
  Task& first = spawn_process_at_boot(system, "forker", CoreId(0), [&](Task& task) {
    RandomStream random(seed, "forker");
    region = mmap(system, task, pages);
    set_up = 1;
    for (int round = 0; finished < static_cast<int>(cpus) - 1; ++round) {
      run_user(system, task, random.exponential(round % 20 < 10 ? 20_us : 1_us));
      touch(system, task, region + random.below(pages), AccessKind::write);
      Completion exited("the child's exit");
      fork(system, task, CoreId(0), [&](Task& child) {
        touch(system, child, region + random.below(pages), AccessKind::write);
        exit_task(system, child);
        exited.complete(system, child.core());
      });
      exited.wait(system, task);
    }
    exit_task(system, task);
  });
  first.bound = true;
  for (std::uint32_t i = 1; i < cpus; ++i)
    spawn_thread_at_boot(system, "pinner", *first.mm, CoreId(i), [&, i](Task& task) {
      RandomStream random(seed, "pinner " + std::to_string(i));
      while (set_up == 0)
        run_user(system, task, 1_us);
      pinner(task, random);
      ++finished;
      exit_task(system, task);
    }).bound = true;
  w.engine.run();
  system.check_invariants();
  EXPECT_EQ(moved, 0) << "a page that was pinned for writing is no longer the process's";
  EXPECT_GT(w.count(Counter::gup_fast), 100u);
  EXPECT_GT(w.count(Counter::gup_slow), 100u);
  EXPECT_GT(w.count(Counter::seq_retry), 3u) << "hardly any fork began while pages were being pinned";
}

INSTANTIATE_TEST_SUITE_P(Quanta, RandomPinning,
                         testing::Combine(testing::Values("1 us", "1 ps"), testing::Range(1, 5)),
                         [](const auto& info) {
                           return std::string(*std::get<0>(info.param) == '1' &&
                                                      std::get<0>(info.param)[2] == 'u'
                                                  ? "bulk"
                                                  : "steps") +
                                  "_" + std::to_string(std::get<1>(info.param));
                         });

// The writer of a seqcount waits for no reader: all that pinners who meet a fork do is to get out of its way.
TEST(Gup, MakesNoForkWaitThatItMeetsOnTheFastWay) {
  KernelWorld w(4);
  System& system = w.system;
  constexpr std::uint64_t pages = 64;
  PageNumber region{};
  bool set_up = false, over = false;
  Duration waited{};
  Task& forker = spawn_process_at_boot(system, "forker", CoreId(0), [&](Task& task) {
    region = mmap(system, task, pages);
    for (std::uint64_t i = 0; i < pages; ++i)
      touch(system, task, region + i, AccessKind::write);
    set_up = true;
    run_user(system, task, 100_us);
    const auto waits = [&] {
      return task.ledger.total(Account::lock_spin) + task.ledger.total(Account::lock_sleep);
    };
    task.core().settle();
    const Duration before = waits();
    EXPECT_EQ(w.count(Counter::gup_slow), 0u);
    Completion exited("the child's exit");
    fork(system, task, CoreId(0), [&](Task& child) {
      exit_task(system, child);
      exited.complete(system, child.core());
    })->bound = true;
    task.core().settle();
    waited = waits() - before;
    over = true;
    exited.wait(system, task);
    exit_task(system, task);
  });
  forker.bound = true;
  for (std::uint32_t i = 1; i < 4; ++i)
    spawn_thread_at_boot(system, "pinner", *forker.mm, CoreId(i), [&](Task& task) {
      std::vector<FrameNumber> pinned;
      w.spin_in_user_mode(task, set_up);
      while (!over) {
        pin_user_pages_fast(system, task, region, pages, AccessKind::read, pinned);
        unpin_user_pages(system, task.core(), pinned);
      }
      exit_task(system, task);
    }).bound = true;
  w.engine.run();
  system.check_invariants();
  EXPECT_EQ(w.count(Counter::gup_slow), 3u) << "each pinner meets the fork";
  EXPECT_GT(w.count(Counter::gup_fast), 100u);
  EXPECT_EQ(waited, 0_ns);
}

TEST(Gup, APinnedPageIsCopiedForTheChildAsWritableAsItsAreaIs) {
  KernelWorld w(1);
  std::vector<bool> writable;
  spawn_process_at_boot(w.system, "parent", CoreId(0), [&](Task& task) {
    for (const bool area_is_writable : {true, false}) {
      const PageNumber area = mmap(w.system, task, 1);
      touch(w.system, task, area, AccessKind::write); // else it is the zero page that is pinned
      // as mmap(PROT_READ) has it
      task.mm->vmas.find(area)->flags = area_is_writable ? vm_read_write | VM_ACCOUNT : VM_READ | VM_ACCOUNT;
      touch(w.system, task, area, AccessKind::read);
      std::vector<FrameNumber> pinned;
      pin_user_pages_fast(w.system, task, area, 1, AccessKind::read, pinned);
      Completion ended("the child's end");
      fork(w.system, task, CoreId(0), [&](Task& child) {
        const Pte& entry = *child.mm->tables.find(area);
        EXPECT_NE(entry.frame(), pinned[0]);
        writable.push_back(entry.writable());
        exit_task(w.system, child);
        ended.complete(w.system, child.core());
      });
      ended.wait(w.system, task);
      unpin_user_pages(w.system, task.core(), pinned);
    }
    exit_task(w.system, task);
  });
  w.engine.run();
  EXPECT_EQ(writable, (std::vector{true, false}));
}

TEST(Gup, OutsideAllAreasFails) {
  KernelWorld w(1);
  PinPath path = PinPath::fast;
  spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
    std::vector<FrameNumber> pages;
    path = pin_user_pages_fast(w.system, task, PageNumber(4096), 1, AccessKind::read, pages);
    exit_task(w.system, task);
  });
  w.engine.run();
  EXPECT_EQ(path, PinPath::failed);
}

} // namespace
} // namespace mmsim::tests::gup_test

// Does a process that accesses what it must not die alone, and does a fault that finds no memory unwind?

#include "tests/support/file_area.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::segfault_test {
namespace {

constexpr PageNumber area{0x10000};

class BadAccess : public testing::TestWithParam<KernelVersion> {};
INSTANTIATE_TEST_SUITE_P(Versions, BadAccess, testing::ValuesIn(versions),
                         [](const auto& info) { return info.param.name; });

struct Mistake {
  AreaOf mapped;
  PageNumber page;
  AccessKind kind;
};

TEST_P(BadAccess, KillsItsProcessAndNobodyElse) {
  for (const Mistake& mistake : {Mistake{{area, 2}, area + 2, AccessKind::read},       // outside
                                 Mistake{{area, 2, VM_READ}, area, AccessKind::write}, // read-only
                                 Mistake{{area, 2, 0}, area + 1, AccessKind::read}}) { // PROT_NONE
    const std::vector<std::int64_t> result = in_child([&] {
      KernelWorld w(4, GetParam().settings);
      int survivors = 0, killed = 0;
      w.system.task_killed = [&](Task&) { ++killed; };
      bool mapped = false;
      MmStruct* mm = spawn_process_at_boot(w.system, "culprit", CoreId(0), [&](Task& task) {
                       map_area(w.system, task, mistake.mapped);
                       mapped = true;
                       touch(w.system, task, mistake.page, mistake.kind);
                       ++survivors;
                     }).mm;
      spawn_thread_at_boot(w.system, "its other thread", *mm, CoreId(1), [&](Task& task) {
        w.spin_in_user_mode(task, mapped);
        const bool never = false;
        w.spin_in_user_mode(task, never);
      });
      spawn_process_at_boot(w.system, "bystander", CoreId(2), [&](Task& task) {
        for (int i = 0; i < 20; ++i) {
          const PageNumber page = mmap(w.system, task, 3);
          touch_all(w.system, task, page, 3, AccessKind::write);
          munmap(w.system, task, page, 3);
        }
        ++survivors;
        exit_task(w.system, task);
      });
      w.engine.run();
      w.system.check_invariants();
      return std::vector<std::int64_t>{survivors, killed,
                                       static_cast<std::int64_t>(w.count(Counter::segfault))};
    });
    EXPECT_EQ(result, (std::vector<std::int64_t>{1, 2, 1}));
  }
}

TEST_P(BadAccess, BehindTheEndOfAFileKillsToo) {
  KernelWorld w(1, GetParam().settings);
  File& file = w.system.page_cache.create("data", 3, InMemory::yes);
  bool survived = false;
  spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
    map_area(w.system, task, {area, 8, VM_READ, &file});
    touch_all(w.system, task, area, 3, AccessKind::read);
    touch(w.system, task, area + 3, AccessKind::read);
    survived = true;
  });
  w.engine.run();
  EXPECT_FALSE(survived);
  EXPECT_EQ(w.count(Counter::sigbus), 1u);
  w.system.check_invariants();
}

// Pages of the file can be taken back (tests/invariant/file_random_test.cpp), copies of them cannot without swap.
TEST_P(BadAccess, WithoutMemoryForCopiesOfAFilesPagesUnwinds) {
  KernelWorld w(1, GetParam().settings +
                       Settings{{"machine.memory", "24 MiB"}, {"machine.disk.latency", "1 us"}});
  File& file = w.system.page_cache.create("data", 20'000, InMemory::no);
  bool survived = false;
  spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
    map_area(w.system, task, {area, 20'000, vm_read_write, &file});
    touch_all(w.system, task, area, 20'000, AccessKind::write);
    survived = true;
  });
  w.engine.run();
  w.system.check_invariants();
  EXPECT_FALSE(survived);
  EXPECT_EQ(w.count(Counter::oom_kill), 1u);
}

} // namespace
} // namespace mmsim::tests::segfault_test

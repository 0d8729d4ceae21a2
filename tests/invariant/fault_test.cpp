// Do entries, references, map counts, rss and the counts of pages add up, whatever threads and processes do
// to the same pages of private and shared files and of anonymous memory at once; and does nobody use a stale
// translation?

#include "models/operations/gup.hpp"
#include "sim/engine/random.hpp"
#include "tests/support/file_area.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::fault_test {
namespace {

using namespace literals;

constexpr PageNumber area{0x10000}, anonymous{0x10100}, shared_area{0x10200}, read_only{0x10300},
    stack_top{0x20000};

struct Kind {
  const char* name;
  Settings settings;
};
void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

class RacingFaults : public testing::TestWithParam<std::tuple<KernelVersion, Kind>> {
 protected:
  Settings settings() const {
    return std::get<0>(GetParam()).settings + std::get<1>(GetParam()).settings +
           Settings{{"machine.disk.latency", "5 us"}};
  }
};
INSTANTIATE_TEST_SUITE_P(
    Everywhere, RacingFaults,
    testing::Combine(testing::ValuesIn(versions),
                     testing::Values(Kind{"eager", {}},
                                     Kind{"broadcast", {{"kernel.tlb_flush", "broadcast"}}},
                                     Kind{"software_flags",
                                          {{"machine.mmu.hardware_access_flag", false},
                                           {"machine.mmu.hardware_dirty", false},
                                           {"kernel.tlb_flush", "lazy"}}})),
    [](const auto& info) {
      return std::get<0>(info.param).name + std::string("_") + std::get<1>(info.param).name;
    });

/// A thread's share of a random run: accesses, pages given up, children.
void live(KernelWorld& w, Task& task, RandomStream& random, int steps, int depth) {
  const PageNumber areas[] = {area, anonymous, shared_area, read_only};
  for (int i = 0; i < steps; ++i) {
    const std::uint64_t which = random.below(4);
    const PageNumber page = areas[which] + random.below(40);
    switch (random.below(12)) {
    case 0:
      w.dont_need(task, areas[which] + random.below(30), 10);
      break;
    case 1: {
      std::vector<FrameNumber> pinned;
      if (pin_user_pages_fast(w.system, task, page, 1, AccessKind::read, pinned) != PinPath::failed)
        unpin_user_pages(w.system, task.core(), pinned);
      break;
    }
    case 2:
      if (depth < 2)
        fork(w.system, task, CoreId(static_cast<std::uint32_t>(random.below(4))),
             [&w, seed = random.below(1'000'000), depth](Task& child) {
               RandomStream own(seed, "child");
               live(w, child, own, 25, depth + 1);
               exit_task(w.system, child);
             });
      break;
    default:
      touch(w.system, task, page, which != 3 && random.below(2) == 0 ? AccessKind::write : AccessKind::read);
    }
  }
}

TEST_P(RacingFaults, AddUp) {
  for (std::uint64_t seed = 1; seed <= 2; ++seed)
    in_child([&] {
      KernelWorld w(4, settings(), {}, seed);
      File& cached = w.system.page_cache.create("cached", 40, InMemory::yes);
      File& cold = w.system.page_cache.create("cold", 40, InMemory::no);
      bool mapped = false;
      const auto body = [&, seed](Task& task) {
        RandomStream random(seed, task.name);
        live(w, task, random, 60, 0);
        exit_task(w.system, task);
      };
      Task& first = spawn_process_at_boot(w.system, "thread 0", CoreId(0), [&](Task& task) {
        map_area(w.system, task, {area, 40, vm_read_write, &cached});
        map_area(w.system, task, {anonymous, 40});
        map_area(w.system, task, {shared_area, 40, vm_read_write | VM_SHARED, &cold});
        map_area(w.system, task, {read_only, 40, VM_READ, &cold});
        mapped = true;
        body(task);
      });
      for (std::uint32_t cpu = 1; cpu < 4; ++cpu)
        spawn_thread_at_boot(w.system, "thread " + std::to_string(cpu), *first.mm, CoreId(cpu),
                             [&](Task& task) {
                               w.spin_in_user_mode(task, mapped);
                               body(task);
                             });
      w.engine.run();
      w.system.check_invariants();
      if (w.count(Counter::segfault) != 0) throw std::runtime_error("somebody was killed");
      if (w.count(Counter::pgcow) == 0 || w.system.page_cache.dirty_pages() == 0)
        throw std::runtime_error("nothing was copied or dirtied");
      return std::vector<std::int64_t>{};
    });
}

class Stacks : public testing::TestWithParam<KernelVersion> {};
INSTANTIATE_TEST_SUITE_P(Versions, Stacks, testing::ValuesIn(all_versions),
                         [](const auto& info) { return info.param.name; });

TEST_P(Stacks, GrowOnceForThreadsThatRace) {
  KernelWorld w(4, GetParam().settings);
  bool mapped = false;
  const auto body = [&](Task& task) {
    for (std::uint64_t depth = 1; depth <= 40; ++depth)
      touch(w.system, task, stack_top - (depth + task.pid % 3), AccessKind::write);
    EXPECT_LE(task.mm->vmas.find(stack_top - 1)->begin, stack_top - 40);
    exit_task(w.system, task);
  };
  MmStruct* mm = nullptr;
  mm = spawn_process_at_boot(w.system, "main", CoreId(0), [&](Task& task) {
         map_area(w.system, task, {stack_top - 1, 1, vm_read_write | VM_GROWSDOWN});
         mapped = true;
         body(task);
       }).mm;
  for (std::uint32_t cpu = 1; cpu < 4; ++cpu)
    spawn_thread_at_boot(w.system, "thread", *mm, CoreId(cpu), [&](Task& task) {
      w.spin_in_user_mode(task, mapped);
      body(task);
    });
  w.engine.run();
  w.system.check_invariants();
  EXPECT_EQ(w.count(Counter::segfault), 0u);
}

/// A stack from `begin` up, beside a read-only area below: how a write to `allowed` and then one to `refused`
/// end.
std::vector<std::int64_t> faults_of(const Settings& settings, PageNumber begin, PageNumber allowed,
                                    PageNumber refused) {
  return in_child([&] {
    KernelWorld w(1, settings);
    bool grew = false, survived = false;
    spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
      map_area(w.system, task, {stack_top - 301, 1, VM_READ}); // ends 300 pages below
      map_area(w.system, task, {begin, stack_top - begin, vm_read_write | VM_GROWSDOWN});
      touch(w.system, task, allowed, AccessKind::write);
      grew = true;
      touch(w.system, task, refused, AccessKind::write);
      survived = true;
    });
    w.engine.run();
    w.system.check_invariants();
    return std::vector<std::int64_t>{grew, survived, static_cast<std::int64_t>(w.count(Counter::segfault))};
  });
}

TEST_P(Stacks, KeepTheirGap) {
  const bool gap = GetParam().name != std::string("linux_2_6_24"); // of 256 pages
  const PageNumber lowest = stack_top - (gap ? 44 : 300);
  EXPECT_EQ(faults_of(GetParam().settings, stack_top - 1, lowest, lowest - 1),
            (std::vector<std::int64_t>{1, 0, 1}));
}

TEST_P(Stacks, StopAtTheirLimit) {
  const Settings limit{{"kernel.stack_limit", "64 KiB"}, {"kernel.stack_guard_gap", std::int64_t{0}}};
  EXPECT_EQ(faults_of(GetParam().settings + limit, stack_top - 4, stack_top - 16, stack_top - 17),
            (std::vector<std::int64_t>{1, 0, 1}));
}

TEST_P(Stacks, AreLeftTheirGapByNewAreas) {
  const std::uint64_t gap = GetParam().name != std::string("linux_2_6_24") ? 256 : 0;
  for (const std::uint64_t pages : {1, 40, 300}) {
    const std::vector<std::int64_t> result = in_child([&] {
      KernelWorld w(1, GetParam().settings);
      bool near = false, clear = false;
      spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
        const PageNumber lowest = mmap(w.system, task, pages); // where a search begins
        const bool top_down = w.system.vma_trees.top_down();
        munmap(w.system, task, lowest, pages);
        const PageNumber stack = lowest + (pages - 1);
        map_area(w.system, task, {stack, 1, vm_read_write | VM_GROWSDOWN | VM_ACCOUNT});
        std::ignore = w.system.overcommit.vm_enough_memory(task.core(), *task.mm, 1);
        const PageNumber found = mmap(w.system, task, pages);
        const PageNumber nearest = stack - gap;
        near = !top_down || found == nearest - pages;
        clear = found + pages <= nearest || stack < found;
        touch(w.system, task, stack - 1, AccessKind::write);
        exit_task(w.system, task);
      });
      w.engine.run();
      w.system.check_invariants();
      return std::vector<std::int64_t>{near, clear};
    });
    EXPECT_EQ(result, (std::vector<std::int64_t>{1, 1})) << pages;
  }
}

// A stack that reaches the area below it: one slot of the tree's leaf less, so that a new leaf replaces the old one.
TEST(StacksOnAMapleTree, GrowWithNodesOfTheirOwnWhichGoBackAfterwards) {
  KernelWorld w(1, linux_6_1 + Settings{{"kernel.hz", std::int64_t{1000}},
                                        {"kernel.stack_guard_gap", std::int64_t{0}}});
  System& system = w.system;
  const MapleNodes& nodes = *system.vma_trees.maple_nodes();
  const KmemCache& cache = *system.vma_trees.maple_node_cache();
  spawn_process_at_boot(system, "process", CoreId(0), [&](Task& task) {
    const auto settled = [&] {
      while (system.rcu().queued() > 0)
        run_user(system, task, 100_us);
    };
    map_area(system, task, {stack_top - 4, 1, VM_READ});
    map_area(system, task, {stack_top - 1, 1, vm_read_write | VM_GROWSDOWN});
    touch(system, task, stack_top - 1, AccessKind::write);
    settled();
    EXPECT_EQ(nodes.with_memory(), 0u);                    // the only leaf is of the boot
    touch(system, task, stack_top - 2, AccessKind::write); // in place: nothing is replaced
    EXPECT_EQ(nodes.with_memory(), 0u);
    EXPECT_EQ(cache.in_use(), 0u);
    EXPECT_EQ(system.rcu().queued(), 0u);
    touch(system, task, stack_top - 3, AccessKind::write);
    EXPECT_EQ(nodes.with_memory(), 1u);
    EXPECT_EQ(cache.in_use(), 1u);
    EXPECT_EQ(system.rcu().queued(), 1u); // the old leaf
    settled();
    exit_task(system, task);
  });
  w.engine.run();
  system.check_invariants();
}

class ForkOfFiles : public testing::TestWithParam<KernelVersion> {};
INSTANTIATE_TEST_SUITE_P(Versions, ForkOfFiles, testing::ValuesIn(versions),
                         [](const auto& info) { return info.param.name; });

TEST_P(ForkOfFiles, CopiesWhatCannotBeFaultedInAgain) {
  KernelWorld w(1, GetParam().settings);
  File& file = w.system.page_cache.create("data", 40, InMemory::yes);
  spawn_process_at_boot(w.system, "parent", CoreId(0), [&](Task& task) {
    map_area(w.system, task, {area, 16, vm_read_write, &file});
    map_area(w.system, task, {read_only, 16, VM_READ, &file});
    map_area(w.system, task, {shared_area, 16, vm_read_write | VM_SHARED, &file});
    map_area(w.system, task, {anonymous, 4, vm_read_write | VM_DONTCOPY});
    touch_all(w.system, task, area, 8, AccessKind::write);    // copies: an anon_vma
    touch_all(w.system, task, area + 8, 8, AccessKind::read); // the file's
    touch_all(w.system, task, read_only, 16, AccessKind::read);
    touch_all(w.system, task, shared_area, 16, AccessKind::write);
    touch_all(w.system, task, anonymous, 4, AccessKind::write);
    const auto exited = std::make_shared<Completion>("the child's exit");
    fork(
        w.system, task, CoreId(0),
        [&](Task& child) {
          EXPECT_EQ(child.mm->rss_anon, 8);
          EXPECT_EQ(child.mm->rss_file, 8);
          EXPECT_EQ(child.mm->vmas.size(), 3u);
          EXPECT_EQ(file.areas(), 6u);
          EXPECT_FALSE(child.mm->tables.find(area)->writable());
          touch(w.system, child, shared_area, AccessKind::read);
          exit_task(w.system, child);
        },
        exited);
    EXPECT_TRUE(task.mm->tables.find(shared_area)->writable());
    EXPECT_FALSE(task.mm->tables.find(area)->writable());
    exited->wait(w.system, task);
    exit_task(w.system, task);
  });
  w.engine.run();
  EXPECT_EQ(file.areas(), 0u);
  w.system.check_invariants();
}

} // namespace
} // namespace mmsim::tests::fault_test

// What find_vma() costs by tree and cache, and where mmap() finds room.
#include "models/operations/vma.hpp"
#include "tests/support/kernel_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::vma_test {
namespace {

const Settings maple{{"kernel.vma_tree", "maple"}, {"kernel.vma_cache", "none"}};
const Settings of_2_6_24{{"kernel.vma_cache", "mmap_cache"},
                         {"kernel.vma_gap_search", "free_area_cache"},
                         {"kernel.mmap_layout", "bottom_up"}};

Settings with_cache(const char* cache) { return {{"kernel.vma_cache", cache}}; }

/// One process with areas that do not touch, and its looks at them.
struct Looker {
  explicit Looker(const Settings& settings) : w(1, settings) {}

  /// Maps `count` areas of a page, 512 pages apart, then does `body`.
  void run(int count, const std::function<void(Task&)>& body) {
    spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
      for (int i = 0; i < count; ++i)
        areas.push_back(mmap(w.system, task, 1, 512));
      body(task);
      exit_task(w.system, task);
    });
    w.engine.run();
    w.system.check_invariants();
  }
  Duration look(Task& task, PageNumber page) {
    task.core().settle();
    const Instant start = task.now();
    const Vma* found = find_vma(task, *task.mm, page);
    task.core().settle();
    EXPECT_TRUE(found != nullptr && found->begin == page);
    return task.now() - start;
  }

  KernelWorld w;
  std::vector<PageNumber> areas;
};

TEST(FindVma, InAnRbtreeCostsTheLevelsThatItGoesDown) {
  Looker l(with_cache("none"));
  l.run(3, [&](Task& task) { // top down: the second is the root
    const Duration level = l.w.costs().work.vma_find_level;
    EXPECT_EQ(l.look(task, l.areas[1]), level);
    EXPECT_EQ(l.look(task, l.areas[0]), 2 * level);
    EXPECT_EQ(l.look(task, l.areas[2]), 2 * level);
    EXPECT_EQ(l.look(task, l.areas[2]), 2 * level);
  });
}

TEST(FindVma, InAMapleTreeCostsANodeForSevenAreasAndTwoForMore) {
  for (const int areas : {7, 8})
    EXPECT_EQ(in_child([areas] {
                Looker l(maple);
                l.run(areas, [&](Task& task) {
                  const Duration node = l.w.costs().work.maple_node;
                  // Seven areas and the ranges around them are 15 slots of 16, eight are 17.
                  EXPECT_EQ(l.look(task, l.areas[0]), areas == 7 ? node : 2 * node);
                });
                return std::vector<std::int64_t>{testing::Test::HasFailure()};
              })[0],
              0);
}

TEST(FindVma, WithVmacacheCostsALookAtTheSlotsUntilAnAreaGoes) {
  Looker l(with_cache("vmacache"));
  l.run(3, [&](Task& task) {
    const CostBook& c = l.w.costs();
    EXPECT_EQ(l.look(task, l.areas[0]), c.line.dram + 2 * c.work.vma_find_level); // never looked before
    EXPECT_EQ(l.look(task, l.areas[0]), c.line.hit + c.work.vmacache_find);
    EXPECT_EQ(l.look(task, l.areas[2]), c.line.hit + c.work.vmacache_find + 2 * c.work.vma_find_level);
    EXPECT_EQ(l.look(task, l.areas[2]), c.line.hit + c.work.vmacache_find);
    EXPECT_EQ(l.look(task, l.areas[0]), c.line.hit + c.work.vmacache_find);
    munmap(l.w.system, task, l.areas[1], 1);
    EXPECT_GT(l.look(task, l.areas[0]), c.line.hit + c.work.vmacache_find);
    EXPECT_EQ(l.look(task, l.areas[0]), c.line.hit + c.work.vmacache_find);
  });
}

TEST(FindVma, WithMmapCacheCostsAReadOfItsLineIfTheLastAreaIsAskedForAgain) {
  Looker l(of_2_6_24);
  l.run(3, [&](Task& task) {
    const CostBook& c = l.w.costs();
    EXPECT_EQ(l.look(task, l.areas[0]), c.line.dram + 2 * c.work.vma_find_level + c.line.hit);
    EXPECT_EQ(l.look(task, l.areas[0]), c.line.hit);
    EXPECT_EQ(l.look(task, l.areas[2]), c.line.hit + 2 * c.work.vma_find_level + c.line.hit);
    EXPECT_EQ(l.look(task, l.areas[0]), c.line.hit + 2 * c.work.vma_find_level + c.line.hit);
  });
}

// Two threads look at an area of their own each, in turn.
Duration second_look_of_the_first_thread(const Settings& settings) {
  KernelWorld w(2, settings);
  PageNumber mine{}, others{};
  int turn = 0;
  Duration took{};
  Task& first = spawn_process_at_boot(w.system, "first", CoreId(0), [&](Task& task) {
    mine = mmap(w.system, task, 1, 512);
    others = mmap(w.system, task, 1, 512);
    std::ignore = find_vma(task, *task.mm, mine);
    task.core().settle();
    turn = 1;
    while (turn != 2)
      run_user(w.system, task, std::chrono::nanoseconds(100));
    const Instant start = task.now();
    std::ignore = find_vma(task, *task.mm, mine);
    task.core().settle();
    took = task.now() - start;
    exit_task(w.system, task);
  });
  spawn_thread_at_boot(w.system, "second", *first.mm, CoreId(1), [&](Task& task) {
    while (turn != 1)
      run_user(w.system, task, std::chrono::nanoseconds(100));
    std::ignore = find_vma(task, *task.mm, others);
    task.core().settle();
    turn = 2;
    exit_task(w.system, task);
  });
  w.engine.run();
  return took;
}

TEST(FindVma, OfTwoThreadsTakeMmapCacheFromEachOtherButNotVmacache) {
  const auto took = [](const Settings& settings) {
    return Duration(in_child(
        [&] { return std::vector<std::int64_t>{second_look_of_the_first_thread(settings).count()}; })[0]);
  };
  Configuration defaults;
  const auto c = read_parameters<CostBook>(defaults);
  EXPECT_EQ(took(with_cache("vmacache")), c.line.hit + c.work.vmacache_find);
  EXPECT_GT(took(with_cache("mmap_cache")), c.line.transfer); // read, then written
}

TEST(Mmap, FindsRoomBelowTheStackOrAboveAThirdOfTheAddressSpace) {
  for (const bool top_down : {true, false})
    EXPECT_EQ(in_child([top_down] {
                Looker l(top_down ? Settings{} : of_2_6_24 + Settings{{"kernel.page_table", "armv7_short"}});
                l.run(0, [&](Task& task) {
                  const PageNumber end = task.mm->tables.shape().end();
                  const PageNumber first = mmap(l.w.system, task, 10), second = mmap(l.w.system, task, 4);
                  if (top_down) {
                    EXPECT_EQ(first, end - 32768 - 10);
                    EXPECT_EQ(second, first - 4);
                  } else {
                    // TASK_UNMAPPED_BASE; tables are whole here
                    EXPECT_EQ(first, PageNumber((end.value() / 3 + 511) / 512 * 512));
                    EXPECT_EQ(second, first + 10);
                  }
                  munmap(l.w.system, task, first, 10);
                  EXPECT_EQ(mmap(l.w.system, task, 10), first); // the hole fits
                  EXPECT_EQ(mmap(l.w.system, task, 1, 512).value() % 512, 0u);
                });
                return std::vector<std::int64_t>{testing::Test::HasFailure()};
              })[0],
              0);
}

TEST(MapleTree, ItsNodesHaveMemoryOfASlabCacheAndGoByRcu) {
  Looker l(maple);
  l.run(40, [&](Task& task) {
    const KmemCache& cache = *l.w.system.vma_trees.maple_node_cache();
    EXPECT_GE(l.w.system.vma_trees.maple_nodes()->with_memory(), 6u); // 81 slots in leaves of 16, and a root
    EXPECT_EQ(cache.in_use(), l.w.system.vma_trees.maple_nodes()->with_memory());
    for (const PageNumber area : l.areas)
      munmap(l.w.system, task, area, 1);
  });
  EXPECT_EQ(l.w.system.vma_trees.maple_nodes()->with_memory(), 0u);
}

} // namespace
} // namespace mmsim::tests::vma_test

// Does the page cache lose or double nothing, whoever looks up, reads, locks, dirties and truncates at the
// same time?

#include "sim/engine/random.hpp"
#include "tests/support/versions.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::page_cache_test {
namespace {

using namespace literals;

class PageCaches : public testing::TestWithParam<KernelVersion> {};
INSTANTIATE_TEST_SUITE_P(Versions, PageCaches, testing::ValuesIn(versions),
                         [](const auto& info) { return info.param.name; });

/// read_mapping_page(): with a reference, read and unlocked. Null if it was truncated meanwhile.
CachedPage* read_page(System& system, Task& task, File& file, std::uint64_t pgoff) {
  CachedPage* page = file.find_get_page(task.core(), pgoff);
  if (page == nullptr) {
    const FrameNumber frame = system.pages.alloc_page(task.core(), GFP_HIGHUSER_MOVABLE);
    page = file.add_to_page_cache_lru(task.core(), frame, pgoff);
    if (page == nullptr) {
      put_page(system, task.core(), frame);
      return nullptr;
    }
    file.read_page(task.core(), *page);
  }
  system.page_cache.wait_on_page_locked(task, *page);
  if ((system.page_cache.flags(*page) & PG_uptodate) != 0) return page;
  file.put_page(task.core(), *page);
  return nullptr;
}

TEST_P(PageCaches, HoldAFileThatIsThereAtBoot) {
  KernelWorld w(1, GetParam().settings);
  const std::uint64_t free = w.system.pages.free_frames();
  File& file = w.system.page_cache.create("data", 200, InMemory::yes);
  EXPECT_EQ(w.system.pages.free_frames(), free - 200);
  EXPECT_EQ(file.nrpages(), 200u);
  w.system.check_invariants();
  for (std::uint64_t pgoff = 0; pgoff < 200; ++pgoff)
    ASSERT_EQ(file.page_at(pgoff)->index, pgoff);
}

TEST_P(PageCaches, RefuseAFileThatDoesNotFit) {
  KernelWorld w(1, GetParam().settings);
  EXPECT_THROW(w.system.page_cache.create("data", 100'000, InMemory::yes), InputError);
}

TEST_P(PageCaches, ReadAPageOnceForAllWhoWaitForIt) {
  KernelWorld w(4, GetParam().settings);
  File& file = w.system.page_cache.create("data", 1, InMemory::no);
  int got = 0;
  for (std::uint32_t cpu = 0; cpu < 4; ++cpu)
    spawn_process_at_boot(w.system, "reader", CoreId(cpu), [&](Task& task) {
      CachedPage* page = nullptr;
      while (page == nullptr)
        page = read_page(w.system, task, file, 0);
      EXPECT_TRUE((w.system.page_cache.flags(*page) & PG_uptodate) != 0);
      ++got;
      file.put_page(task.core(), *page);
      exit_task(w.system, task);
    });
  w.engine.run();
  EXPECT_EQ(got, 4);
  EXPECT_EQ(w.system.page_cache.reads(), 1u);
  w.system.check_invariants();
}

TEST_P(PageCaches, GiveThePageLockToOneAtATime) {
  KernelWorld w(4, GetParam().settings);
  File& file = w.system.page_cache.create("data", 2, InMemory::yes);
  int inside = 0, most = 0, turns = 0;
  for (std::uint32_t cpu = 0; cpu < 8; ++cpu)
    spawn_process_at_boot(w.system, "locker", CoreId(cpu % 4), [&](Task& task) {
      for (int i = 0; i < 30; ++i) {
        CachedPage* page = file.find_get_page(task.core(), 0);
        w.system.page_cache.lock_page(task, *page);
        most = std::max(most, ++inside);
        run_user(w.system, task, 2_us);
        --inside;
        ++turns;
        w.system.page_cache.unlock_page(task.core(), *page);
        file.put_page(task.core(), *page);
      }
      exit_task(w.system, task);
    });
  w.engine.run();
  EXPECT_EQ(most, 1);
  EXPECT_EQ(turns, 240);
  w.system.check_invariants();
}

TEST_P(PageCaches, LoseNothingInARandomRun) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    in_child([&] {
      KernelWorld w(4, GetParam().settings + Settings{{"machine.disk.latency", "3 us"}}, {}, seed);
      File* files[] = {&w.system.page_cache.create("cached", 90, InMemory::yes),
                       &w.system.page_cache.create("cold", 150, InMemory::no)};
      for (std::uint32_t cpu = 0; cpu < 8; ++cpu)
        spawn_process_at_boot(w.system, "user", CoreId(cpu % 4), [&, cpu](Task& task) {
          RandomStream random(seed, "user " + std::to_string(cpu));
          for (int i = 0; i < 150; ++i) {
            File& file = *files[random.below(2)];
            if (random.below(40) == 0) {
              file.truncate(task);
              continue;
            }
            CachedPage* page = read_page(w.system, task, file, random.below(file.pages));
            if (page == nullptr) continue;
            if (random.below(3) == 0) {
              w.system.page_cache.lock_page(task, *page);
              if (page->mapping == &file) file.set_page_dirty(task.core(), *page);
              w.system.page_cache.unlock_page(task.core(), *page);
            }
            file.put_page(task.core(), *page);
          }
          exit_task(w.system, task);
        });
      w.engine.run();
      w.system.check_invariants();
      return std::vector<std::int64_t>{};
    });
}

} // namespace
} // namespace mmsim::tests::page_cache_test

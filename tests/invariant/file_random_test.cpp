// Is no page of a file lost, doubled or left locked, whoever maps, dirties, writes back and takes pages away
// at the same time, and when the disk fails? Every read compares contents (run.checks).

#include "models/operations/fault.hpp"
#include "models/operations/madvise.hpp"
#include "sim/engine/random.hpp"
#include "tests/support/file_area.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::file_random_test {
namespace {

using namespace literals;

class RandomFiles : public testing::TestWithParam<KernelVersion> {};
INSTANTIATE_TEST_SUITE_P(Versions, RandomFiles, testing::ValuesIn(versions),
                         [](const auto& info) { return info.param.name; });

constexpr PageNumber shared_area{0x10000}, private_area{0x20000};
constexpr std::uint64_t pages = 300;

// What shrink_page_list() does with a page that nobody maps; `steps` pages of `file`.
std::uint64_t take_away(KernelWorld& w, Task& task, File& file, RandomStream& random, int steps) {
  PageCache& cache = w.system.page_cache;
  std::uint64_t taken = 0;
  for (; steps > 0; --steps) {
    CachedPage* page = file.find_get_page(task.core(), random.below(file.pages));
    if (page == nullptr) continue;
    if (cache.trylock_page(task.core(), *page)) {
      const std::uint32_t flags = cache.flags(*page);
      const bool ours = page->mapping == &file && w.system.pages[page->frame].mapcount == 0;
      if (ours && (flags & PG_dirty) != 0 && (flags & PG_writeback) == 0) {
        file.writepage(task, *page); // unlocks it
      } else {
        if (ours) taken += file.remove_mapping(task.core(), *page);
        cache.unlock_page(task.core(), *page);
      }
    }
    file.put_page(task.core(), *page);
  }
  return taken;
}

void live(KernelWorld& w, Task& task, RandomStream& random, int steps) {
  for (; steps > 0; --steps) {
    const std::uint64_t at = random.below(pages);
    switch (random.below(12)) {
    case 0:
      madvise(w.system, task, random.below(2) == 0 ? shared_area : private_area, pages, Advice::dontneed);
      break;
    case 1:
      madvise(w.system, task, shared_area + at / 2, 1 + at / 2, static_cast<Advice>(random.below(3)));
      break;
    case 2:
      w.system.writeback.wakeup_flusher_threads(task.core(), random.below(2) * 20);
      break;
    default:
      touch(w.system, task, (random.below(3) == 0 ? private_area : shared_area) + at,
            random.below(2) == 0 ? AccessKind::read : AccessKind::write);
    }
  }
}

TEST_P(RandomFiles, AddUp) {
  for (const bool failing : {false, true})
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
      const std::vector<std::int64_t> result = in_child([&] {
        Settings settings =
            GetParam().settings + Settings{{"machine.disk.latency", "5 us"}, {"run.checks", true}};
        if (failing) settings = settings + Settings{{"machine.disk.fail_every", std::int64_t{5}}};
        KernelWorld w(4, settings, {}, seed);
        File* files[] = {&w.system.page_cache.create("cold", pages, InMemory::no),
                         &w.system.page_cache.create("cached", pages, InMemory::yes)};
        std::int64_t killed = 0, survived = 0, taken = 0;
        w.system.task_killed = [&](Task&) { ++killed; };
        for (std::uint32_t cpu = 0; cpu < 6; ++cpu)
          spawn_process_at_boot(
              w.system, "user " + std::to_string(cpu), CoreId(cpu % 4), [&, cpu](Task& task) {
                RandomStream random(seed, task.name);
                map_area(w.system, task, {shared_area, pages, vm_read_write | VM_SHARED, files[cpu % 2]});
                map_area(w.system, task, {private_area, pages, vm_read_write, files[0]});
                live(w, task, random, 250);
                ++survived;
                exit_task(w.system, task);
              });
        spawn_process_at_boot(w.system, "reclaim", CoreId(3), [&](Task& task) {
          RandomStream random(seed, "reclaim");
          for (int round = 0; round < 60; ++round) {
            taken += static_cast<std::int64_t>(take_away(w, task, *files[random.below(2)], random, 20));
            run_user(w.system, task, 3_us);
          }
          exit_task(w.system, task);
        });
        w.engine.run();
        w.system.check_invariants();
        return std::vector<std::int64_t>{survived + killed,
                                         static_cast<std::int64_t>(w.count(Counter::sigbus)) == killed,
                                         taken > 0,
                                         w.count(Counter::writeback) > 0,
                                         failing || killed == 0,
                                         (w.count(Counter::io_error) > 0) == failing};
      });
      EXPECT_EQ(result, (std::vector<std::int64_t>{6, 1, 1, 1, 1, 1}))
          << "failing " << failing << ", seed " << seed;
    }
}

TEST_P(RandomFiles, LargerThanMemoryAreReadAndWrittenThrough) {
  for (const AccessKind kind : {AccessKind::read, AccessKind::write}) {
    const std::vector<std::int64_t> result = in_child([&] {
      constexpr std::uint64_t many = 12'000;
      KernelWorld w(2, GetParam().settings + Settings{{"machine.memory", "24 MiB"},
                                                      {"machine.disk.latency", "1 us"},
                                                      {"run.checks", true}});
      File& file = w.system.page_cache.create("data", many, InMemory::no);
      bool survived = false;
      spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
        map_area(w.system, task, {shared_area, many, vm_read_write | VM_SHARED, &file});
        touch_all(w.system, task, shared_area, many, kind);
        survived = true;
        exit_task(w.system, task);
      });
      w.engine.run();
      w.system.check_invariants();
      return std::vector<std::int64_t>{survived, static_cast<std::int64_t>(w.count(Counter::oom_kill)),
                                       w.count(Counter::pgsteal) > many / 2,
                                       kind == AccessKind::read || w.count(Counter::pgpgout) > many / 2};
    });
    EXPECT_EQ(result, (std::vector<std::int64_t>{1, 0, 1, 1}));
  }
}

} // namespace
} // namespace mmsim::tests::file_random_test

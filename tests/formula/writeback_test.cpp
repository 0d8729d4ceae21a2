// What does it cost to write a page back, how much is read with a page, and who is held up?

#include "models/operations/fault.hpp"
#include "models/operations/madvise.hpp"
#include "models/operations/nanosleep.hpp"
#include "models/reclaim/readahead.hpp"
#include "tests/support/file_area.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::writeback_test {
namespace {

using namespace literals;

constexpr PageNumber area{0x10000};
constexpr std::uint32_t shared = vm_read_write | VM_SHARED;

struct FilesWorld {
  FilesWorld(const Settings& settings, std::uint64_t pages, InMemory in_memory, std::uint32_t cpus = 1)
      : w(cpus, settings), file(w.system.page_cache.create("data", pages, in_memory)) {}
  void run(const std::function<void(Task&)>& body) {
    spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
      body(task);
      exit_task(w.system, task);
    });
    w.engine.run();
    w.system.check_invariants();
  }
  std::uint32_t flags(std::uint64_t pgoff) { return w.system.page_cache.flags(*file.page_at(pgoff)); }
  KernelWorld w;
  File& file;
};

TEST(WritebackOfAPage, CostsItsFlagsItsTagAndARequest) {
  FilesWorld f({}, 8, InMemory::yes);
  KernelWorld& w = f.w;
  const CostBook& c = w.costs();
  Duration took{}, waited{};
  f.run([&](Task& task) {
    for (std::uint64_t pgoff = 0; pgoff < 2; ++pgoff) { // the first one brings the lines
      CachedPage* page = f.file.find_get_page(task.core(), pgoff);
      w.system.page_cache.lock_page(task, *page);
      f.file.set_page_dirty(task.core(), *page);
      took = time_of(task, [&] { f.file.writepage(task, *page); });
      EXPECT_EQ(f.flags(pgoff) & (PG_dirty | PG_writeback | PG_locked), PG_writeback);
      waited = time_of(task, [&] { w.system.page_cache.waits.wait_on_page_writeback(task, page->frame); });
      EXPECT_EQ(f.flags(pgoff) & (PG_dirty | PG_writeback), 0u);
      f.file.put_page(task.core(), *page);
    }
  });
  const Duration rmw = c.line.hit + c.line.atomic;
  EXPECT_EQ(took, rmw /* TestClearPageDirty() */ + rmw + c.line.hit /* the tree's lock and its release */ +
                      c.line.hit /* the node */ + rmw /* PG_writeback */ + rmw /* unlock_page() */ +
                      c.work.io_submit);
  const Duration disk = c.disk.latency + Duration(4096 * 1'000'000'000'000 / 3'000'000'000);
  EXPECT_GE(waited, disk);
  EXPECT_LT(waited, disk + 8_us);
  EXPECT_EQ(w.count(Counter::pgpgout), 2u);
  EXPECT_EQ(w.count(Counter::writeback), 2u);
  EXPECT_EQ(w.system.page_cache.disk()->writes(), 2u);
}

class Files : public testing::TestWithParam<KernelVersion> {};
INSTANTIATE_TEST_SUITE_P(Versions, Files, testing::ValuesIn(versions),
                         [](const auto& info) { return info.param.name; });

TEST_P(Files, AreCleanInTheirMappingsOnceTheyAreWrittenAndNoticeTheNextWrite) {
  FilesWorld f(GetParam().settings, 64, InMemory::yes, 2);
  KernelWorld& w = f.w;
  Nanosleep sleep(w.system);
  f.run([&](Task& task) {
    map_area(w.system, task, {area, 64, shared, &f.file});
    touch_all(w.system, task, area, 40, AccessKind::write);
    EXPECT_EQ(w.system.page_cache.dirty_pages(), 40u);
    w.system.writeback.wakeup_flusher_threads(task.core(), 0);
    sleep.until(task, task.now() + 1_ms);
    EXPECT_EQ(w.system.page_cache.dirty_pages(), 0u);
    EXPECT_FALSE(task.mm->tables.find(area + 7)->writable());
    EXPECT_FALSE(task.mm->tables.find(area + 7)->dirty());
    touch(w.system, task, area + 7, AccessKind::write);
    EXPECT_EQ(w.system.page_cache.dirty_pages(), 1u);
    EXPECT_TRUE(task.mm->tables.find(area + 7)->writable());
  });
  EXPECT_EQ(w.count(Counter::writeback), 40u);
  EXPECT_EQ(w.count(Counter::pgpgout), 40u);
  EXPECT_EQ(w.system.page_cache.disk()->writes(), 1u) << "neighbours go in one request";
}

/// After one read fault on `page` of a cold file: pages in memory, requests, pages mapped.
std::vector<std::int64_t> read_of(const Settings& settings, Advice advice, std::uint64_t page) {
  return in_child([&] {
    FilesWorld f(settings, 100, InMemory::no);
    f.run([&](Task& task) {
      map_area(f.w.system, task, {area, 100, VM_READ, &f.file});
      if (advice != Advice::normal) madvise(f.w.system, task, area, 100, advice);
      touch(f.w.system, task, area + page, AccessKind::read);
    });
    return std::vector<std::int64_t>{static_cast<std::int64_t>(f.file.nrpages()),
                                     static_cast<std::int64_t>(f.w.system.page_cache.reads()),
                                     static_cast<std::int64_t>(f.w.count(Counter::pgmajfault))};
  });
}

TEST_P(Files, AreReadAroundAFaultAheadOfASequentialReaderAndAloneForARandomOne) {
  using Row = std::vector<std::int64_t>;
  const Settings& version = GetParam().settings;
  const bool old = GetParam().name == std::string("linux_2_6_24");
  EXPECT_EQ(read_of(version, Advice::normal, 50), (Row{32, 1, 1}));
  EXPECT_EQ(read_of(version, Advice::normal, 3), (Row{32, 1, 1}));
  EXPECT_EQ(read_of(version, Advice::normal, 95), (Row{21, 1, 1})) << "79 to the end";
  EXPECT_EQ(read_of(version, Advice::random, 50), (Row{1, 1, 1}));
  // The first window: 32 pages asked for, or 4 for the one page that 2.6.24 asks for.
  EXPECT_EQ(read_of(version, Advice::sequential, 0), (old ? Row{4, 1, 0} : Row{32, 1, 1}));
  EXPECT_EQ(read_of(version + Settings{{"kernel.readahead", "0 B"}}, Advice::normal, 50), (Row{1, 1, 1}));
}

TEST_P(Files, AreAskedOfTheDiskBeforehandWithoutWaiting) {
  FilesWorld f(GetParam().settings, 100, InMemory::no);
  KernelWorld& w = f.w;
  Nanosleep sleep(w.system);
  f.run([&](Task& task) {
    map_area(w.system, task, {area, 100, VM_READ, &f.file});
    const Duration took = time_of(task, [&] { madvise(w.system, task, area + 10, 60, Advice::willneed); });
    EXPECT_LT(took, w.costs().disk.latency);
    EXPECT_EQ(f.file.nrpages(), 60u);
    sleep.until(task, task.now() + 1_ms);
    touch_all(w.system, task, area + 10, 60, AccessKind::read);
  });
  EXPECT_EQ(w.system.page_cache.reads(), 1u);
  EXPECT_EQ(w.count(Counter::pgmajfault), 0u);
  EXPECT_EQ(w.count(Counter::readahead_hit), 60u);
}

TEST_P(Files, AreReadAWindowAheadOfWhoComesToTheMark) {
  FilesWorld f(GetParam().settings + no_fault_around, 200, InMemory::no);
  KernelWorld& w = f.w;
  const bool old = GetParam().name == std::string("linux_2_6_24");
  std::vector<std::uint64_t> in_memory;
  f.run([&](Task& task) {
    map_area(w.system, task, {area, 200, VM_READ, &f.file});
    madvise(w.system, task, area, 200, Advice::sequential);
    for (std::uint64_t page = 0; page < 120; ++page) {
      touch(w.system, task, area + page, AccessKind::read);
      if (in_memory.empty() || in_memory.back() != f.file.nrpages()) in_memory.push_back(f.file.nrpages());
    }
  });
  // 4, 8, 16, 32, ... pages; or at once ra_pages.
  const std::vector<std::uint64_t> windows = old ? std::vector<std::uint64_t>{4, 12, 28, 60, 92, 124, 156}
                                                 : std::vector<std::uint64_t>{32, 64, 96, 128, 160};
  EXPECT_EQ(std::vector(in_memory.begin(), in_memory.begin() + 4),
            std::vector(windows.begin(), windows.begin() + 4));
  EXPECT_EQ(w.count(Counter::readahead_hit), w.count(Counter::readahead) - (f.file.nrpages() - 120))
      << "all but those behind the last that was read";
}

TEST_P(Files, HoldUpWhoDirtiesFasterThanTheDiskWrites) {
  constexpr std::uint64_t pages = 3000;
  FilesWorld f(GetParam().settings + Settings{{"machine.memory", "24 MiB"},
                                              {"machine.disk.write_bandwidth", "20 MB/s"},
                                              {"kernel.nr_requests", std::int64_t{4}}},
               pages, InMemory::yes, 2);
  KernelWorld& w = f.w;
  Duration took{};
  std::uint64_t limit = 0, most = 0;
  f.run([&](Task& task) {
    map_area(w.system, task, {area, pages, shared, &f.file});
    limit = w.system.writeback.limits(task.core()).dirty;
    took = time_of(task, [&] {
      for (std::uint64_t i = 0; i < pages; ++i) {
        touch(w.system, task, area + i, AccessKind::write);
        most = std::max(most, w.system.page_cache.dirty_pages());
      }
    });
  });
  const Duration a_page = Duration(4096 * 1'000'000'000'000 / 20'000'000);
  EXPECT_GT(w.count(Counter::balance_dirty_pages), 0u);
  // 2.6.24 counts a write as done once the disk has taken it: four requests of 256 pages.
  EXPECT_GT(took, static_cast<std::int64_t>(pages - limit - 200 - 4 * 256) * a_page);
  EXPECT_LE(most, limit + 200);
}

TEST_P(Files, ThatTheDiskFailsKillWhoNeedsThem) {
  FilesWorld f(GetParam().settings + Settings{{"machine.disk.fail_every", std::int64_t{1}}}, 8, InMemory::no);
  bool survived = false;
  f.run([&](Task& task) {
    map_area(f.w.system, task, {area, 8, VM_READ, &f.file});
    touch(f.w.system, task, area, AccessKind::read);
    survived = true;
  });
  EXPECT_FALSE(survived);
  EXPECT_EQ(f.w.count(Counter::sigbus), 1u);
  EXPECT_GT(f.w.count(Counter::io_error), 1u) << "it is read once more";
}

TEST_P(Files, ThatTheDiskFailsOnceAreReadAgain) {
  FilesWorld f(GetParam().settings + no_readahead + Settings{{"machine.disk.fail_every", std::int64_t{2}}}, 8,
               InMemory::no);
  f.run([&](Task& task) {
    map_area(f.w.system, task, {area, 8, VM_READ, &f.file});
    touch_all(f.w.system, task, area, 8, AccessKind::read);
  });
  EXPECT_EQ(f.w.count(Counter::sigbus), 0u);
  EXPECT_EQ(f.w.count(Counter::io_error), 7u) << "all but the first page";
}

TEST_P(Files, GiveAwayAPageThatNobodyElseHas) {
  FilesWorld f(GetParam().settings, 4, InMemory::yes);
  KernelWorld& w = f.w;
  f.run([&](Task& task) {
    PageCache& cache = w.system.page_cache;
    CachedPage* page = f.file.find_get_page(task.core(), 1);
    cache.lock_page(task, *page);
    CachedPage* other = f.file.find_get_page(task.core(), 1);
    EXPECT_FALSE(f.file.remove_mapping(task.core(), *page)) << "another has it";
    f.file.put_page(task.core(), *other);
    f.file.set_page_dirty(task.core(), *page);
    EXPECT_FALSE(f.file.remove_mapping(task.core(), *page)) << "it is dirty";
    f.file.writepage(task, *page);
    cache.waits.wait_on_page_writeback(task, page->frame);
    cache.lock_page(task, *page);
    EXPECT_TRUE(f.file.remove_mapping(task.core(), *page));
    cache.unlock_page(task.core(), *page);
    f.file.put_page(task.core(), *page); // the last reference: it is free
    EXPECT_EQ(f.file.nrpages(), 3u);
    EXPECT_EQ(f.file.find_get_page(task.core(), 1), nullptr);
  });
}

} // namespace
} // namespace mmsim::tests::writeback_test

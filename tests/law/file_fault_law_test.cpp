// How do faults on files meet: on a page that has to be read, on mmap_lock while somebody waits for the disk?

#include "tests/support/file_area.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::file_fault_law_test {
namespace {

using namespace literals;

class FileFaults : public testing::TestWithParam<KernelVersion> {};
INSTANTIATE_TEST_SUITE_P(Versions, FileFaults, testing::ValuesIn(versions),
                         [](const auto& info) { return info.param.name; });

constexpr PageNumber area{0x10000};

TEST_P(FileFaults, OfManyOnTheSamePageReadItOnce) {
  for (const bool threads : {true, false}) {
    const std::vector<std::int64_t> result = in_child([&] {
      KernelWorld w(8, GetParam().settings + no_readahead);
      File& file = w.system.page_cache.create("data", 4, InMemory::no);
      MmStruct* mm = nullptr;
      int done = 0;
      const auto reader = [&](Task& task) {
        if (task.mm->vmas.empty()) map_area(w.system, task, {area, 4, VM_READ, &file});
        touch(w.system, task, area + 1, AccessKind::read);
        ++done;
        exit_task(w.system, task);
      };
      bool mapped = false;
      for (std::uint32_t cpu = 0; cpu < 8; ++cpu) {
        if (mm != nullptr && threads)
          spawn_thread_at_boot(w.system, "thread", *mm, CoreId(cpu), [&](Task& task) {
            w.spin_in_user_mode(task, mapped);
            reader(task);
          });
        else
          mm = spawn_process_at_boot(w.system, "process", CoreId(cpu), [&](Task& task) {
                 map_area(w.system, task, {area, 4, VM_READ, &file});
                 mapped = true;
                 reader(task);
               }).mm;
      }
      w.engine.run();
      w.system.check_invariants();
      return std::vector<std::int64_t>{done, static_cast<std::int64_t>(w.system.page_cache.reads())};
    });
    EXPECT_EQ(result, (std::vector<std::int64_t>{8, 1})) << threads;
  }
}

TEST_P(FileFaults, ThatWaitForTheDiskLetAWriterOfMmapLockPassSince51) {
  KernelWorld w(2, GetParam().settings);
  File& file = w.system.page_cache.create("data", 4, InMemory::no);
  bool mapped = false;
  Instant read{}, written{};
  Task& first = spawn_process_at_boot(w.system, "reader", CoreId(0), [&](Task& task) {
    map_area(w.system, task, {area, 4, VM_READ, &file});
    mapped = true;
    touch(w.system, task, area, AccessKind::read);
    task.core().settle();
    read = task.now();
    exit_task(w.system, task);
  });
  spawn_thread_at_boot(w.system, "writer", *first.mm, CoreId(1), [&](Task& task) {
    w.spin_in_user_mode(task, mapped);
    run_user(w.system, task, 20_us); // the disk needs 80
    std::ignore = mmap(w.system, task, 1);
    task.core().settle();
    written = task.now();
    exit_task(w.system, task);
  });
  w.engine.run();
  if (GetParam().name == std::string("linux_5_10"))
    EXPECT_LT(written + 30_us, read);
  else
    EXPECT_GT(written, read - 1_us);
}

TEST_P(FileFaults, BookTheWaitForTheDiskAsIo) {
  KernelWorld w(1, GetParam().settings + no_readahead);
  File& file = w.system.page_cache.create("data", 4, InMemory::no);
  Duration io{};
  spawn_process_at_boot(w.system, "reader", CoreId(0), [&](Task& task) {
    map_area(w.system, task, {area, 4, VM_READ, &file});
    touch(w.system, task, area, AccessKind::read);
    task.core().settle();
    io = task.ledger.totals()[index(Account::io)];
    exit_task(w.system, task);
  });
  w.engine.run();
  EXPECT_EQ(w.count(Counter::pgmajfault), 1u);
  const Duration disk = 80_us + 1280_ns; // 4 KiB at 3.2 GB/s
  EXPECT_GT(io, disk - 2_us);
  EXPECT_LT(io, disk + w.costs().work.io_submit + 2_us);
}

} // namespace
} // namespace mmsim::tests::file_fault_law_test

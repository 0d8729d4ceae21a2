// Does kmap flush once in as many mappings as it has addresses, everywhere, and never sooner or later?

#include "models/operations/gather.hpp"
#include "models/operations/kmap.hpp"
#include "tests/support/kernel_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::kmap_test {
namespace {

using namespace literals;

std::vector<FrameNumber> frames_of(KernelWorld& w, Core& core, std::size_t count) {
  std::vector<FrameNumber> frames;
  while (frames.size() < count)
    frames.push_back(w.system.pages.alloc_page(core, GFP_KERNEL));
  return frames;
}
void free_all(KernelWorld& w, Core& core, const std::vector<FrameNumber>& frames) {
  for (const FrameNumber frame : frames)
    put_page(w.system, core, frame);
}

// So many different pages are mapped and unmapped, one after the other: flushes of the kernel's range.
std::int64_t flushes(std::int64_t addresses, std::int64_t mappings) {
  return in_child([&] {
    KernelWorld w(1, {{"kernel.last_pkmap", addresses}});
    Kmap pool(w.system);
    spawn_process_at_boot(w.system, "caller", CoreId(0), [&](Task& task) {
      EXPECT_TRUE(pool.init(task.core()));
      const auto frames = frames_of(w, task.core(), static_cast<std::size_t>(mappings));
      for (const FrameNumber frame : frames) {
        pool.access(task.core(), pool.kmap(task, frame));
        pool.kunmap(task.core(), frame);
      }
      free_all(w, task.core(), frames);
      exit_task(w.system, task);
    });
    w.engine.run();
    w.system.check_invariants();
    EXPECT_EQ(pool.rounds(), w.count(Counter::tlb_flush_range) + w.count(Counter::tlb_flush_all));
    return std::vector<std::int64_t>{static_cast<std::int64_t>(pool.rounds())};
  })[0];
}

TEST(Kmap, FlushesOnceARound) {
  for (const std::int64_t addresses : {2, 8, 512})
    for (const std::int64_t mappings : {addresses - 1, addresses, 2 * addresses - 1, 2 * addresses})
      EXPECT_EQ(flushes(addresses, mappings), mappings / addresses) << addresses << " " << mappings;
}

TEST(Kmap, GivesAPageTheAddressThatItHas) {
  KernelWorld w(1, {{"kernel.last_pkmap", std::int64_t{8}}});
  Kmap pool(w.system);
  spawn_process_at_boot(w.system, "caller", CoreId(0), [&](Task& task) {
    EXPECT_TRUE(pool.init(task.core()));
    const auto frames = frames_of(w, task.core(), 2);
    const PageNumber first = pool.kmap(task, frames[0]);
    EXPECT_EQ(pool.kmap(task, frames[0]), first);
    EXPECT_NE(pool.kmap(task, frames[1]), first);
    for (const std::size_t i : {0, 0, 1})
      pool.kunmap(task.core(), frames[i]);
    EXPECT_EQ(pool.kmap(task, frames[0]), first) << "nobody used it, but it was still there";
    pool.kunmap(task.core(), frames[0]);
    free_all(w, task.core(), frames);
    exit_task(w.system, task);
  });
  w.engine.run();
  EXPECT_EQ(pool.rounds(), 0u);
}

// Of three other cores one idles on the process's tables, one has never run anything, one runs another process.
TEST(Kmap, FlushesEveryCoreWhateverItRuns) {
  for (const char* policy : {"eager", "lazy", "leave_mm", "eager_all"}) {
    const auto received = in_child([&] {
      KernelWorld w(4, {{"kernel.tlb_flush", policy}, {"kernel.last_pkmap", std::int64_t{8}}});
      Kmap pool(w.system);
      Completion end("the flush");
      bool over = false;
      std::uint64_t before = 0, after = 0;
      Task& caller = spawn_process_at_boot(w.system, "caller", CoreId(0), [&](Task& task) {
        EXPECT_TRUE(pool.init(task.core()));
        const auto frames = frames_of(w, task.core(), 8);
        run_user(w.system, task, 50_us);
        EXPECT_TRUE(w.system.mm_switch.is_lazy(CoreId(1)));
        before = w.count(Counter::nr_tlb_remote_flush_received);
        for (const FrameNumber frame : frames) {
          pool.access(task.core(), pool.kmap(task, frame));
          pool.kunmap(task.core(), frame);
        }
        after = w.count(Counter::nr_tlb_remote_flush_received);
        free_all(w, task.core(), frames);
        over = true;
        end.complete(w.system, task.core());
        exit_task(w.system, task);
      });
      caller.bound = true;
      spawn_thread_at_boot(w.system, "sleeper", *caller.mm, CoreId(1), [&](Task& task) {
        end.wait(w.system, task);
        exit_task(w.system, task);
      }).bound = true;
      spawn_process_at_boot(w.system, "other", CoreId(3), [&](Task& task) {
        w.spin_in_user_mode(task, over);
        exit_task(w.system, task);
      }).bound = true;
      w.engine.run();
      w.system.check_invariants();
      return std::vector<std::int64_t>{static_cast<std::int64_t>(after - before)};
    });
    EXPECT_EQ(received[0], 3) << policy;
  }
}

// Both addresses are in use; who wants a third sleeps until one is given up, and gets it after the flush.
TEST(Kmap, SleepsForAnAddress) {
  KernelWorld w(2, {{"kernel.last_pkmap", std::int64_t{2}}});
  Kmap pool(w.system);
  std::vector<FrameNumber> frames;
  bool used_up = false;
  Instant given_up{}, got{};
  spawn_process_at_boot(w.system, "holder", CoreId(0), [&](Task& task) {
    EXPECT_TRUE(pool.init(task.core()));
    frames = frames_of(w, task.core(), 3);
    pool.kmap(task, frames[0]);
    pool.kmap(task, frames[1]);
    task.core().settle();
    used_up = true;
    run_user(w.system, task, 50_us);
    given_up = task.now();
    pool.kunmap(task.core(), frames[1]);
    run_user(w.system, task, 50_us);
    pool.kunmap(task.core(), frames[0]);
    exit_task(w.system, task);
  }).bound = true;
  spawn_process_at_boot(w.system, "waiter", CoreId(1), [&](Task& task) {
    w.spin_in_user_mode(task, used_up);
    pool.access(task.core(), pool.kmap(task, frames[2]));
    got = task.now();
    pool.kunmap(task.core(), frames[2]);
    exit_task(w.system, task);
  }).bound = true;
  w.engine.run();
  EXPECT_GT(got, given_up);
  EXPECT_LT(got, given_up + 30_us);
}

} // namespace
} // namespace mmsim::tests::kmap_test

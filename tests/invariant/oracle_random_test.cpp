// Does the oracle leave kernels alone that flush rightly, and find those that do not, in random programs?

#include "sim/engine/random.hpp"
#include "tests/support/kernel_world.hpp"
#include "tests/support/wrong_policies.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mmsim::tests::oracle_random_test {
namespace {

using namespace literals;
using testing::HasSubstr;

// --- kernels that flush rightly

struct Shared { // what the threads of a process do to each other
  MmStruct* mm = nullptr;
  PageNumber heap{}, window{};
  std::uint64_t window_pages = 0;
  bool open = false;
  int inside = 0;
  bool closing = false;
};
constexpr std::uint64_t heap_pages = 12;

void random_step(KernelWorld& w, Task& task, Shared& shared, RandomStream& random,
                 std::vector<Task*>& kernel_threads, std::uint32_t cpus) {
  System& system = w.system;
  const auto below = [&](std::uint64_t n) { return random.below(n); };
  switch (below(8)) {
  case 0:
  case 1: {
    WorkingSet set{shared.heap, heap_pages, 40_ns, AccessKind::write};
    run_user(system, task, random.exponential(8_us), &set);
    break;
  }
  case 2: { // areas of its own, with a table of their own or not
    const std::uint64_t pages = 1 + below(6);
    const PageNumber area = mmap(system, task, pages, below(2) ? 512 : 1);
    for (std::uint64_t i = 0; i < pages; ++i)
      touch(system, task, area + i, below(2) ? AccessKind::write : AccessKind::read);
    if (below(2)) run_user(system, task, random.exponential(3_us));
    munmap(system, task, area, pages);
    break;
  }
  case 3: // an area that others read while it is there, taken away and mapped again at the same place
    if (!shared.open && !shared.closing) {
      shared.closing = true;
      const std::uint64_t pages = 1 + below(4);
      const PageNumber area = mmap(system, task, pages, below(2) ? 512 : 1);
      for (std::uint64_t i = 0; i < pages; ++i)
        touch(system, task, area + i, AccessKind::write);
      shared.window = area;
      shared.window_pages = pages;
      shared.open = true;
      run_user(system, task, random.exponential(10_us));
      w.dont_need(task, area, pages);
      run_user(system, task, random.exponential(10_us));
      shared.open = false;
      while (shared.inside > 0)
        run_user(system, task, 200_ns);
      munmap(system, task, area, pages);
      shared.closing = false;
    }
    break;
  case 4:
  case 5:
    if (shared.open) {
      ++shared.inside;
      for (std::uint64_t i = 0; i < shared.window_pages; ++i)
        touch(system, task, shared.window + i, AccessKind::read);
      WorkingSet set{shared.window, shared.window_pages, 30_ns, AccessKind::read};
      run_user(system, task, 2_us, &set);
      --shared.inside;
    }
    break;
  case 6: {
    const PageNumber heap = shared.heap;
    fork(system, task, CoreId(static_cast<std::uint32_t>(below(cpus))), [&system, heap](Task& child) {
      for (std::uint64_t i = 0; i < heap_pages; i += 2)
        touch(system, child, heap + i, AccessKind::write);
      run_user(system, child, 2_us);
      exit_task(system, child);
    });
    for (std::uint64_t i = 0; i < heap_pages; i += 3)
      touch(system, task, heap + i, AccessKind::write);
    break;
  }
  case 7:
    system.scheduler.wake(task.core(), *kernel_threads[below(cpus)]);
    system.scheduler.yield(task);
    break;
  }
}

// Two processes of several threads do all of that at random, with migration, time slices and kernel threads.
std::string random_program(std::uint32_t cpus, std::uint64_t seed, const Settings& settings, int steps = 40) {
  KernelWorld w(cpus,
                Settings{{"kernel.hz", std::int64_t{10'000}},
                         {"kernel.time_slice", "50 us"},
                         {"kernel.balance_interval", "100 us"}} +
                    settings,
                Engine::Options{true, seed}, seed);
  std::vector<Task*> kernel_threads;
  for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) {
    Task& thread = spawn_kthread_at_boot(w.system, "kernel thread", CoreId(cpu), [&](Task& task) {
      for (;;) {
        w.system.scheduler.block(task, Account::schedule, nullptr);
        task.core().charge(3_us, Account::work);
        task.core().settle();
      }
    });
    thread.bound = true;
    kernel_threads.push_back(&thread);
  }
  std::array<Shared, 2> processes;
  std::vector<std::unique_ptr<RandomStream>> streams;
  for (std::uint32_t i = 0; i < cpus + 2; ++i) {
    Shared& shared = processes[i % 2];
    streams.push_back(std::make_unique<RandomStream>(seed, "thread " + std::to_string(i)));
    RandomStream& random = *streams.back();
    const auto body = [&, i](Task& task) {
      if (i < 2) shared.heap = mmap(w.system, task, heap_pages);
      while (shared.heap == PageNumber(0))
        run_user(w.system, task, 1_us);
      for (int step = 0; step < steps; ++step)
        random_step(w, task, shared, random, kernel_threads, cpus);
      exit_task(w.system, task);
    };
    if (shared.mm == nullptr)
      shared.mm = spawn_process_at_boot(w.system, "first thread", CoreId(i % cpus), body).mm;
    else
      spawn_thread_at_boot(w.system, "thread", *shared.mm, CoreId(i % cpus), body);
  }
  w.engine.at(Instant(50'000_us), [&] {
    if (w.system.scheduler.alive() > 0) w.engine.report_stall("the program does not end");
  });
  return violation_of([&] {
    w.engine.run();
    w.system.check_invariants();
    if (const auto imbalance = interrupt_imbalance(w.counters.snapshot())) throw Violation(*imbalance);
    if (w.system.address_spaces() > 1 + cpus) throw Violation("address spaces have leaked");
  });
}

class SafeKernels : public testing::TestWithParam<std::string> {};

TEST_P(SafeKernels, FindNoStaleTranslationInRandomPrograms) {
  std::uint64_t seed = 0;
  for (const char* kthread_switch : {"lazy", "eager"})
    for (const std::int64_t asid_bits : {0, 8, 16})
      for (const char* pt_lock : {"mm", "split"})
        for (int again = 0; again < 3; ++again) {
          ++seed;
          const std::uint32_t cpus = seed % 3 == 0 ? 8 : 4;
          EXPECT_EQ(text_in_child([&] {
                      return random_program(
                          cpus, seed,
                          {{"kernel.tlb_flush", GetParam()},
                           {"kernel.kthread_switch", kthread_switch},
                           {"kernel.asid_bits", asid_bits},
                           {"kernel.pt_lock", pt_lock},
                           {"kernel.munmap_downgrade", seed % 2 == 0},
                           {"kernel.gather_pages", std::int64_t{seed % 4 == 0 ? 2 : 500}},
                           {"kernel.cross_call", again == 2 ? "single_lock" : "per_cpu_queue"}});
                    }),
                    "")
              << "kthread_switch " << kthread_switch << ", asid_bits " << asid_bits << ", pt_lock " << pt_lock
              << ", seed " << seed;
        }
}
INSTANTIATE_TEST_SUITE_P(Oracle, SafeKernels,
                         testing::Values("broadcast", "eager_all", "eager", "lazy", "leave_mm", "latr",
                                         "erratum_798181"),
                         [](const auto& info) { return info.param; });

TEST(RandomPrograms, AreHardEnoughToFindThePlantedBugs) {
  for (const char* policy : {"test_flushes_here_only", "test_clears_bit_on_leaving",
                             "test_skips_lazy_cores_always", "test_acknowledges_first", "arm_free_first"}) {
    int found = 0;
    for (std::uint64_t seed = 1; seed <= 12 && found == 0; ++seed)
      found += text_in_child([&] {
                 return random_program(4, seed, {{"kernel.tlb_flush", policy}});
               }).find("stale") != std::string::npos;
    EXPECT_GT(found, 0) << policy;
  }
}

} // namespace
} // namespace mmsim::tests::oracle_random_test

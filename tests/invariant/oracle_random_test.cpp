// Does the oracle leave kernels alone that flush rightly, and find those that do not, in random programs?

#include "tests/support/barrier.hpp"
#include "tests/support/shared_memory.hpp"
#include "tests/support/wrong_policies.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mmsim::tests::oracle_random_test {
namespace {

using namespace literals;
using testing::HasSubstr;

// --- kernels that flush rightly

void random_step(Task& task, SharedMemoryUser& user, RandomStream& random,
                 const std::vector<Task*>& kernel_threads) {
  switch (random.below(8)) {
  case 0:
  case 1:
    return user.use_heap(task);
  case 2:
    return user.own_area(task);
  case 3:
    return user.open_window(task, false);
  case 4:
  case 5:
    return user.read_window(task);
  case 6:
    return user.fork_and_write(task);
  case 7:
    return user.wake_one(task, kernel_threads);
  }
}

// Two processes of several threads do all of that at random, with migration, time slices and kernel threads, and
// `meetings` times all books are compared.
std::string random_program(std::uint32_t cpus, std::uint64_t seed, const Settings& settings, int steps = 40) {
  KernelWorld w(cpus,
                Settings{{"kernel.hz", std::int64_t{10'000}},
                         {"kernel.time_slice", "50 us"},
                         {"kernel.balance_interval", "100 us"}} +
                    settings,
                Engine::Options{true, seed}, seed);
  const std::vector<Task*> kernel_threads = kernel_threads_at_boot(w);
  std::array<SharedMemory, 2> processes;
  std::array<MmStruct*, 2> mms{};
  Barrier barrier(w, cpus + 2);
  constexpr int meetings = 3;
  std::vector<std::unique_ptr<RandomStream>> streams;
  for (std::uint32_t i = 0; i < cpus + 2; ++i) {
    SharedMemory& shared = processes[i % 2];
    MmStruct*& mm = mms[i % 2];
    streams.push_back(std::make_unique<RandomStream>(seed, "thread " + std::to_string(i)));
    RandomStream& random = *streams.back();
    const auto body = [&, i](Task& task) {
      if (i < 2) shared.heap = mmap(w.system, task, SharedMemory::heap_pages);
      while (shared.heap == PageNumber(0))
        run_user(w.system, task, 1_us);
      SharedMemoryUser user(w, shared, random);
      for (int step = 0; step < steps; ++step) {
        random_step(task, user, random, kernel_threads);
        if (step % (steps / meetings) == steps / meetings - 1) barrier.meet(task);
      }
      exit_task(w.system, task);
    };
    if (mm == nullptr)
      mm = spawn_process_at_boot(w.system, "first thread", CoreId(i % cpus), body).mm;
    else
      spawn_thread_at_boot(w.system, "thread", *mm, CoreId(i % cpus), body);
  }
  w.engine.at(Instant(50'000_us), [&] {
    if (w.system.scheduler.alive() > 0) w.engine.report_stall("the program does not end");
  });
  return violation_of([&] {
    w.engine.run();
    w.system.check_invariants();
    if (const auto imbalance = interrupt_imbalance(w.counters.snapshot())) throw Violation(*imbalance);
    if (w.system.address_spaces() > 1 + cpus) throw Violation("address spaces have leaked");
    if (barrier.populated() < 2 * meetings) throw Violation("nobody had pages when the books were compared");
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

// Does a task that is bound to another CPU get there from wherever it is, once, and what does it leave
// behind?

#include "models/operations/affinity.hpp"
#include "tests/support/kernel_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::affinity_test {
namespace {

using namespace literals;

TEST(Affinity, OfARunningTaskTakesItToTheCpuAndLeavesItsBitBehindWithIds) {
  for (const std::int64_t bits : {0, 16}) {
    const auto left = in_child([&] {
      KernelWorld w(3, {{"kernel.tlb_flush", "eager"}, {"kernel.asid_bits", bits}});
      std::int64_t stays = 0;
      bool other_runs = false, over = false;
      Task& task_ = spawn_process_at_boot(w.system, "moves", CoreId(0), [&](Task& task) {
        const PageNumber page = mmap(w.system, task, 1);
        touch(w.system, task, page, AccessKind::write);
        sched_setaffinity(w.system, task, task, CoreId(2));
        EXPECT_EQ(task.core().id(), CoreId(2));
        touch(w.system, task, page, AccessKind::write);
        w.spin_in_user_mode(task, other_runs);
        w.system.check_address_spaces();
        stays = task.mm->cpumask.contains(CoreId(0));
        over = true;
        exit_task(w.system, task);
      });
      (void)task_;
      spawn_process_at_boot(w.system, "other process", CoreId(0), [&](Task& task) {
        other_runs = true;
        w.spin_in_user_mode(task, over);
        exit_task(w.system, task);
      }).bound = true;
      w.engine.run();
      w.system.check_invariants();
      if (testing::Test::HasFailure()) throw std::runtime_error("see above");
      return std::vector<std::int64_t>{stays};
    });
    EXPECT_EQ(left[0], bits > 0) << bits;
  }
}

// The task runs user code, waits for a core, or sleeps, while another one binds it to cpu 2.
TEST(Affinity, OfAnotherTaskMovesItFromItsCoreItsQueueOrItsSleep) {
  for (const char* where : {"core", "queue", "sleep"}) {
    EXPECT_EQ(text_in_child([&]() -> std::string {
                KernelWorld w(3);
                const std::string at = where;
                bool bound = false;
                Completion wake_up("its wake-up");
                std::string ended = "nowhere";
                Task& target = spawn_process_at_boot(w.system, "target", CoreId(1), [&](Task& task) {
                  if (at == "sleep") wake_up.wait(w.system, task);
                  w.spin_in_user_mode(task, bound);
                  run_user(w.system, task, 30_us);
                  ended = std::to_string(task.core().id().value());
                  exit_task(w.system, task);
                });
                target.bound = true;
                if (at == "queue") {
                  Task& runs = spawn_process_at_boot(w.system, "runs", CoreId(1), [&](Task& task) {
                    run_user(w.system, task, 500_us);
                    exit_task(w.system, task);
                  });
                  runs.bound = true;
                }
                spawn_process_at_boot(w.system, "binds", CoreId(0), [&](Task& task) {
                  run_user(w.system, task, 50_us);
                  if (at == "queue")
                    w.system.scheduler.set_cpu_allowed(task.core(), target, CoreId(0)); // to and fro
                  sched_setaffinity(w.system, task, target, CoreId(2));
                  bound = true;
                  wake_up.complete(w.system, task.core());
                  exit_task(w.system, task);
                });
                w.engine.run();
                w.system.check_invariants();
                return ended;
              }),
              "2")
        << where;
  }
}

TEST(Affinity, AtRandomLosesNobody) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed)
    EXPECT_EQ(text_in_child([&]() -> std::string {
                KernelWorld w(4,
                              {{"kernel.hz", std::int64_t{10'000}},
                               {"kernel.time_slice", "50 us"},
                               {"kernel.balance_interval", "100 us"}},
                              Engine::Options{true, seed}, seed);
                RandomStream random(seed, "bindings");
                int ended = 0;
                std::vector<std::uint32_t> pids;
                std::vector<Task*> tasks;
                for (std::uint32_t i = 0; i < 7; ++i)
                  tasks.push_back(
                      &spawn_process_at_boot(w.system, "process", CoreId(i % 4), [&, i](Task& task) {
                        const PageNumber page = mmap(w.system, task, 2);
                        for (int step = 0; step < 30; ++step) {
                          touch(w.system, task, page, AccessKind::write);
                          run_user(w.system, task, random.exponential(10_us));
                          Task* other = tasks[random.below(tasks.size())];
                          if (other != nullptr)
                            sched_setaffinity(w.system, task, *other,
                                              CoreId(static_cast<std::uint32_t>(random.below(4))));
                        }
                        ++ended;
                        tasks[i] = nullptr;
                        exit_task(w.system, task);
                      }));
                const std::string said = violation_of([&] {
                  w.engine.run();
                  w.system.check_invariants();
                });
                return said.empty() ? std::to_string(ended) : said;
              }),
              "7")
        << seed;
}

} // namespace
} // namespace mmsim::tests::affinity_test

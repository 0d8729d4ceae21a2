// lockdep: what is legal passes, and what is found ends the command.
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/log.hpp"
#include "scenarios/scenario.hpp"
#include "tests/smoke/command_fixture.hpp"
#include "tests/support/lockdep_world.hpp"

namespace mmsim::tests::lockdep_test {
namespace {

// --- what is legal

TEST(Lockdep, ARandomLegalProgramPasses) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    EXPECT_EQ(
        text_in_child([&]() -> std::string {
          TasksWorld world(4);
          std::vector<std::unique_ptr<SpinLock>> spin; // taken in their order, the upper half with irqs off
          std::vector<std::unique_ptr<RwSemaphore>> sleep;
          const std::vector<const char*> names{"a", "b", "c", "d", "e", "f"};
          for (const char* name : names)
            spin.push_back(world.locks.make(name));
          for (const char* name : {"u", "v", "w"})
            sleep.push_back(std::make_unique<RwSemaphore>(world.locks, world.scheduler, name));
          for (std::uint32_t i = 0; i < 9; ++i)
            world.task("t" + std::to_string(i), i % 4,
                       [&, random = RandomStream(seed, std::to_string(i))](Task& task) mutable {
                         for (int round = 0; round < 100; ++round) {
                           std::vector<std::pair<RwSemaphore*, bool>> slept;
                           for (const auto& semaphore : sleep)
                             if (random.below(2) != 0) {
                               const bool writes = random.below(3) == 0;
                               writes ? semaphore->down_write(task) : semaphore->down_read(task);
                               slept.emplace_back(semaphore.get(), writes);
                             }
                           world.scheduler.resched_point(task);
                           std::vector<SpinLock*> spun;
                           for (std::size_t k = 0; k < 3; ++k)
                             if (random.below(2) != 0) {
                               spin[k]->lock(task.core());
                               spun.push_back(spin[k].get());
                             }
                           if (random.below(8) == 0) world.call_all(task.core());
                           for (std::size_t k = 3; k < 6; ++k)
                             if (random.below(2) != 0) {
                               spin[k]->lock_irqsave(task.core());
                               work(task.core(), random.exponential(100_ns));
                               spin[k]->unlock_irqrestore(task.core());
                             }
                           while (!spun.empty()) { // in any order
                             const std::size_t k = random.below(spun.size());
                             spun[k]->unlock(task.core());
                             spun.erase(spun.begin() + static_cast<std::ptrdiff_t>(k));
                           }
                           for (const auto& [semaphore, writes] : slept)
                             if (!writes) {
                               semaphore->up_read(task);
                             } else if (random.below(2) != 0) {
                               semaphore->downgrade_write(task);
                               semaphore->up_read(task);
                             } else {
                               semaphore->up_write(task);
                             }
                         }
                       });
          return world.said();
        }),
        "")
        << "seed " << seed;
}

TEST(Lockdep, ARandomLegalProgramOfReadersAndWritersPasses) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    EXPECT_EQ(text_in_child([&]() -> std::string {
                CoresWorld world(4);
                RwLock tasklist(world.locks, world.machine, "tasklist_lock");
                SeqLock jiffies(world.locks, "jiffies_lock");
                const auto inner = world.locks.make("inner_lock");
                const auto look = [&](Core& core, Duration length) {
                  std::uint32_t since;
                  do {
                    since = jiffies.read_seqbegin(core);
                    core.charge(length, Account::work);
                  } while (jiffies.read_seqretry(core, since));
                };
                world.tick.body = [&](Core& core) {
                  tasklist.read_lock(core);
                  look(core, 50_ns);
                  tasklist.read_unlock(core);
                };
                std::uint32_t finished = 0;
                for (std::uint32_t cpu = 0; cpu < 4; ++cpu)
                  world.on(cpu, [&, random = RandomStream(seed, std::to_string(cpu))](Core& core) mutable {
                    for (int round = 0; round < 200; ++round) {
                      work(core, random.exponential(500_ns));
                      switch (random.below(4)) {
                      case 0:
                        tasklist.read_lock(core);
                        look(core, random.exponential(100_ns));
                        tasklist.read_unlock(core);
                        break;
                      case 1:
                        tasklist.write_lock_irqsave(core);
                        jiffies.write_seqlock(core);
                        work(core, random.exponential(100_ns));
                        jiffies.write_sequnlock(core);
                        tasklist.write_unlock_irqrestore(core);
                        break;
                      case 2:
                        tasklist.read_lock_irqsave(core);
                        inner->lock(core);
                        look(core, random.exponential(100_ns));
                        inner->unlock(core);
                        tasklist.read_unlock_irqrestore(core);
                        break;
                      default:
                        look(core, random.exponential(100_ns));
                      }
                    }
                    ++finished;
                  });
                world.interrupt_while([&] { return finished < 4; }, 1_us, seed);
                return world.said();
              }),
              "")
        << "seed " << seed;
}

TEST(Lockdep, ARandomLegalProgramOfMutexesSemaphoresAndRcuPasses) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    EXPECT_EQ(text_in_child([&]() -> std::string {
                KernelWorld world(4, {}, {}, seed);
                Mutex mutex(world.system.locks, world.system.scheduler, "slab_mutex");
                Semaphore semaphore(world.system.locks, world.system.scheduler, "console_sem", 2);
                const auto lock = world.system.locks.make("inner_lock");
                for (std::uint32_t i = 0; i < 8; ++i)
                  spawn_process_at_boot(
                      world.system, "t", CoreId(i % 4),
                      [&, random = RandomStream(seed, std::to_string(i))](Task& task) mutable {
                        Rcu& rcu = world.system.rcu();
                        for (int round = 0; round < 50; ++round) {
                          semaphore.down(task);
                          if (random.below(2) != 0) mutex.lock(task);
                          rcu.read_lock(task.core());
                          lock->lock(task.core());
                          rcu.read_lock(task.core());
                          work(task.core(), random.exponential(100_ns));
                          lock->unlock(task.core());
                          rcu.read_unlock(task.core());
                          rcu.read_unlock(task.core());
                          if (mutex.held_by(task)) {
                            if (random.below(8) == 0) rcu.synchronize(task);
                            mutex.unlock(task);
                          }
                          semaphore.up(task.core());
                          work(task.core(), random.exponential(1_us));
                        }
                        exit_task(world.system, task);
                      });
                return violation_of([&] { world.engine.run(); });
              }),
              "")
        << "seed " << seed;
}

TEST(Lockdep, ChangesNoResult) {
  for (const NamedScenario& scenario : scenarios) {
    const auto settings =
        scenario.settings + std::vector<std::string>{"machine.base=kunpeng920-128", "kernel.base=5.10",
                                                     "run.cpus=4", "kernel.tlb_flush=lazy"};
    const PointResult on = point(settings),
                      off = point(settings + std::vector<std::string>{"run.lockdep=false"});
    EXPECT_EQ(on.status, PointStatus::done) << on.message;
    EXPECT_EQ(to_json(on), to_json(off)) << scenario.name;
  }
}

// --- from the command line

/// In this test program only: takes two locks in both orders.
class Inversion final : public Scenario {
  void start(Experiment& x) override {
    x.expect_ready(1);
    a_ = x.system().locks.make("a_lock"), b_ = x.system().locks.make("b_lock");
    spawn_process_at_boot(x.system(), "inverter", CoreId(0), [this, &x](Task& task) {
      x.ready(task);
      for (auto [outer, inner] : {std::pair{a_.get(), b_.get()}, std::pair{b_.get(), a_.get()}}) {
        outer->lock(task.core());
        inner->lock(task.core());
        inner->unlock(task.core());
        outer->unlock(task.core());
      }
      exit_task(x.system(), task);
    });
  }
  std::unique_ptr<SpinLock> a_, b_;
};
const Registered<Scenario> registered{"planted_inversion", "two locks in both orders",
                                      [](const Configuration&) { return std::make_unique<Inversion>(); }};

TEST(Lockdep, AViolationEndsTheCommandWithStatusOneAndItsWholeText) {
  const TestFolder folder;
  set_up_log();
  testing::internal::CaptureStderr();
  const int status =
      run_command({{},
                   {"scenario.name=planted_inversion", "kernel.base=5.10", "machine.base=neoverse-n1-80"},
                   folder / "result",
                   ""});
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(status, exit_violation);
  EXPECT_THAT(said, AllOf(HasSubstr("1 of 1 runs found a violation"), HasSubstr("lock order inversion"),
                          HasSubstr("\n  b_lock -> a_lock: cpu 0, task "),
                          HasSubstr("\n  a_lock -> b_lock: cpu 0, task ")));
  EXPECT_THAT(
      contents_of(folder.path() / "result" / "manifest.json"),
      AllOf(HasSubstr("\"status\": \"violation\""), HasSubstr("\\n  a_lock -> b_lock: cpu 0, task ")));
}

TEST(Lockdep, TurnedOffFindsNothing) {
  EXPECT_EQ(run_command({{},
                         {"scenario.name=planted_inversion", "kernel.base=5.10",
                          "machine.base=neoverse-n1-80", "run.lockdep=false"},
                         {},
                         ""}),
            exit_done);
}

} // namespace
} // namespace mmsim::tests::lockdep_test

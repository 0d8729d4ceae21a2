// Per-VMA locks: who waits for whom, and that nobody uses an area that has gone.
#include "models/operations/vma_lock.hpp"
#include "sim/engine/random.hpp"
#include "tests/support/kernel_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::vma_lock_test {
namespace {

using namespace std::chrono_literals;

const Settings maple{{"kernel.vma_tree", "maple"}, {"kernel.vma_cache", "none"}};
const Settings with_locks = maple + Settings{{"kernel.vma_lock", true}};

// One thread holds mmap_lock for writing for 1 ms, and does `inside` first; the other faults meanwhile in an
// area that has its anon_vma. True if it is done before the writer is.
bool fault_overtakes(KernelWorld& w, const std::function<void(Task&, Vma&)>& inside) {
  PageNumber area{};
  bool held = false;
  Instant faulted{}, released{};
  Task& writer = spawn_process_at_boot(w.system, "writer", CoreId(0), [&](Task& task) {
    MmStruct& mm = *task.mm;
    area = mmap(w.system, task, 2);
    touch(w.system, task, area, AccessKind::write);
    mm.mmap_lock.down_write(task);
    inside(task, *mm.vmas.find(area));
    held = true;
    task.core().charge(1ms, Account::work);
    task.core().settle();
    released = task.now();
    mm.mmap_lock.up_write(task);
    exit_task(w.system, task);
  });
  spawn_thread_at_boot(w.system, "faulter", *writer.mm, CoreId(1), [&](Task& task) {
    w.spin_in_user_mode(task, held);
    touch(w.system, task, area + 1, AccessKind::write);
    faulted = task.now();
    exit_task(w.system, task);
  });
  w.engine.run();
  w.system.check_invariants();
  return faulted < released;
}

TEST(VmaLocks, AFaultDoesNotWaitForAWriterWhoDoesNotWriteItsArea) {
  KernelWorld w(2, with_locks);
  EXPECT_TRUE(fault_overtakes(w, [](Task&, Vma&) {}));
  EXPECT_EQ(w.count(Counter::vma_lock_success), 1u);
  EXPECT_EQ(w.count(Counter::vma_lock_abort), 1u); // the first fault, without an anon_vma
}

TEST(VmaLocks, AFaultWaitsForTheWriterOfItsArea) {
  KernelWorld w(2, with_locks);
  EXPECT_FALSE(fault_overtakes(w, [](Task& task, Vma& vma) { vma_start_write(task, *task.mm, vma); }));
  EXPECT_EQ(w.count(Counter::vma_lock_success), 0u);
  EXPECT_EQ(w.count(Counter::vma_lock_abort), 2u);
}

TEST(VmaLocks, WithoutThemAFaultWaitsForEveryWriter) {
  KernelWorld w(2, maple);
  EXPECT_FALSE(fault_overtakes(w, [](Task&, Vma&) {}));
  EXPECT_EQ(w.count(Counter::vma_lock_success) + w.count(Counter::vma_lock_abort), 0u);
}

TEST(VmaLocks, AWriterWaitsForTheFaultsThatAreInTheArea) {
  KernelWorld w(2, with_locks);
  PageNumber area{};
  bool locked = false;
  Instant left{}, unmapped{};
  Task& faulter = spawn_process_at_boot(w.system, "faulter", CoreId(0), [&](Task& task) {
    area = mmap(w.system, task, 2);
    touch(w.system, task, area, AccessKind::write);
    Vma* vma = lock_vma_under_rcu(w.system, task, *task.mm, area + 1);
    ASSERT_NE(vma, nullptr);
    locked = true;
    task.core().charge(1ms, Account::work);
    task.core().settle();
    left = task.now();
    vma_end_read(w.system, task, *vma);
    exit_task(w.system, task);
  });
  spawn_thread_at_boot(w.system, "writer", *faulter.mm, CoreId(1), [&](Task& task) {
    w.spin_in_user_mode(task, locked);
    munmap(w.system, task, area, 2);
    unmapped = task.now();
    exit_task(w.system, task);
  });
  w.engine.run();
  EXPECT_LT(left, unmapped);
  w.system.check_invariants();
}

// The faulter is held up between finding the area and locking it; meanwhile another one takes its place.
TEST(VmaLocks, AnAreaThatHasLeftTheTreeIsNotTakenForTheOneInItsPlace) {
  KernelWorld w(2, with_locks + Settings{{"machine.work.maple_node", "1 us"}});
  PageNumber area{};
  bool found = false, over = false;
  const Vma *old = nullptr, *replaced = nullptr, *locked = nullptr;
  Task& writer = spawn_process_at_boot(w.system, "writer", CoreId(0), [&](Task& task) {
    area = mmap(w.system, task, 2);
    touch(w.system, task, area, AccessKind::write);
    old = task.mm->vmas.find(area);
    while (!found)
      run_user(w.system, task, 100ns);
    munmap(w.system, task, area, 2);
    EXPECT_EQ(mmap(w.system, task, 2), area);
    replaced = task.mm->vmas.find(area);
    w.spin_in_user_mode(task, over);
    exit_task(w.system, task);
  });
  spawn_thread_at_boot(w.system, "faulter", *writer.mm, CoreId(1), [&](Task& task) {
    while (old == nullptr)
      run_user(w.system, task, 100ns);
    run_user(w.system, task, 5us);
    w.engine.at(task.now() + 500ns, [&] {
      found = true;
      task.core().stall(200us);
    });
    locked = lock_vma_under_rcu(w.system, task, *task.mm, area);
    if (locked != nullptr) vma_end_read(w.system, task, const_cast<Vma&>(*locked));
    over = true;
    exit_task(w.system, task);
  });
  w.engine.run();
  EXPECT_EQ(w.count(Counter::vma_lock_miss), 1u);
  EXPECT_EQ(locked, nullptr); // the new one has no anon_vma yet
  EXPECT_NE(replaced, old);   // whose memory a reader might still look at
  w.system.check_invariants();
}

TEST(VmaLocks, RandomMapsFaultsAndForksOfThreadsLeaveNothingBehind) {
  KernelWorld w(4, with_locks + Settings{{"kernel.hz", std::int64_t{1000}}});
  MmStruct* shared = nullptr;
  PageNumber common{};
  bool mapped = false;
  for (std::uint32_t cpu = 0; cpu < 4; ++cpu) {
    const auto body = [&, cpu](Task& task) {
      RandomStream random(7, "vma locks " + std::to_string(cpu));
      if (cpu == 0) {
        common = mmap(w.system, task, 64);
        mapped = true;
      }
      w.spin_in_user_mode(task, mapped);
      std::vector<std::pair<PageNumber, std::uint64_t>> mine;
      for (int step = 0; step < 300; ++step) {
        switch (random.below(5)) {
        case 0: {
          const std::uint64_t pages = 1 + random.below(20);
          mine.emplace_back(mmap(w.system, task, pages), pages);
        } break;
        case 1:
          if (mine.empty()) break;
          munmap(w.system, task, mine.back().first, mine.back().second);
          mine.pop_back();
          break;
        case 2:
          if (step % 8 == 0)
            fork(w.system, task, CoreId(cpu), [&](Task& child) { exit_task(w.system, child); });
          break;
        default:
          touch(w.system, task,
                mine.empty() ? common + random.below(64)
                             : mine.back().first + random.below(mine.back().second),
                AccessKind::write);
        }
      }
      exit_task(w.system, task);
    };
    Task& task = cpu == 0 ? spawn_process_at_boot(w.system, "thread", CoreId(cpu), body)
                          : spawn_thread_at_boot(w.system, "thread", *shared, CoreId(cpu), body);
    shared = task.mm;
  }
  w.engine.run();
  EXPECT_GT(w.count(Counter::vma_lock_success), 0u);
  EXPECT_GT(w.count(Counter::vma_lock_abort), 0u);
  w.system.check_invariants();
}

std::string refusal(const Settings& settings) {
  try {
    KernelWorld w(1, settings);
  } catch (const InputError& error) {
    return error.what();
  }
  return {};
}

TEST(VmaTreeInput, VmaLocksWithAnRbtreeAreRefusedNamingBothKeys) {
  const std::string said = refusal({{"kernel.vma_lock", true}});
  EXPECT_NE(said.find("kernel.vma_lock"), std::string::npos) << said;
  EXPECT_NE(said.find("kernel.vma_tree"), std::string::npos) << said;
}

TEST(VmaTreeInput, ACacheBeforeAMapleTreeIsRefusedNamingBothKeys) {
  const std::string said = refusal({{"kernel.vma_tree", "maple"}});
  EXPECT_NE(said.find("kernel.vma_cache"), std::string::npos) << said;
  EXPECT_NE(said.find("kernel.vma_tree"), std::string::npos) << said;
}

} // namespace
} // namespace mmsim::tests::vma_lock_test

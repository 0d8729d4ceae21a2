// Do two address spaces ever use the same id on a core whose TLB still holds entries of the first?

#include "models/operations/affinity.hpp"
#include "tests/support/kernel_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mmsim::tests::asid_test {
namespace {

using namespace literals;
using testing::HasSubstr;

// cpu 0 runs A all the time, while so many processes begin on cpu 1 that ids run out and B, there, gets the
// number of A in the next generation. Then B goes to cpu 0.
std::string number_given_to_another(const char* allocator) {
  KernelWorld w(2, {{"kernel.asid_bits", std::int64_t{8}},
                    {"kernel.asid_allocator", std::string(allocator)},
                    {"kernel.tlb_flush", "eager"}});
  bool b_comes = false;
  Task& a = spawn_process_at_boot(w.system, "A", CoreId(0), [&](Task& task) {
    const PageNumber page = mmap(w.system, task, 1);
    touch(w.system, task, page, AccessKind::write);
    WorkingSet set{page, 1, 100_ns, AccessKind::write};
    while (!b_comes)
      run_user(w.system, task, 1_us, &set);
    w.system.scheduler.yield(task);
    exit_task(w.system, task);
  });
  a.bound = true;
  MmStruct& mm_of_a = *a.mm;
  spawn_process_at_boot(w.system, "B", CoreId(1), [&](Task& task) {
    const PageNumber page = mmap(w.system, task, 1);
    touch(w.system, task, page, AccessKind::write);
    const Asid wanted = w.system.ids.id_of(mm_of_a);
    Core& core = task.core();
    core.irq_disable();
    for (int i = 0; i < 600; ++i) { // stands for as many processes
      task.mm->context = 0;
      w.system.ids.check_and_switch(core, *task.mm);
      if (w.system.ids.id_of(*task.mm) == wanted && i > 255) break;
    }
    core.settle();
    core.irq_enable();
    run_user(w.system, task, 20_us); // A goes on with what it has
    b_comes = true;
    sched_setaffinity(w.system, task, task, CoreId(0));
    touch(w.system, task, page, AccessKind::write);
    exit_task(w.system, task);
  }).bound = true;
  return violation_of([&] { w.engine.run(); });
}

TEST(Asids, OfArm2_6_24OnTwoCpusLetAProcessUseTheEntriesOfAnother) {
  EXPECT_THAT(number_given_to_another("armv6"), AllOf(HasSubstr("address-space ids: cpu 0 loads mm"),
                                                      HasSubstr("may still hold entries of mm")));
}
TEST(Asids, OfArm64DoNot) { EXPECT_EQ(number_given_to_another("arm64"), ""); }

// More processes than ids, on all CPUs, with migration: several roll-overs.
std::string churn(const std::string& policy, std::uint32_t cpus, std::uint64_t ties, const char* allocator) {
  KernelWorld w(cpus,
                {{"kernel.asid_bits", std::int64_t{8}},
                 {"kernel.asid_allocator", std::string(allocator)},
                 {"kernel.tlb_flush", policy},
                 {"kernel.hz", std::int64_t{10'000}},
                 {"kernel.time_slice", "50 us"},
                 {"kernel.balance_interval", "100 us"}},
                Engine::Options{true, ties}, ties);
  constexpr int children = 700;
  const int each = children / static_cast<int>(cpus);
  for (std::uint32_t cpu = 0; cpu < cpus; ++cpu)
    spawn_process_at_boot(w.system, "parent", CoreId(cpu), [&, cpu](Task& task) {
      const PageNumber heap = mmap(w.system, task, 2);
      for (int i = 0; i < each; ++i) {
        touch(w.system, task, heap, AccessKind::write);
        fork(w.system, task, CoreId((cpu + static_cast<std::uint32_t>(i)) % cpus), [&, heap](Task& child) {
          touch(w.system, child, heap, AccessKind::write);
          run_user(w.system, child, 3_us);
          touch(w.system, child, heap, AccessKind::write);
          exit_task(w.system, child);
        });
        run_user(w.system, task, 10_us);
      }
      exit_task(w.system, task);
    });
  return violation_of([&] {
    w.engine.run();
    w.system.check_invariants();
    if (w.count(Counter::tlb_flush_all) < 2) throw Violation("no roll-over");
  });
}

TEST(Asids, RollOverUnderEveryPolicyWithoutHarm) {
  for (const char* policy : {"broadcast", "eager_all", "eager", "lazy", "leave_mm", "latr"})
    for (const std::uint32_t cpus : {1u, 4u})
      EXPECT_EQ(text_in_child([&] { return churn(policy, cpus, 1, "arm64"); }), "") << policy << " " << cpus;
}
TEST(Asids, OfArm2_6_24RollOverOnOneCpuWithoutHarm) { EXPECT_EQ(churn("eager", 1, 1, "armv6"), ""); }

} // namespace
} // namespace mmsim::tests::asid_test

// Does a slab cache give every object to one caller only, and all memory back?

#include "models/pages/slab_caches.hpp"
#include "models/rmap/anon_vma.hpp"
#include "sim/engine/random.hpp"
#include "tests/support/kernel_world.hpp"
#include "tests/support/paged_machine.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace mmsim::tests::slab_test {
namespace {

using testing::HasSubstr;

struct SlabInvariant : testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(, SlabInvariant, testing::Values("bufctl", "freelist"),
                         [](const auto& info) { return std::string(info.param); });

// Callers with objects in their hands, on each core of `m`.
struct Callers {
  Callers(PagedMachine& m, const SlabSpec& spec)
      : m(m), cache({m.machine, m.locks, m.pages, m.configuration}, spec) {}

  void take(Core& core, std::vector<SlabObject>& mine, Gfp gfp = GFP_KERNEL) {
    const SlabObject object = cache.alloc(core, gfp);
    if (object == no_object) {
      ++out_of_memory;
      return;
    }
    if (owned.size() <= object.value()) owned.resize(object.value() + 1);
    if (owned[object.value()]) throw std::logic_error("an object was given twice");
    owned[object.value()] = true;
    mine.push_back(object);
  }
  void give(Core& core, std::vector<SlabObject>& mine, std::size_t which) {
    const SlabObject object = mine[which];
    mine[which] = mine.back();
    mine.pop_back();
    owned[object.value()] = false;
    cache.free(core, object);
  }
  PagedMachine& m;
  KmemCache cache;
  std::vector<bool> owned; // by object
  std::uint64_t out_of_memory = 0;
};

std::vector<Setting> two_sockets(const char* version, std::int64_t limit = 0) {
  return {{"machine.sockets", std::int64_t{2}},
          {"machine.cores_per_cluster", std::int64_t{3}},
          {"machine.memory", "16 MiB"},
          {"kernel.slab", Value(std::string(version))},
          {"kernel.slab_limit", limit}};
}

// Many small runs, each in a process of its own: how much, how large, which limits.
TEST_P(SlabInvariant, NoObjectIsGivenTwiceAndEverythingComesBackForAnySizeAndLimit) {
  EXPECT_TRUE(rc::check([&] {
    const auto size = *rc::gen::inRange<std::uint32_t>(1, 9000);
    const auto limit = *rc::gen::inRange<std::int64_t>(0, 40);
    const auto shared = *rc::gen::inRange<std::int64_t>(-1, 4);
    const auto seed = *rc::gen::inRange<std::uint64_t>(0, 1000);
    const bool constructed = *rc::gen::arbitrary<bool>();
    const auto result = in_child([&]() -> std::vector<std::int64_t> {
      auto settings = two_sockets(GetParam(), limit);
      settings.push_back({"kernel.slab_shared", shared});
      PagedMachine m(6, settings);
      Callers callers(m, {.name = "objects", .size = size, .constructed = constructed});
      int done = 0;
      m.run_on(6, [&](Core& core) {
        RandomStream random(seed, "cpu " + std::to_string(core.id().value()));
        std::vector<SlabObject> mine;
        for (int i = 0; i < 1500; ++i) {
          core.charge(random.below(Duration(200'000)), Account::user);
          if (random.below(100) < (i % 500 < 250 ? 70u : 30u))
            callers.take(core, mine, random.below(4) == 0 ? GFP_ATOMIC : GFP_KERNEL);
          else if (!mine.empty())
            callers.give(core, mine, random.below(mine.size()));
        }
        while (!mine.empty())
          callers.give(core, mine, mine.size() - 1);
        callers.cache.do_drain(core);
        if (++done < 6) return;
        callers.cache.check_invariants();
        callers.cache.shrink(core);
      });
      callers.cache.check_invariants();
      m.pages.check_invariants();
      return {static_cast<std::int64_t>(callers.cache.in_use()),
              static_cast<std::int64_t>(callers.cache.info().num_objs),
              static_cast<std::int64_t>(m.pages.allocated_frames())};
    });
    RC_ASSERT((result == std::vector<std::int64_t>{0, 0, 0}));
  }));
}

TEST_P(SlabInvariant, CountsAddUpWhileObjectsAreOutAndMemoryRunsOut) {
  PagedMachine m(6, two_sockets(GetParam()));
  Callers callers(m, {.name = "objects", .size = 704, .hwcache_align = true});
  std::vector<SlabObject> held;
  int done = 0;
  m.run_on(6, [&](Core& core) {
    std::vector<SlabObject> mine;
    for (int i = 0; i < 6000; ++i)
      callers.take(core, mine, GFP_ATOMIC);
    callers.cache.do_drain(core);
    held.insert(held.end(), mine.begin(), mine.end());
    if (++done < 6) return;
    EXPECT_GT(callers.out_of_memory, 0u);
    callers.cache.check_invariants();
    m.pages.check_invariants();
    EXPECT_EQ(callers.cache.in_use(), held.size());
    const SlabInfo info = callers.cache.info();
    EXPECT_EQ(info.active_objs, held.size());
    EXPECT_EQ(info.num_objs, info.num_slabs * info.objperslab);
    EXPECT_EQ(info.num_slabs * info.pagesperslab, m.pages.allocated_frames());
    EXPECT_EQ(callers.cache.frames(), m.pages.allocated_frames());
    while (!held.empty()) // of both sockets
      callers.give(core, held, held.size() - 1);
    callers.cache.do_drain(core);
    callers.cache.check_invariants();
    callers.cache.shrink(core);
  });
  callers.cache.check_invariants();
  EXPECT_EQ(m.pages.allocated_frames(), 0u);
}

// Interrupts that allocate and free, while cache_grow() has irqs on.
struct AllocatingHandler : InterruptHandler {
  Callers* callers = nullptr;
  std::vector<SlabObject> held;
  std::uint64_t taken = 0;
  void handle(Core& core) override {
    if (++taken % 3 != 0)
      callers->take(core, held, GFP_ATOMIC);
    else if (!held.empty())
      callers->give(core, held, 0);
  }
};

TEST_P(SlabInvariant, InterruptsThatAllocateAndFreeFindTheArraysWhole) {
  PagedMachine m(2, {{"kernel.slab", GetParam()},
                     {"kernel.slab_limit", std::int64_t{2}},
                     {"kernel.slab_shared", std::int64_t{0}},
                     {"machine.memory", "16 MiB"}});
  Callers callers(m, {.name = "objects", .size = 1024});
  AllocatingHandler handler;
  handler.callers = &callers;
  m.machine.set_handler(Irq::tick, handler);
  m.run_on(1, [&](Core& core) {
    RandomStream random(3, "ticks");
    std::vector<SlabObject> mine;
    for (int i = 0; i < 50'000; ++i) {
      if (i % 2 == 0)
        m.engine.at(m.engine.now() + random.below(Duration(900'000)), [&] { core.raise(Irq::tick); });
      if (random.below(2) == 0)
        callers.take(core, mine);
      else if (!mine.empty())
        callers.give(core, mine, random.below(mine.size()));
    }
  });
  EXPECT_GT(handler.taken, 5'000u);
  callers.cache.check_invariants();
}

TEST(Slab, AnObjectOfAnotherNodeGoesStraightToItsSlab) {
  PagedMachine m(2, {{"machine.sockets", std::int64_t{2}},
                     {"machine.cores_per_cluster", std::int64_t{1}},
                     {"machine.memory", "64 MiB"}});
  Callers callers(m, {.name = "objects", .size = 200});
  std::vector<SlabObject> mine;
  m.run_on(2, [&](Core& core) {
    if (core.id() == CoreId(0)) {
      callers.take(core, mine);
      return;
    }
    core.charge(Duration(1'000'000'000), Account::user);
    core.settle();
    EXPECT_EQ(m.pages.node_of(callers.cache.frame_of(mine[0])), NodeId(0));
    const std::uint64_t active = callers.cache.info().active_objs;
    callers.give(core, mine, 0);
    EXPECT_EQ(callers.cache.info().active_objs, active - 1);
  });
  callers.cache.check_invariants();
}

// Node 0 has no page left, so that its cores live on objects of node 1.
void live_on_another_nodes_objects(const char* version, std::int64_t shared) {
  auto settings = two_sockets(version, 8);
  settings.push_back({"kernel.slab_shared", shared});
  PagedMachine m(6, settings);
  Callers callers(m, {.name = "objects", .size = 200});
  m.run([&](Core& core) {
    std::vector<FrameNumber> taken;
    while (taken.empty() || m.pages.node_of(taken.back()) == NodeId(0))
      taken.push_back(m.pages.alloc_page(core));
    std::vector<SlabObject> mine;
    for (int i = 0; i < 402; ++i)
      callers.take(core, mine);
    EXPECT_EQ(m.pages.node_of(callers.cache.frame_of(mine.back())), NodeId(1));
    callers.cache.check_invariants();
    const SlabInfo info = callers.cache.info();
    EXPECT_EQ(info.num_slabs,
              (402 + info.objperslab - 1) / info.objperslab); // one is used up before the next
    for (int i = 0; i < 100; ++i)
      callers.give(core, mine, 0);
    callers.cache.check_invariants();
    for (const FrameNumber frame : taken) // node 0 has memory again
      m.release(core, frame);
    for (int i = 0; i < 300; ++i)
      callers.take(core, mine);
    EXPECT_EQ(m.pages.node_of(callers.cache.frame_of(mine.back())), NodeId(0));
    callers.cache.check_invariants();
    while (!mine.empty())
      callers.give(core, mine, mine.size() - 1);
    callers.cache.do_drain(core);
    callers.cache.check_invariants();
    callers.cache.shrink(core);
  });
  callers.cache.check_invariants();
  EXPECT_EQ(callers.cache.info().num_objs, 0u);
  EXPECT_EQ(m.pages.allocated_frames(), 0u);
}

TEST_P(SlabInvariant, ArraysHoldTheirOwnNodesObjectsEvenIfNewSlabsComeFromAnotherNode) {
  live_on_another_nodes_objects(GetParam(), -1);
}
TEST_P(SlabInvariant, ArraysHoldTheirOwnNodesObjectsWithoutASharedArrayToo) {
  live_on_another_nodes_objects(GetParam(), 0);
}

TEST_P(SlabInvariant, WrongFreesAreViolations) {
  PagedMachine m(1, {{"kernel.slab", GetParam()}});
  KmemCache cache({m.machine, m.locks, m.pages, m.configuration}, {.name = "objects", .size = 200});
  m.run([&](Core& core) {
    const auto freeing = [&](SlabObject object) { return violation_of([&] { cache.free(core, object); }); };
    EXPECT_THAT(freeing(SlabObject(0)), HasSubstr("objects: freeing object 0, which is in no slab"));
    const SlabObject object = cache.alloc(core);
    EXPECT_EQ(freeing(object), "");
    EXPECT_THAT(freeing(object), HasSubstr("which is free: it is in an array"));
    cache.do_drain(core);
    EXPECT_THAT(freeing(object), HasSubstr("which is free: it is in its slab"));
    EXPECT_THAT(freeing(no_object), HasSubstr("in no slab"));
    cache.shrink(core);
    EXPECT_THAT(freeing(object), HasSubstr("which is in no slab"));
  });
}

// --- the caches of processes

struct ProcessObjects : testing::TestWithParam<std::pair<const char*, const char*>> {};
INSTANTIATE_TEST_SUITE_P(Caches, ProcessObjects,
                         testing::Values(std::pair{"bufctl", "buddy"}, std::pair{"bufctl", "slab"},
                                         std::pair{"freelist", "buddy"}, std::pair{"freelist", "slab"}),
                         [](const auto& info) {
                           return std::string(info.param.first) + "_" + info.param.second;
                         });

TEST_P(ProcessObjects, LiveAsLongAsTheirProcessesAndAllComeBack) {
  KernelWorld w(4, {{"kernel.slab", GetParam().first},
                    {"kernel.table_pages", GetParam().second},
                    {"kernel.kthread_switch", "eager"}}); // idle cores borrow no address space
  SlabCaches& slabs = w.system.slabs;
  for (std::uint32_t cpu = 0; cpu < 4; ++cpu)
    spawn_process_at_boot(w.system, "process", CoreId(cpu), [&](Task& task) {
      std::vector<PageNumber> areas;
      for (int i = 0; i < 5; ++i)
        areas.push_back(mmap(w.system, task, 3));
      for (int i = 0; i < 4; ++i) // the last one is never touched
        touch(w.system, task, areas[i], AccessKind::write);
      for (int round = 0; round < 30; ++round) {
        Completion exited("the child's exit");
        fork(w.system, task, CoreId(static_cast<std::uint32_t>(round) % 4), [&](Task& child) {
          EXPECT_NE(child.mm->object, no_object);
          EXPECT_NE(child.files, no_object);
          touch(w.system, child, areas[1] + 1, AccessKind::write);
          munmap(w.system, child, areas[2], 3);
          const PageNumber more = mmap(w.system, child, 700);
          touch(w.system, child, more, AccessKind::write);
          exit_task(w.system, child);
          exited.complete(w.system, child.core());
        });
        touch(w.system, task, areas[3] + 2, AccessKind::write);
        exited.wait(w.system, task);
      }
      munmap(w.system, task, areas[0], 3);
      exit_task(w.system, task);
    });
  w.engine.run();
  w.system.check_invariants();
  for (const KmemCache* cache : slabs.all()) {
    EXPECT_EQ(cache->in_use(), 0u) << cache->info().name;
    EXPECT_GT(cache->info().num_objs, 0u) << cache->info().name;
  }
  EXPECT_EQ(slabs.pgtable != nullptr, GetParam().second == std::string("slab"));
}

TEST(FamilyObjects, AnAreaGetsItsAnonVmaAtItsFirstPageAndAFamilySharesIt) {
  KernelWorld w(2, {{"kernel.rmap", "anon_vma"}});
  SlabCaches& slabs = w.system.slabs;
  spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
    const PageNumber area = mmap(w.system, task, 3, 512), untouched = mmap(w.system, task, 3, 512); // apart
    EXPECT_EQ(slabs.vm_area_struct.in_use(), 2u);
    EXPECT_EQ(slabs.anon_vma.in_use(), 0u);
    touch(w.system, task, area, AccessKind::write);
    touch(w.system, task, area + 1, AccessKind::write);
    EXPECT_EQ(slabs.anon_vma.in_use(), 1u);
    Completion exited("the child's exit");
    fork(w.system, task, CoreId(1), [&](Task& child) {
      const Vma& mine = *child.mm->vmas.find(area);
      EXPECT_EQ(mine.anon_vma, task.mm->vmas.find(area)->anon_vma);
      EXPECT_EQ(mine.anon_vma->listed, 2u);
      EXPECT_NE(mine.object, task.mm->vmas.find(area)->object);
      touch(w.system, child, area, AccessKind::write);
      touch(w.system, child, untouched, AccessKind::write); // of its own: the parent had none to share
      EXPECT_EQ(slabs.anon_vma.in_use(), 2u);
      w.system.check_invariants();
      exit_task(w.system, child);
      EXPECT_EQ(slabs.anon_vma.in_use(), 1u);
      exited.complete(w.system, child.core());
    });
    EXPECT_EQ(slabs.mm_struct.in_use(), 1u); // the parent was there at boot
    EXPECT_EQ(slabs.files.in_use(), 1u);
    exited.wait(w.system, task);
    EXPECT_EQ(task.mm->vmas.find(area)->anon_vma->listed, 1u);
    munmap(w.system, task, area, 3);
    EXPECT_EQ(slabs.anon_vma.in_use(), 0u);
    exit_task(w.system, task);
  });
  w.engine.run();
  w.system.check_invariants();
}

TEST(FamilyObjects, ThreadsThatFaultAtOnceMakeOneAnonVma) {
  KernelWorld w(4);
  PageNumber area{};
  bool mapped = false;
  MmStruct* mm = nullptr;
  const auto fault = [&](Task& task) {
    touch(w.system, task, area + task.core().id().value(), AccessKind::write);
    EXPECT_EQ(task.mm->vmas.find(area)->anon_vma->areas.size(), 1u);
    exit_task(w.system, task);
  };
  mm = spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
         area = mmap(w.system, task, 4);
         mapped = true;
         fault(task);
       }).mm;
  for (std::uint32_t cpu = 1; cpu < 4; ++cpu)
    spawn_thread_at_boot(w.system, "thread", *mm, CoreId(cpu), [&](Task& task) {
      w.spin_in_user_mode(task, mapped);
      fault(task);
    });
  w.engine.run();
  w.system.check_invariants();
  // Those that came too late had one, too, and gave it back.
  EXPECT_GT(w.counters.snapshot().lock_class("page_table_lock").acquired, 4u);
}

TEST(FamilyObjects, ALostObjectAndAWrongCountAreFound) {
  KernelWorld w(1);
  spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
    const PageNumber area = mmap(w.system, task, 1);
    touch(w.system, task, area, AccessKind::write);
    Vma& vma = *task.mm->vmas.find(area);
    const SlabObject object = std::exchange(vma.object, no_object);
    EXPECT_THAT(violation_of([&] { w.system.check_invariants(); }),
                HasSubstr("vm_area_struct: 1 objects are in use, but 0 can be found"));
    vma.object = object;
    ++vma.anon_vma->degree;
    EXPECT_THAT(violation_of([&] { w.system.check_invariants(); }),
                HasSubstr("1 areas, degree 3 and 1 references, but 1, 2 and 1 can be found"));
    --vma.anon_vma->degree;
    Frame& frame = w.system.pages[w.system.slabs.vm_area_struct.frame_of(object)];
    frame.flags = 0;
    EXPECT_THAT(violation_of([&] { w.system.check_invariants(); }), HasSubstr("flags 0"));
    frame.flags = PG_slab;
    w.system.check_invariants();
    exit_task(w.system, task);
  });
  w.engine.run();
}

} // namespace
} // namespace mmsim::tests::slab_test

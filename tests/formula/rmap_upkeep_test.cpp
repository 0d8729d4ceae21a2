// What does the upkeep of each reverse map cost, and how far must a walk look? As its structures say.
//
// One core, every line that is not new in its cache. Each figure is what an operation takes more than with a reverse map
// that keeps nothing.

#include "models/rmap/anon_vma.hpp"
#include "tests/support/unmapping.hpp"
#include "tests/support/versions.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::rmap_upkeep_test {
namespace {

class KeepsNothing final : public ReverseMap {
 public:
  using ReverseMap::ReverseMap;
  void for_each_mapping(Task&, FrameNumber, FunctionRef<Walk(const Mapping&)>) override {}
  std::uint64_t bytes() const override { return 0; }
};
const Registered<ReverseMap> keeps_nothing{"test_keeps_nothing", "to compare with", [](System& system) {
                                             return std::make_unique<KeepsNothing>(system);
                                           }};

constexpr std::int64_t n = 6; // pages of an area

struct Took {
  Duration first_fault, fault, fork, exit, munmap;
};

Settings with(const char* rmap) {
  return {{"kernel.rmap", std::string(rmap)},
          {"kernel.pcp_batch", std::int64_t{2000}},
          {"kernel.pcp_high", std::int64_t{100'000}},
          {"machine.cache.size", "1 GiB"}}; // nothing that was once there is lost
}

Took took_with(const char* rmap) {
  const auto picoseconds = in_child([&] {
    KernelWorld w(1, with(rmap));
    Took took{};
    spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
      for (KmemCache* cache : w.system.slabs.all()) {
        std::vector<SlabObject> objects;
        for (std::int64_t i = 0; i <= n; ++i)
          objects.push_back(cache->alloc(task.core()));
        for (const SlabObject object : objects)
          cache->free(task.core(), object);
      }
      touch(w.system, task, mmap_apart(w.system, task, 1), AccessKind::write); // its table stays
      const PageNumber area = mmap_apart(w.system, task, n);
      took.first_fault = time_of(task, [&] { touch(w.system, task, area, AccessKind::write); });
      took.fault = time_of(task, [&] { touch(w.system, task, area + 1, AccessKind::write); });
      for (std::uint64_t i = 2; i < n; ++i)
        touch(w.system, task, area + i, AccessKind::write);
      w.system.lru->lru_add_drain(task.core());
      Completion exited("the child's exit");
      took.fork = time_of(task, [&] {
        fork(w.system, task, CoreId(0), [&](Task& child) {
          took.exit = time_of(child, [&] { exit_task(w.system, child); });
          exited.complete(w.system, child.core());
        });
      });
      exited.wait(w.system, task);
      took.munmap = time_of(task, [&] { munmap(w.system, task, area, n); });
      exit_task(w.system, task);
    });
    w.engine.run();
    if (std::string(rmap) != "test_keeps_nothing") w.system.check_invariants();
    return std::vector<std::int64_t>{took.first_fault.count(), took.fault.count(), took.fork.count(),
                                     took.exit.count(), took.munmap.count()};
  });
  return {Duration(picoseconds[0]), Duration(picoseconds[1]), Duration(picoseconds[2]),
          Duration(picoseconds[3]), Duration(picoseconds[4])};
}

Took more_than_nothing(const char* rmap) {
  const Took kept = took_with(rmap), nothing = took_with("test_keeps_nothing");
  return {kept.first_fault - nothing.first_fault, kept.fault - nothing.fault, kept.fork - nothing.fork,
          kept.exit - nothing.exit, kept.munmap - nothing.munmap};
}

struct Prices : CostBook {
  explicit Prices(const char* rmap) : CostBook(read_parameters<CostBook>(configuration_with(with(rmap)))) {}
  Duration rmw() const { return line.hit + line.atomic; }
  Duration spinlock() const { return rmw() + line.hit; }
  Duration rwsem() const { return 2 * (rmw() + line.hit); } // for writing: the count and the owner, twice
};

constexpr std::int64_t areas = 2; // and the one that keeps the table

TEST(RmapUpkeep, AnAnonVmaIsALockAndAnObjectForAFamily) {
  const Prices c("anon_vma");
  const Took took = more_than_nothing("anon_vma");
  EXPECT_EQ(took.first_fault, c.work.slab_alloc + c.line.dram + c.work.rmap_link + c.spinlock());
  EXPECT_EQ(took.fault, Duration{});
  EXPECT_EQ(took.fork, areas * c.spinlock());
  EXPECT_EQ(took.exit, areas * c.spinlock());
  EXPECT_EQ(took.munmap, c.spinlock() + c.work.slab_free);
}

TEST(RmapUpkeep, AChainIsALinkForEachAncestorAndAnAnonVmaOfOnesOwn) {
  const Prices c("anon_vma_chain");
  const Took took = more_than_nothing("anon_vma_chain");
  EXPECT_EQ(took.first_fault, 2 * c.work.slab_alloc + c.rwsem() + c.line.dram - c.line.hit /* it is new */ +
                                  c.work.avc_link + c.spinlock() /* page_table_lock */);
  EXPECT_EQ(took.fault, Duration{});
  EXPECT_EQ(took.fork, areas * (3 * c.work.slab_alloc + 2 * (c.rwsem() + c.work.avc_link) +
                                c.rmw() /* a reference on the root */));
  EXPECT_EQ(took.exit, areas * (c.rwsem() + 3 * c.work.slab_free + c.line.dram + c.line.atomic /* its own */ +
                                c.rmw() /* the root */));
  EXPECT_EQ(took.munmap, c.rwsem() + c.rmw() + 2 * c.work.slab_free);
}

TEST(RmapUpkeep, APteChainIsPaidForPageByPage) {
  const Prices c("pte_chain");
  const Took took = more_than_nothing("pte_chain");
  constexpr std::int64_t pages = n + 1;
  const Duration direct = c.line.atomic + c.line.hit; // the lock bit
  EXPECT_EQ(took.first_fault, direct);
  EXPECT_EQ(took.fault, direct);
  EXPECT_EQ(took.fork, pages * (c.work.slab_alloc + c.line.atomic + c.line.dram /* the block is new */));
  EXPECT_EQ(took.exit, pages * (c.spinlock() + c.work.pte_chain_entry));
  // A chain of one stays a chain; each block takes the place of the one that the CPU had.
  EXPECT_EQ(took.munmap, n * (c.spinlock() + c.work.pte_chain_entry) + (n - 1) * c.work.slab_free);
}

// A process and its children, who have all written their pages but the last one, and what it takes to unmap them.
struct Visits {
  std::uint64_t own_first, own_middle, own_last, shared, bytes;
};

constexpr std::uint64_t children = 20, own_pages = 3;

Visits visits_with(const char* rmap) {
  const auto counts = in_child([&] {
    KernelWorld w(1, {{"kernel.rmap", std::string(rmap)}, {"machine.memory", "128 MiB"}});
    std::vector<std::int64_t> found;
    spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
      const PageNumber area = mmap_apart(w.system, task, own_pages + 1);
      for (std::uint64_t i = 0; i <= own_pages; ++i)
        touch(w.system, task, area + i, AccessKind::write);
      std::vector<MmStruct*> mms(children);
      std::vector<std::unique_ptr<Completion>> written, go_on;
      std::vector<std::shared_ptr<Completion>> exits;
      for (std::uint64_t child = 0; child < children; ++child) {
        written.push_back(std::make_unique<Completion>("a child's writing"));
        go_on.push_back(std::make_unique<Completion>("the end of the unmapping"));
        exits.push_back(std::make_shared<Completion>("a child's exit"));
        fork(
            w.system, task, CoreId(0),
            [&, child](Task& self) {
              mms[child] = self.mm;
              for (std::uint64_t i = 0; i < own_pages; ++i)
                touch(w.system, self, area + i, AccessKind::write);
              written[child]->complete(w.system, self.core());
              go_on[child]->wait(w.system, self);
              exit_task(w.system, self);
            },
            exits.back());
      }
      for (const auto& child : written)
        child->wait(w.system, task);
      const auto visits = [&](MmStruct& mm, PageNumber page) {
        const FrameNumber frame = mm.tables.find(page)->frame();
        const std::uint64_t before = w.count(Counter::rmap_visits);
        if (unmap_everywhere(w.system, task, frame) == 0) throw Violation("nothing maps the page");
        return static_cast<std::int64_t>(w.count(Counter::rmap_visits) - before);
      };
      found.push_back(static_cast<std::int64_t>(w.system.rmap->bytes()));
      found.push_back(visits(*mms.front(), area));
      found.push_back(visits(*mms[children / 2], area));
      found.push_back(visits(*mms.back(), area));
      found.push_back(visits(*task.mm, area + own_pages));
      for (std::uint64_t child = 0; child < children; ++child) {
        go_on[child]->complete(w.system, task.core());
        exits[child]->wait(w.system, task);
      }
      found.front() -= static_cast<std::int64_t>(w.system.rmap->bytes()); // what the children have added
      exit_task(w.system, task);
    });
    w.engine.run();
    w.system.check_invariants();
    return found;
  });
  const auto at = [&](std::size_t i) { return static_cast<std::uint64_t>(counts[i]); };
  return {at(1), at(2), at(3), at(4), at(0)};
}

TEST(RmapVisits, AListIsWalkedUpToTheOnlyOneThatMapsThePage) {
  const Visits visits = visits_with("anon_vma");
  EXPECT_EQ(visits.own_first, 1 + 1u); // the parent's area comes first
  EXPECT_EQ(visits.own_middle, 1 + children / 2 + 1);
  EXPECT_EQ(visits.own_last, 1 + children);
  EXPECT_EQ(visits.shared, 1 + children);
}

TEST(RmapVisits, AChainLeadsToTheChildsOwnAreaAlone) {
  const Visits visits = visits_with("anon_vma_chain");
  EXPECT_EQ(visits.own_first, 1u);
  EXPECT_EQ(visits.own_middle, 1u);
  EXPECT_EQ(visits.own_last, 1u);
  EXPECT_EQ(visits.shared, 1 + children);
}

TEST(RmapVisits, APteChainHasTheMappingsAndNothingElse) {
  const Visits visits = visits_with("pte_chain");
  EXPECT_EQ(visits.own_first, 1u);
  EXPECT_EQ(visits.own_middle, 1u);
  EXPECT_EQ(visits.own_last, 1u);
  EXPECT_EQ(visits.shared, 1 + children);
}

// 5.10's objects: vm_area_struct has 56 bytes of it, an anon_vma 80, a link 64; a block of seven entries 64.
TEST(RmapBytes, AreThoseOfTheStructures) {
  EXPECT_EQ(visits_with("anon_vma").bytes, children * 56);
  EXPECT_EQ(visits_with("anon_vma_chain").bytes, children * (56 + 80 + 2 * 64));
  // The page that all share has a chain of 21; of the others the parent's keep their block, a child's need none.
  EXPECT_EQ(visits_with("pte_chain").bytes, (1 + children + 6) / 7 * 64);
  const auto of_scan = in_child([] {
    KernelWorld w(1, {{"kernel.rmap", "scan"}});
    return std::vector{static_cast<std::int64_t>(w.system.rmap->bytes())};
  });
  EXPECT_EQ(of_scan.front(), 0);
  KernelWorld w(1, {{"kernel.rmap", "pte_chain"}});
  EXPECT_EQ(w.system.rmap->bytes(), w.system.pages.managed_frames() * 8);
}

} // namespace
} // namespace mmsim::tests::rmap_upkeep_test

// Does a slab cache divide its memory as the kernel does, and cost what its steps cost?

#include "models/pages/slab_caches.hpp"
#include "tests/support/paged_machine.hpp"

#include <gtest/gtest.h>
#include <ostream>

namespace mmsim {
void PrintTo(const SlabGeometry& g, std::ostream* out) {
  *out << g.objects << " objects of " << g.size << " bytes, order " << g.order << ", " << g.left_over
       << " left, " << static_cast<int>(g.management);
}
} // namespace mmsim

namespace mmsim::tests::slab_test {
namespace {

using Management = SlabGeometry::Management;
constexpr Bytes memory{std::uint64_t{1} << 30}, little_memory{std::uint64_t{32} << 20};
constexpr auto bufctl = SlabVersion::bufctl, freelist = SlabVersion::freelist;

// --- objects a slab: worked out by hand from mm/slab.c

TEST(SlabGeometry, On2_6_24TheHeadAndFourBytesAnObjectAreInTheSlab) {
  // (4096 - 28) / (88 + 4) = 44; head 28 + 44 * 4 = 204, made a multiple of 8
  EXPECT_EQ(slab_geometry({.name = "vm_area_struct", .size = 84}, bufctl, memory),
            (SlabGeometry{88, 44, 0, 4096 - 208 - 44 * 88, Management::on_slab}));
  // 12 bytes become 16 on Arm; (4096 - 28) / 20 = 203; head 840
  EXPECT_EQ(slab_geometry({.name = "anon_vma", .size = 12, .constructed = true}, bufctl, memory),
            (SlabGeometry{16, 203, 0, 8, Management::on_slab}));
  // whole lines of 32 bytes: (4096 - 28) / 356 = 11; head 72, made 96
  EXPECT_EQ(slab_geometry({.name = "mm_struct", .size = 352, .hwcache_align = true}, bufctl, memory),
            (SlabGeometry{352, 11, 0, 128, Management::on_slab}));
  EXPECT_EQ(slab_geometry({.name = "files_cache", .size = 224, .hwcache_align = true}, bufctl, memory),
            (SlabGeometry{224, 17, 0, 192, Management::on_slab}));
}

TEST(SlabGeometry, On2_6_24AnEighthOfAPageGoesOffTheSlabUnlessTheRestHasRoom) {
  // 4096 / 1024 = 4, nothing left
  EXPECT_EQ(slab_geometry({.name = "1024", .size = 1024}, bufctl, memory),
            (SlabGeometry{1024, 4, 0, 0, Management::off_slab}));
  // 4096 / 640 = 6, 256 left: the head of 52, made 56, goes there
  EXPECT_EQ(slab_geometry({.name = "640", .size = 640}, bufctl, memory),
            (SlabGeometry{640, 6, 0, 200, Management::on_slab}));
  EXPECT_EQ(slab_geometry({.name = "508", .size = 508}, bufctl, memory).management, Management::on_slab);
}

TEST(SlabGeometry, On5_10AByteAnObjectIsInAFreeObject) {
  EXPECT_EQ(slab_geometry({.name = "vm_area_struct", .size = 200}, freelist, memory),
            (SlabGeometry{200, 20, 0, 96, Management::in_object}));
  EXPECT_EQ(slab_geometry({.name = "mm_struct", .size = 960, .hwcache_align = true}, freelist, memory),
            (SlabGeometry{960, 4, 0, 256, Management::in_object}));
  // 5 in a page leave 576, more than an eighth: 11 in two
  EXPECT_EQ(slab_geometry({.name = "files_cache", .size = 704, .hwcache_align = true}, freelist, memory),
            (SlabGeometry{704, 11, 1, 448, Management::in_object}));
}

TEST(SlabGeometry, On5_10ObjectsWithAConstructorKeepTheListOutside) {
  // 4096 / 81 = 50: beside them, since kmalloc's smallest object is 128 bytes, more than half of one
  EXPECT_EQ(slab_geometry({.name = "anon_vma", .size = 80, .constructed = true}, freelist, memory),
            (SlabGeometry{80, 50, 0, 46, Management::on_slab}));
  EXPECT_EQ(slab_geometry({.name = "pgtable", .size = 4096, .constructed = true}, freelist, memory),
            (SlabGeometry{4096, 1, 0, 0, Management::off_slab}));
}

TEST(SlabGeometry, On5_10AnIndexHasAByteSoASlabHasAtMost255Objects) {
  const SlabGeometry smallest =
      slab_geometry({.name = "8", .size = 8, .constructed = true}, freelist, memory);
  EXPECT_EQ(smallest.size, 16u);
  EXPECT_EQ(smallest.objects, 240u); // 4096 / 17
}

TEST(SlabGeometry, OrdersEndAt1OrWithLittleMemoryAt0) {
  for (const SlabVersion version : {bufctl, freelist}) {
    EXPECT_EQ(slab_geometry({.name = "1500", .size = 1504}, version, memory).order, 1u);
    EXPECT_EQ(slab_geometry({.name = "1500", .size = 1504}, version, little_memory).order, 0u);
    EXPECT_EQ(slab_geometry({.name = "1500", .size = 1504, .reclaimable = true}, version, memory).order, 0u);
    EXPECT_EQ(slab_geometry({.name = "9000", .size = 9000}, version, memory).order,
              2u); // the first that holds one
  }
}

TEST(SlabTuning, LimitsFollowTheSizeAndTheSharedArrayNeedsSeveralCpus) {
  const auto is = [](std::uint32_t size, SlabTuning expected) {
    EXPECT_EQ(slab_tuning(size, 2), expected) << size;
  };
  is(16, {120, 60, 8});
  is(256, {120, 60, 8});
  is(257, {54, 27, 8});
  is(1024, {54, 27, 8});
  is(1025, {24, 12, 8});
  is(4096, {24, 12, 8});
  is(4097, {8, 4, 0});
  is(131072, {8, 4, 0});
  is(131073, {1, 1, 0});
  EXPECT_EQ(slab_tuning(200, 1), (SlabTuning{120, 60, 0}));
}

// --- what it costs: two cores of a cluster, pages at hand

struct SlabCosts : testing::TestWithParam<const char*> {
  const bool old = GetParam() == std::string("bufctl");
  PagedMachine m{2,
                 {{"machine.clusters_per_die", std::int64_t{1}},
                  {"machine.cores_per_cluster", std::int64_t{2}},
                  {"machine.memory", "64 MiB"},
                  {"kernel.pcp_batch", std::int64_t{500}},
                  {"kernel.slab", GetParam()}}};
  KmemCache cache{{m.machine, m.locks, m.pages, m.configuration}, {.name = "areas", .size = 200}};
  const CostBook& c = m.machine.costs();
  const std::int64_t batch = 60;
  std::vector<SlabObject> objects;

  Duration rmw() const { return c.line.hit + c.line.atomic; }
  Duration critical_section() const {
    return rmw() + c.line.hit + c.line.hit;
  } // lock, write of the lists, unlock
  // At free_objects, of which there are none, and at the shared array, without the lock.
  Duration look() const { return old ? Duration{} : 2 * c.line.hit; }

  Duration timed(Core& core, const std::function<void()>& step) {
    core.settle();
    const Instant start = core.now();
    step();
    core.settle();
    return core.now() - start;
  }
  void take(Core& core, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      objects.push_back(cache.alloc(core));
  }
  void give(Core& core, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      cache.free(core, objects.back());
      objects.pop_back();
    }
  }
  Duration take_one(Core& core) {
    return timed(core, [&] { take(core, 1); });
  }
  Duration give_one(Core& core) {
    return timed(core, [&] { give(core, 1); });
  }
  void warm_up_pages(Core& core) { m.release(core, m.pages.alloc_page(core)); }
};
INSTANTIATE_TEST_SUITE_P(, SlabCosts, testing::Values("bufctl", "freelist"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(SlabCosts, AHitCostsOneEntryEachWay) {
  m.run([&](Core& core) {
    take(core, 2);
    give(core, 1);
    core.settle();
    const Duration before = m.ledgers[0].totals()[index(Account::alloc)];
    EXPECT_EQ(take_one(core), c.work.slab_alloc);
    EXPECT_EQ(give_one(core), c.work.slab_free);
    EXPECT_EQ(m.ledgers[0].totals()[index(Account::alloc)] - before, c.work.slab_alloc + c.work.slab_free);
  });
}

TEST_P(SlabCosts, TheFirstObjectGrowsTheCacheAndTakesSixteen) {
  m.run([&](Core& core) {
    warm_up_pages(core);
    const Duration took = take_one(core);
    const Duration page = c.work.pcp_alloc + c.work.slab_grow;
    if (old) // look, find nothing; colour; page; hand in; look again: the line of the node comes from memory
      EXPECT_EQ(took, c.line.dram + c.line.atomic + 2 * c.line.hit // the first time
                          + c.line.dram                            // shared array
                          + 3 * critical_section() + c.line.hit    // shared array again
                          + page + 16 * c.work.slab_object + c.work.slab_alloc);
    else // two looks without the lock; page; fill; hand in
      EXPECT_EQ(took,
                2 * c.line.dram + page + 16 * c.work.slab_object + critical_section() + c.work.slab_alloc);
    for (int i = 0; i < 15; ++i)
      EXPECT_EQ(take_one(core), c.work.slab_alloc);
    EXPECT_GT(take_one(core), c.work.slab_alloc);
  });
}

TEST_P(SlabCosts, AFullArrayGivesABatchToTheSharedArrayAndAnEmptyOneTakesItFromThere) {
  m.run([&](Core& core) {
    take(core, 500);
    while (cache.info().sharedavail == 0)
      give(core, 1);
    EXPECT_EQ(cache.info().sharedavail, 60u);
    give(core, 59); // the array has 61 now and holds 120
    EXPECT_EQ(give_one(core),
              critical_section() + 2 * c.line.hit + batch * c.work.slab_copy + c.work.slab_free);
    EXPECT_EQ(cache.info().sharedavail, 120u);
    take(core, 61);
    EXPECT_EQ(take_one(core),
              look() + critical_section() + 2 * c.line.hit + batch * c.work.slab_copy + c.work.slab_alloc);
    EXPECT_EQ(cache.info().sharedavail, 60u);
  });
}

TEST_P(SlabCosts, WithTheSharedArrayFullABatchGoesBackIntoItsSlabs) {
  m.run([&](Core& core) {
    const std::uint32_t shared = 8 * 60, limit = 120;
    take(core, shared + limit + 2000);
    while (cache.info().sharedavail < shared)
      give(core, 1);
    give(core, 59);
    const std::uint64_t active = cache.info().active_objs;
    const Duration took = give_one(core);
    EXPECT_EQ(cache.info().sharedavail, shared);
    EXPECT_EQ(cache.info().active_objs, active - 60);
    // 2.6.24 reads how full the array is, 60 objects, no slab beyond free_limit yet
    EXPECT_EQ(took, critical_section() + c.line.hit + batch * c.work.slab_object + c.work.slab_free);
  });
}

TEST_P(SlabCosts, ANodeKeepsFreeObjectsUpToItsLimitAndGivesTheRestBack) {
  m.run([&](Core& core) {
    const std::uint32_t per_slab = cache.geometry().objects;
    EXPECT_EQ(cache.free_limit(NodeId(0)), (1u + 2) * 60 + per_slab);
    take(core, 5000);
    give(core, 5000);
    const SlabInfo info = cache.info();
    const std::uint64_t free = info.num_objs - info.active_objs;
    // 2.6.24 looks only when a slab has become free.
    EXPECT_LE(free, cache.free_limit(NodeId(0)) + (old ? per_slab : 0));
    EXPECT_GT(free + per_slab, cache.free_limit(NodeId(0)));
    EXPECT_EQ(m.pages.allocated_frames(), info.num_slabs);
    cache.check_invariants();
  });
}

TEST_P(SlabCosts, ANewSlabTakesListLockThriceOn2_6_24AndOnceOn5_10) {
  m.run([&](Core& core) {
    take(core, 1);
    const std::uint32_t per_slab = cache.geometry().objects;
    const auto locked = [&] { return m.counters.snapshot().lock_class("list_lock").acquired; };
    // 2.6.24: found nothing, colour, hand in, refill. 5.10: hand in.
    EXPECT_EQ(locked(), old ? 4u : 1u);
    EXPECT_EQ(per_slab, old ? 19u : 20u); // (4096 - 28) / 204; 4096 / 200
  });
}

// --- bad input

TEST(SlabInput, ABatchLargerThanTheLimitIsAnInputError) {
  PagedMachine m(1, {{"kernel.slab_limit", std::int64_t{10}}, {"kernel.slab_batchcount", std::int64_t{11}}});
  try {
    KmemCache cache({m.machine, m.locks, m.pages, m.configuration}, {.name = "areas", .size = 200});
    FAIL() << "made";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("kernel.slab_batchcount = 11"), std::string::npos)
        << error.what();
  }
}

} // namespace
} // namespace mmsim::tests::slab_test

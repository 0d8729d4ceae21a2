// The files of /proc, from numbers made up here to the kernel's own text, byte for byte: written by hand after the
// format strings of mm/vmstat.c and mm/slab.c (2.6.24), mm/vmstat.c and mm/slab_common.c (5.10).
#include "models/pages/proc_files.hpp"

#include <gtest/gtest.h>
#include <map>

namespace mmsim::proc_test {
namespace {

/// A zone with `blocks` free blocks of order 0 unmovable, one of order 3 movable, and one of order 10 reserved.
ProcZone zone(std::uint32_t node, std::string_view name, std::uint64_t blocks) {
  ProcZone zone{};
  zone.node = node;
  zone.name = name;
  zone.free_blocks[0][index(MigrateType::unmovable)] = blocks;
  zone.free_blocks[0][index(MigrateType::reclaimable)] = 2;
  zone.free_blocks[3][index(MigrateType::movable)] = 1;
  zone.free_blocks[10][index(MigrateType::reserve)] = 1;
  zone.pageblocks = {5, 1, 250, 2};
  zone.min = 100;
  zone.low = 125;
  zone.high = 150;
  zone.spanned = 262144;
  zone.present = 262000;
  zone.managed = 260000;
  zone.start_pfn = 4096;
  return zone;
}

ProcSnapshot of_2_6_24() {
  ProcSnapshot snapshot{};
  snapshot.format = ProcFormat::linux_2_6_24;
  snapshot.pageblock_order = 10;
  ProcZone normal = zone(0, "Normal", 7);
  normal.protection = {0, 0, 8};
  normal.counts = {{"nr_free_pages", 1041}, {"nr_inactive", 0}, {"nr_page_table_pages", 12}};
  normal.pagesets = {{{{182, 186, 31}, {3, 62, 15}}, 8}, {{{0, 186, 31}, {0, 62, 15}}, 8}};
  snapshot.zones = {normal};
  snapshot.events = {{"pgalloc_normal", 42}, {"pgfree", 40}, {"pgfault", 30}};
  snapshot.slab_caches = {{"anon_vma", 12, 254, 12, 254, 1, 120, 60, 8, 1, 1, 60},
                          {"vm_area_struct", 1234567, 1234600, 88, 44, 1, 120, 60, 8, 28059, 28059, 0}};
  return snapshot;
}

ProcSnapshot of_5_10() {
  ProcSnapshot snapshot{};
  snapshot.format = ProcFormat::linux_5_10;
  snapshot.pageblock_order = 9;
  ProcZone dma32 = zone(0, "DMA32", 3);
  dma32.protection = {0, 0, 1000, 1000};
  dma32.counts = {{"nr_free_pages", 1037}, {"nr_page_table_pages", 4}, {"numa_hit", 50}};
  dma32.pagesets = {{{{63, 378, 63}}, 12}};
  ProcZone remote = zone(1, "Normal", 2'000'000);
  remote.protection = {0, 0, 0, 0};
  remote.counts = {{"nr_free_pages", 2'001'034}, {"nr_page_table_pages", 0}, {"numa_hit", 7}};
  remote.pagesets = {{{{0, 378, 63}}, 125}};
  snapshot.zones = {dma32, remote};
  snapshot.node_counts = {{{"nr_inactive_anon", 11}, {"nr_active_anon", 22}},
                          {{"nr_inactive_anon", 0}, {"nr_active_anon", 33}}};
  snapshot.events = {{"pgalloc_dma32", 1}, {"pgalloc_normal", 42}, {"pgfree", 40}, {"oom_kill", 0}};
  snapshot.slab_caches = {{"mm_struct", 5, 30, 1088, 30, 8, 0, 0, 0, 1, 1, 0}};
  return snapshot;
}

TEST(ProcFiles, BuddyinfoHasALineAZoneAndAColumnAnOrder) {
  EXPECT_EQ(
      proc_buddyinfo(of_5_10()),
      "Node 0, zone    DMA32      5      0      0      1      0      0      0      0      0      0      1 \n"
      "Node 1, zone   Normal 2000002      0      0      1      0      0      0      0      0      0      1 "
      "\n");
}

TEST(ProcFiles, PagetypeinfoOf2624HasReserveAndIsolate) {
  EXPECT_EQ(proc_pagetypeinfo(of_2_6_24()),
            "Page block order: 10\n"
            "Pages per block:  1024\n"
            "\n"
            "Free pages count per migrate type at order       0      1      2      3      4      5      6    "
            "  7      "
            "8      9     10 \n"
            "Node    0, zone   Normal, type    Unmovable      7      0      0      0      0      0      0    "
            "  0      "
            "0      0      0 \n"
            "Node    0, zone   Normal, type  Reclaimable      2      0      0      0      0      0      0    "
            "  0      "
            "0      0      0 \n"
            "Node    0, zone   Normal, type      Movable      0      0      0      1      0      0      0    "
            "  0      "
            "0      0      0 \n"
            "Node    0, zone   Normal, type      Reserve      0      0      0      0      0      0      0    "
            "  0      "
            "0      0      1 \n"
            "Node    0, zone   Normal, type      Isolate      0      0      0      0      0      0      0    "
            "  0      "
            "0      0      0 \n"
            "\n"
            "Number of blocks type     Unmovable  Reclaimable      Movable      Reserve      Isolate \n"
            "Node 0, zone   Normal            5            1          250            2            0 \n");
}

TEST(ProcFiles, PagetypeinfoOf510HasHighAtomicHeadsEachNodeAndStopsCountingLongLists) {
  EXPECT_EQ(proc_pagetypeinfo(of_5_10()),
            "Page block order: 9\n"
            "Pages per block:  512\n"
            "\n"
            "Free pages count per migrate type at order       0      1      2      3      4      5      6    "
            "  7      "
            "8      9     10 \n"
            "Node    0, zone    DMA32, type    Unmovable      3      0      0      0      0      0      0    "
            "  0      "
            "0      0      0 \n"
            "Node    0, zone    DMA32, type      Movable      0      0      0      1      0      0      0    "
            "  0      "
            "0      0      0 \n"
            "Node    0, zone    DMA32, type  Reclaimable      2      0      0      0      0      0      0    "
            "  0      "
            "0      0      0 \n"
            "Node    0, zone    DMA32, type   HighAtomic      0      0      0      0      0      0      0    "
            "  0      "
            "0      0      1 \n"
            "\n"
            "Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic \n"
            "Node 0, zone    DMA32            5          250            1            2 \n"
            "Page block order: 9\n"
            "Pages per block:  512\n"
            "\n"
            "Free pages count per migrate type at order       0      1      2      3      4      5      6    "
            "  7      "
            "8      9     10 \n"
            "Node    1, zone   Normal, type    Unmovable >100000      0      0      0      0      0      0   "
            "   0      "
            "0      0      0 \n"
            "Node    1, zone   Normal, type      Movable      0      0      0      1      0      0      0    "
            "  0      "
            "0      0      0 \n"
            "Node    1, zone   Normal, type  Reclaimable      2      0      0      0      0      0      0    "
            "  0      "
            "0      0      0 \n"
            "Node    1, zone   Normal, type   HighAtomic      0      0      0      0      0      0      0    "
            "  0      "
            "0      0      1 \n"
            "\n"
            "Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic \n"
            "Node 1, zone   Normal            5          250            1            2 \n");
}

TEST(ProcFiles, ZoneinfoOf2624ShowsHotAndColdListsOfEachCpu) {
  EXPECT_EQ(proc_zoneinfo(of_2_6_24()), "Node 0, zone   Normal\n"
                                        "  pages free     1041\n"
                                        "        min      100\n"
                                        "        low      125\n"
                                        "        high     150\n"
                                        "        spanned  262144\n"
                                        "        present  262000\n"
                                        "    nr_free_pages 1041\n"
                                        "    nr_inactive  0\n"
                                        "    nr_page_table_pages 12\n"
                                        "        protection: (0, 0, 8)\n"
                                        "  pagesets\n"
                                        "    cpu: 0 pcp: 0\n"
                                        "              count: 182\n"
                                        "              high:  186\n"
                                        "              batch: 31\n"
                                        "    cpu: 0 pcp: 1\n"
                                        "              count: 3\n"
                                        "              high:  62\n"
                                        "              batch: 15\n"
                                        "  vm stats threshold: 8\n"
                                        "    cpu: 1 pcp: 0\n"
                                        "              count: 0\n"
                                        "              high:  186\n"
                                        "              batch: 31\n"
                                        "    cpu: 1 pcp: 1\n"
                                        "              count: 0\n"
                                        "              high:  62\n"
                                        "              batch: 15\n"
                                        "  vm stats threshold: 8\n"
                                        "  start_pfn:         4096\n");
}

TEST(ProcFiles, ZoneinfoOf510BeginsEachNodeWithItsOwnCountersAndHasOneListACpu) {
  EXPECT_EQ(proc_zoneinfo(of_5_10()), "Node 0, zone    DMA32\n"
                                      "  per-node stats\n"
                                      "      nr_inactive_anon 11\n"
                                      "      nr_active_anon 22\n"
                                      "  pages free     1037\n"
                                      "        min      100\n"
                                      "        low      125\n"
                                      "        high     150\n"
                                      "        spanned  262144\n"
                                      "        present  262000\n"
                                      "        managed  260000\n"
                                      "        protection: (0, 0, 1000, 1000)\n"
                                      "      nr_free_pages 1037\n"
                                      "      nr_page_table_pages 4\n"
                                      "      numa_hit     50\n"
                                      "  pagesets\n"
                                      "    cpu: 0\n"
                                      "              count: 63\n"
                                      "              high:  378\n"
                                      "              batch: 63\n"
                                      "  vm stats threshold: 12\n"
                                      "  start_pfn:           4096\n"
                                      "Node 1, zone   Normal\n"
                                      "  per-node stats\n"
                                      "      nr_inactive_anon 0\n"
                                      "      nr_active_anon 33\n"
                                      "  pages free     2001034\n"
                                      "        min      100\n"
                                      "        low      125\n"
                                      "        high     150\n"
                                      "        spanned  262144\n"
                                      "        present  262000\n"
                                      "        managed  260000\n"
                                      "        protection: (0, 0, 0, 0)\n"
                                      "      nr_free_pages 2001034\n"
                                      "      nr_page_table_pages 0\n"
                                      "      numa_hit     7\n"
                                      "  pagesets\n"
                                      "    cpu: 0\n"
                                      "              count: 0\n"
                                      "              high:  378\n"
                                      "              batch: 63\n"
                                      "  vm stats threshold: 125\n"
                                      "  start_pfn:           4096\n");
}

TEST(ProcFiles, VmstatSumsZonesAndNodesAndEndsWithEvents) {
  EXPECT_EQ(proc_vmstat(of_5_10()), "nr_free_pages 2002071\n"
                                    "nr_page_table_pages 4\n"
                                    "numa_hit 57\n"
                                    "nr_inactive_anon 11\n"
                                    "nr_active_anon 55\n"
                                    "pgalloc_dma32 1\n"
                                    "pgalloc_normal 42\n"
                                    "pgfree 40\n"
                                    "oom_kill 0\n");
  EXPECT_EQ(proc_vmstat(of_2_6_24()), "nr_free_pages 1041\n"
                                      "nr_inactive 0\n"
                                      "nr_page_table_pages 12\n"
                                      "pgalloc_normal 42\n"
                                      "pgfree 40\n"
                                      "pgfault 30\n");
}

TEST(ProcFiles, SlabinfoIsVersion21) {
  EXPECT_EQ(
      proc_slabinfo(of_2_6_24()),
      "slabinfo - version: 2.1\n"
      "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> "
      "<batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n"
      "anon_vma              12    254     12  254    1 : tunables  120   60    8 : slabdata      1      1 "
      "    60\n"
      "vm_area_struct    1234567 1234600     88   44    1 : tunables  120   60    8 : slabdata  28059  28059 "
      "     0\n");
}

TEST(ProcFiles, AllFiveHaveTheKernelsNames) {
  std::vector<std::string> names;
  for (const ProcFile& file : proc_files(of_5_10()))
    names.push_back(file.name);
  EXPECT_EQ(names, (std::vector<std::string>{"buddyinfo", "pagetypeinfo", "zoneinfo", "vmstat", "slabinfo"}));
}

} // namespace
} // namespace mmsim::proc_test

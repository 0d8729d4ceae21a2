// What /proc shows of memory, at one instant: plain numbers, out of which the proc_*.cpp make text.
//
//   ProcSnapshot now = proc_snapshot(system, VmStatReading::folded);   // models/proc.hpp
//   for (const ProcFile& file : proc_files(now)) ...                   // proc_files.hpp
//
// Counters come as pairs of the kernel's name and a value, in the order of vmstat_text[] of the version
// (ProcFormat), and only those that a part of the model updates: who fills this knows which they are, who
// prints it does not care.
#pragma once

#include "models/pages/buddy.hpp"
#include "models/pages/migrate_type.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mmsim {

/// Whose layout the files have.
enum class ProcFormat : std::uint8_t { linux_2_6_24, linux_5_10 };

/// A counter; the name is a literal.
struct ProcCount {
  std::string_view name;
  std::int64_t value;
};

/// struct per_cpu_pages.
struct ProcPcp {
  std::uint32_t count, high, batch;
};

/// struct per_cpu_pageset: the lists of one CPU in front of one zone.
struct ProcPageset {
  std::vector<ProcPcp> lists; ///< hot and cold (2.6.24), or one; none where kernel.pcp = "none"
  std::int32_t stat_threshold = 0;
};

/// struct zone.
struct ProcZone {
  std::uint32_t node;
  std::string_view name; ///< "DMA32", "Normal"
  /// Free blocks by order and migrate type.
  std::array<std::array<std::uint64_t, migrate_type_count>, Buddy::max_order + 1> free_blocks{};
  std::array<std::uint64_t, migrate_type_count> pageblocks{}; ///< by type
  std::uint64_t min, low, high;                               ///< watermarks
  std::uint64_t spanned, present, managed, start_pfn;
  std::vector<std::uint64_t> protection; ///< lowmem_reserve[]
  std::vector<ProcCount> counts;         ///< zone_stat_item, then numa_stat_item
  std::vector<ProcPageset> pagesets;     ///< by CPU

  std::uint64_t free_blocks_of(unsigned order) const {
    std::uint64_t sum = 0;
    for (const std::uint64_t blocks : free_blocks[order])
      sum += blocks;
    return sum;
  }
};

/// A line of slabinfo: struct slabinfo, and what kmem_cache says of itself.
struct ProcSlabCache {
  std::string name;
  std::uint64_t active_objects, objects;
  std::uint32_t object_size, objects_per_slab, pages_per_slab;
  std::uint32_t limit, batchcount, shared; ///< tunables
  std::uint64_t active_slabs, slabs, shared_available;
};

struct ProcSnapshot {
  ProcFormat format;
  unsigned pageblock_order;
  std::vector<ProcZone> zones; ///< node by node, each node's from the lowest up
  std::vector<std::vector<ProcCount>>
      node_counts;                        ///< node_stat_item by node; empty in 2.6.24, which had none
  std::vector<ProcCount> events;          ///< vm_event_item
  std::vector<ProcSlabCache> slab_caches; ///< in the order of the kernel's list: the newest first
};

} // namespace mmsim

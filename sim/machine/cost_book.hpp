// The cost book: what every elementary step costs on the machine at hand. Nothing else in the program holds a
// duration.
//
// A machine file sets the entries; the defaults are those of a generic Armv8.2 server core and say where they
// come from. An entry called "estimate" gives its reasoning. Kernel work (`machine.work.*`) is instructions
// that a core executes on data of its own: cache lines that travel, page contents, TLBs and interrupts are
// charged apart.
#pragma once

#include "sim/engine/parameter.hpp"
#include "sim/engine/time.hpp"
#include "sim/engine/units.hpp"

#include <string>

namespace mmsim {

/// Cache lines (cache_line.hpp).
struct LineCosts {
  Duration hit, atomic, transfer, dram, request, share;
  std::string arbitration;
  std::int64_t overtakes;
  static void declare(Declaration&, LineCosts&);
};

/// Interrupts and idle cores.
struct InterruptCosts {
  Duration send, deliver, entry, exit, idle_exit;
  std::int64_t targets_per_send;
  static void declare(Declaration&, InterruptCosts&);
};

/// Translation: TLB geometry and maintenance.
struct TlbCosts {
  std::int64_t l1_entries, l1_ways, l2_entries, l2_ways, walk_cache_entries;
  std::int64_t asid_bits;
  Duration l2_hit, walk_level;
  bool broadcast, range, erratum_798181, hardware_access_flag, hardware_dirty;
  Duration invalidate_page, invalidate_range, invalidate_all, dsb;
  Duration broadcast_issue, broadcast_channel, broadcast_range_channel, broadcast_sync, broadcast_complete;
  Duration broadcast_stall, broadcast_range_stall;
  static void declare(Declaration&, TlbCosts&);
};

/// Memory: page-sized transfers, and the private cache that may spare them.
struct MemoryCosts {
  Bytes memory, cache_size;
  BytesPerSecond node_bandwidth;
  Duration page_zero, page_copy, page_zero_hot, page_copy_hot;
  static void declare(Declaration&, MemoryCosts&);
};

/// Requests that a SATA drive takes at a time: AHCI 1.3, native command queuing.
inline constexpr std::int64_t ncq_depth = 32;

/// The disk behind the page cache.
struct DiskCosts {
  Duration latency;
  BytesPerSecond read_bandwidth, write_bandwidth;
  std::int64_t queue_depth;
  static void declare(Declaration&, DiskCosts&);
};

/// The device of the swap areas.
struct SwapCosts {
  Bytes size;
  std::int64_t areas;
  Duration latency;
  BytesPerSecond bandwidth;
  std::int64_t queue_depth;
  static void declare(Declaration&, SwapCosts&);
};

/// Ways into and out of the kernel, and switching.
struct EntryCosts {
  Duration syscall, fault, user_access, switch_registers, switch_mm, switch_ttbr, rollover;
  static void declare(Declaration&, EntryCosts&);
};

/// The kernel's own instructions, by step.
struct WorkCosts {
  Duration task_create, task_exit, mm_create, mm_destroy;              // fork, exit
  Duration vma_find_level, vma_insert, vma_dup, vma_remove, rmap_link; // areas
  Duration vmacache_find, maple_node, maple_write;
  Duration table_walk_level, pte_scan, pte_copy, pte_set, pte_clear, pte_wrprotect; // page tables
  Duration table_init, page_ref, page_unref;
  Duration page_cache_add, io_submit, io_complete;                         // page cache
  Duration fault_handle, mmap, munmap, mprotect, madvise, mremap, brk;     // fixed parts of system calls
  Duration pcp_alloc, pcp_free, buddy_alloc, buddy_free, buddy_step;       // pages
  Duration pagevec_add, pagevec_put, lru_add, lru_del;                     // LRU
  Duration slab_alloc, slab_free, slab_object, slab_copy, slab_grow;       // slab caches
  Duration enqueue, dequeue, pick_next, wake, tick, balance, kthread_step; // scheduler
  Duration mask_scan, call_queue, flush_setup;                             // cross-calls
  Duration rcu_callback, rcu_core;                                         // RCU
  Duration reclaim_round, reclaim_page, oom_task;                          // reclaim
  Duration avc_link, rmap_visit, pte_chain_entry;                          // reverse map
  Duration swap_slot, swap_scan;                                           // swap slots
  static void declare(Declaration&, WorkCosts&);
};

struct CostBook {
  Hertz clock;
  LineCosts line;
  InterruptCosts irq;
  TlbCosts tlb;
  MemoryCosts memory;
  DiskCosts disk;
  SwapCosts swap;
  EntryCosts entry;
  WorkCosts work;
  static void declare(Declaration& d, CostBook& c);
};
inline const DeclareParameters<CostBook> declared_cost_book;

} // namespace mmsim

// A machine with a kernel on it: every mechanism, wired as the configuration says.
//
// Construction order is dependency order. Nothing here takes simulated time except through the parts.
#pragma once

#include "models/address_space/asid.hpp"
#include "models/address_space/content_stamps.hpp"
#include "models/address_space/lazy_shootdown.hpp"
#include "models/address_space/mm_list.hpp"
#include "models/address_space/mm_struct.hpp"
#include "models/address_space/mm_switch.hpp"
#include "models/address_space/oracle.hpp"
#include "models/address_space/overcommit.hpp"
#include "models/address_space/vma_trees.hpp"
#include "models/locks/rcu.hpp"
#include "models/locks/spinlock.hpp"
#include "models/pages/page_allocator.hpp"
#include "models/pages/page_contents.hpp"
#include "models/pages/slab_caches.hpp"
#include "models/reclaim/lru.hpp"
#include "models/reclaim/page_cache.hpp"
#include "models/reclaim/reclaim.hpp"
#include "models/reclaim/swap.hpp"
#include "models/reclaim/writeback.hpp"
#include "models/rmap/reverse_map.hpp"
#include "models/rmap/unmap_parameters.hpp"
#include "models/scheduler/cross_call.hpp"
#include "models/scheduler/scheduler.hpp"
#include "models/tlb_flush/flusher.hpp"
#include "models/tlb_flush/tlb_flush_policy.hpp"
#include "sim/machine/machine.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace mmsim {

struct KernelParameters {
  std::string pt_lock, page_table, cow_reuse, exit_flush;
  std::int64_t asid_bits, gather_pages, gather_bundle, gather_batch;
  bool munmap_downgrade, zero_page, fast_gup, write_protect_seq, wp_late_lru, wp_move_anon_rmap, fault_retry,
      spurious_flush, pgd_with_mmap_lock, zap_dirty_flush;
  Bytes fault_around, stack_limit;
  std::int64_t max_map_count, stack_guard_gap, mremap_latency_limit;
  std::string mprotect_flush, mprotect_upgrade, mremap_flush, mremap_rmap_locks, mark_accessed;
  Duration quantum;
  /// Pages are PageAnonExclusive() where they are.
  bool anon_exclusive() const { return cow_reuse == "exclusive"; }
  static void declare(Declaration& d, KernelParameters& p);
};
inline const DeclareParameters<KernelParameters> declared_kernel_parameters;

class System {
  const Configuration& configuration_; // first: parts read it while they are made

 public:
  /// Throws InputError for what the configuration asks and the machine cannot do.
  System(Engine& engine, const Configuration& configuration, Counters& counters, std::uint32_t cpus,
         std::uint64_t seed);
  ~System();

  const KernelParameters parameters;
  const UnmapParameters unmap; ///< of page_referenced() and try_to_unmap()
  Engine& engine;
  Counters& counters;
  Machine machine;
  SpinLocks locks;
  PageAllocator pages;
  const std::unique_ptr<ContentStamps> stamps; ///< pages.stamps; null unless run.checks
  PageContents contents;
  std::unique_ptr<Lru> lru;
  Overcommit overcommit;
  SlabCaches slabs;
  AsidAllocator ids;
  std::unique_ptr<CrossCalls> calls;
  std::unique_ptr<TlbFlushPolicy> policy;
  Oracle oracle;
  TablePagePool table_pages;
  MmSwitch mm_switch;
  Scheduler scheduler;
  VmaTrees vma_trees;
  BlockLayer block;
  PageCache page_cache;
  std::unique_ptr<ReverseMap> rmap;
  std::unique_ptr<MmList> mm_list; ///< where rmap finds no mappings
  Swap swap;
  WriteBack writeback;
  Reclaim reclaim;
  LazyShootdown lazy_shootdown;
  TlbFlusher flusher;

  Rcu& rcu() { return *rcu_; }
  /// Of every address space here.
  const PageTable::Shape& page_table_shape() const { return page_table_shape_; }
  const Configuration& configuration() const { return configuration_; }

  /// A new address space without tables; mm_users and mm_count are 1. `object` is its memory: allocate_mm().
  MmStruct& new_mm(SlabObject object = no_object);
  MmStruct& init_mm() { return *init_mm_; }
  std::size_t address_spaces() const { return mms_.size(); }
  /// The address space of that number, or null if it is gone.
  MmStruct* mm_of(std::uint32_t id) {
    const auto found = mms_.find(id);
    return found != mms_.end() ? found->second.get() : nullptr;
  }
  /// Shows each of them, init_mm included.
  template <class Visit>
  void for_each_mm(Visit&& visit) {
    for (auto& [id, mm] : mms_)
      visit(*mm);
  }
  /// __mmdrop(): frees an mm that nobody has any more.
  void free_mm(Core& core, MmStruct& mm);
  /// Told of each task of the boot that was killed, once it has given everything up.
  std::function<void(Task&)> task_killed;

  /// The lock of a last-level table's entries.
  SpinLock& pte_lock(MmStruct& mm, TablePage& leaf) { return leaf.lock ? *leaf.lock : *mm.page_table_lock; }
  std::unique_ptr<SpinLock> new_pte_lock() {
    return parameters.pt_lock == "split" ? locks.make("pte_lock") : nullptr;
  }

  /// Before entries of a page table change: settles, and lets user code on other cores use the old ones until
  /// now.
  void before_entries_change(Core& core) {
    core.settle();
    for (std::uint32_t i = 0; i < machine.cpus(); ++i)
      machine.core(CoreId(i)).catch_up();
  }
  /// sysctl_max_map_count.
  std::size_t max_map_count() const { return static_cast<std::size_t>(parameters.max_map_count); }
  /// How many steps of `cost` may be charged in bulk where others look without a lock.
  std::uint64_t steps_in_quantum(Duration cost) const {
    return cost >= parameters.quantum || cost.count() == 0
               ? 1
               : static_cast<std::uint64_t>(parameters.quantum / cost);
  }
  /// At a quiescent point: references, map counts, rss, promised pages, free lists, the LRU and tables add
  /// up, and every RCU callback has run. Throws Violation.
  void check_invariants();
  /// The part of it that looks at mm_users, mm_count and mm_cpumask alone.
  void check_address_spaces();

 private:
  void leave_borrowed_mm(Core& core);
  void check_promises();
  void check_objects();
  struct UserPages;
  void check_exclusive(FrameNumber number, std::uint32_t swap_entries);
  void check_statistics(const UserPages& user, std::uint64_t last_level_tables);
  const PageTable::Shape page_table_shape_;
  std::unique_ptr<Rcu> rcu_;
  CpuObservers observers_;
  std::map<std::uint32_t, std::unique_ptr<MmStruct>> mms_; // by id
  std::uint32_t next_mm_ = 0;
  MmStruct* init_mm_ = nullptr;
};

} // namespace mmsim

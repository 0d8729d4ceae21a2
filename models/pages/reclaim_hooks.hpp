// What the page allocator asks of others when memory runs short.
//
// Models the calls that __alloc_pages() (2.6.24) and __alloc_pages_slowpath() (5.10) make out of mm/page_alloc.c:
// wakeup_kswapd(), try_to_free_pages(), out_of_memory(). Reclaim (models/reclaim/reclaim.hpp) implements them; until
// somebody does, NoReclaim says that nothing can be had.
//
// All return on the core on which they were called: operations keep their Core& over an allocation. A hook that lets
// its task sleep binds it to its core meanwhile. So who allocates with gfp_wait may sleep: not with a spinlock held,
// irqs or preemption off, nor in an RCU reader.
//
// Left out: compaction, which 5.10 tries before it reclaims for more than one page; __GFP_NOFAIL.
#pragma once

#include "models/pages/gfp.hpp"

#include <cstdint>

namespace mmsim {

class Core;
class Zone;

class ReclaimHooks {
 public:
  virtual ~ReclaimHooks() = default;
  /// wakeup_kswapd(): the zone's free pages are below its low watermark. Also called with irqs off
  /// (GFP_ATOMIC of the slab); does not sleep.
  virtual void wake_kswapd(Core& core, Zone& zone, unsigned order) = 0;
  /// try_to_free_pages(): direct reclaim by the task that runs on `core`. Returns how many pages it has freed.
  virtual std::uint64_t try_to_free_pages(Core*& core, unsigned order, Gfp gfp) = 0;
  /// out_of_memory(): true if a victim was found, so that the allocation may be tried again.
  virtual bool out_of_memory(Core*& core, unsigned order, Gfp gfp) = 0;
  /// The calling task is the victim of an OOM kill (TIF_MEMDIE, tsk_is_oom_victim()): in 2.6.24 no watermark counts for
  /// it, in 5.10 it may have half of the reserve below min (ALLOC_OOM), and its allocations may fail.
  virtual bool dying(Core& core) = 0;

  /// The calling task has PF_MEMALLOC: it reclaims, and what it needs for that it may have without watermarks; it
  /// does not reclaim in turn.
  virtual bool memalloc(Core&) { return false; }

  /// congestion_wait(WRITE, HZ/50) of 2.6.24's __alloc_pages(), before it reclaims once more.
  virtual void wait_before_retry(Core*&) {}
  /// The look of 5.10's should_reclaim_retry() at a zone that would have enough if `reclaimable` pages could be had:
  /// if the last reclaim got nowhere and more than half of that waits to be written, congestion_wait(HZ/10). True if
  /// it has slept.
  virtual bool wait_for_writes(Core*&, const Zone&, [[maybe_unused]] std::uint64_t reclaimable) {
    return false;
  }
  /// zone_reclaimable_pages(): what reclaim could still get out of a zone, for should_reclaim_retry() of
  /// 5.10.
  virtual std::uint64_t zone_reclaimable_pages(const Zone&) { return 0; }
  /// drain_all_pages() for the other CPUs (the caller's own lists are drained already): PageAllocator::
  /// drain_local_pages() on each of which PageAllocator::has_pages_on_lists(). 2.6.24 interrupts all of them
  /// (smp_call_function()) and waits, 5.10 queues work on those and waits. Nothing by default: cross calls
  /// belong to the scheduler's models. May sleep.
  virtual void drain_other_cpus(Core*&) {}
};

} // namespace mmsim

// What reclaim asks of a page's mappings: whether they were used, and that they go.
//
//   const int referenced = page_referenced(system, task, frame);   // entries that were young, now old
//   switch (try_to_unmap(system, task, frame, &batch)) ...         // every entry: cleared, or a swap entry
//   try_to_unmap_flush(system, task, batch);                       // before the page is written or freed
#pragma once

#include "models/rmap/reverse_map.hpp"
#include "sim/machine/core_set.hpp"

namespace mmsim {

/// struct tlbflush_unmap_batch: what was unmapped and is not flushed yet, with kernel.reclaim_flush = "batched".
struct UnmapBatch {
  bool flush_required = false; ///< something is in it
  bool writable = false; ///< an entry in it may still be written through: flush before writing the page out
  CoreSet cores;         ///< the union of the mm_cpumasks
  std::vector<struct UnmapTicket> tickets; ///< the oracle's: whose changes end with the flush
};

enum class Unmapped : std::uint8_t {
  success, ///< nobody maps it any more
  again,   ///< an entry was used meanwhile, or a lock could not be had
  fail     ///< an area is locked
};

/// page_referenced(): the entries of the page that were young, which are old now; VM_LOCKED areas end it. A page of
/// executable file areas says so in `executable`, if that is given. May sleep.
int page_referenced(System& system, Task& task, FrameNumber frame, bool* executable = nullptr);

/// try_to_unmap() of a locked page: a page in the swap cache leaves swap entries behind, a file's page nothing; dirty
/// entries make the page dirty. With `batch`, flushes wait for try_to_unmap_flush() where the kernel lets them. May sleep.
Unmapped try_to_unmap(System& system, Task& task, FrameNumber frame, UnmapBatch* batch);

/// try_to_unmap_flush(): one round of interrupts for all that is in it; on arm64 one DSB. Empties it.
void try_to_unmap_flush(System& system, Task& task, UnmapBatch& batch);

} // namespace mmsim

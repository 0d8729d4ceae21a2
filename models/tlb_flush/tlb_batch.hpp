// Entries of several address spaces that were cleared, and whose flush waits for the others: struct
// arch_tlbflush_unmap_batch.
//
//   TlbBatch batch;
//   if (flusher.batches(core, mm)) flusher.batch_add(core, mm, page, batch);   // after the entry was cleared
//   else flusher.flush_page(core, mm, page);
//   ...
//   flusher.batch_flush(core, batch, mm_of);   // before any of the frames is written, or used for something else
//
// Whoever changes other entries of such an mm under a table's lock asks first, with the lock, whether old translations
// are about: flusher.flush_batched_pending(core, mm) (5.10: zap_pte_range(), change_pte_range(), move_ptes()). Else his
// munmap would return while a core can still use what reclaim has cleared before.
//
// Left out: generations of an mm's entries (tlb_gen of x86), by which a core skips a flush that it has done already.
#pragma once

#include "sim/engine/strong_int.hpp"
#include "sim/machine/core_set.hpp"

#include <cstdint>
#include <vector>

namespace mmsim {

struct TlbBatch {
  /// The oracle's: what the flush will end. An mm may be gone by then, so that its number stands for it.
  struct Change {
    std::uint32_t mm;
    PageNumber page;
    std::uint64_t ticket;
  };

  CoreSet cores; ///< who must flush: the union of the mm_cpumasks
  std::vector<Change> changes;
};

} // namespace mmsim

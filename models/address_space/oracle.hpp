// The stale-translation oracle: looks at every TLB hit and ends the run when one must not have happened.
//
// A kernel path announces each change of page-table entries that takes something away (entry_changed), the
// flusher announces which changes its flush covers (flush_begins) and when it claims that no core can use an
// old translation any more (flush_ends). A hit on an entry that is no longer what the table says is then
//   harmless   if the table now permits as much or more on the same page,
//   stale      and counted, while the flush of that change is under way,
//   a violation once that flush has completed, once the frame or the table has been freed, or once the
//   address has
//              another translation (break before make): the run ends with the history of the entry and the
//              frame.
// A frame that is given back before the flush is a violation, used or not, if another core's TLB still has
// it. It attaches to the paths as an observer and costs no simulated time.
#pragma once

#include "models/address_space/mm_struct.hpp"
#include "models/pages/frame.hpp"
#include "sim/machine/machine.hpp"

#include <cstdint>
#include <string>

namespace mmsim {

/// Whether another thread may make a new entry before the change has been flushed: where entries are cleared
/// under mmap_lock for reading (madvise), a fault may be faster than the flush. Old translations are stale
/// then, as before; where the kernel itself sets another entry it must flush in between (break before make).
enum class Refill : bool { forbidden, allowed };

class Oracle {
 public:
  Oracle(Machine& machine, FrameTable& frames) : machine_(machine), frames_(frames) {}

  /// Entries of [begin, end) have lost a translation or a permission.
  void entry_changed(MmStruct& mm, PageNumber begin, PageNumber end, Refill refill = Refill::forbidden);
  /// A flush that starts now covers all changes so far. The ticket goes to flush_ends().
  std::uint64_t flush_begins(MmStruct& mm) { return mm.last_ticket = mm.changes; }
  void flush_ends(MmStruct& mm, PageNumber begin, PageNumber end, std::uint64_t ticket);

  /// A core has used `translation` of `page`. Throws Violation.
  void check_hit(Core& core, MmStruct& mm, PageNumber page, Tlb::Translation& translation) {
    if (!translation.current()) judge(core, mm, page, translation);
  }
  /// A core's walker starts from a table entry that it remembers. Throws Violation if that entry is outdated
  /// and no flush of it is under way. Returns whether it still holds.
  bool check_walk(Core& core, const MmStruct& mm, PageNumber page, const Tlb::Translation& remembered) const {
    return remembered.current() || judge_walk(core, mm, page, remembered);
  }
  /// The frame that `page` was mapped to by the word at `source` goes back to the zone before the flush of
  /// that change. Throws Violation if another core than `core` still has the translation, under `asid`: user
  /// code may run there. (On `core` itself nobody uses it before this path has ended; that is what a kernel
  /// for one CPU relies on.)
  void check_frame_free(const Core& core, const MmStruct& mm, Asid asid, PageNumber page, FrameNumber frame,
                        const std::uint64_t* source) const;
  /// The table page that `word` points to goes back to the zone. Throws Violation if a core may still walk
  /// it.
  void check_table_free(const MmStruct& mm, std::uint64_t word) const;

 private:
  void judge(Core& core, MmStruct& mm, PageNumber page, Tlb::Translation& translation);
  bool judge_walk(Core& core, const MmStruct& mm, PageNumber page, const Tlb::Translation& remembered) const;
  Machine& machine_;
  FrameTable& frames_;
};

} // namespace mmsim

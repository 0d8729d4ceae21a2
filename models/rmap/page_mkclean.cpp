// page_mkclean() of mm/rmap.c, 2.6.24 and 5.10: before a page of a file is written back.
#include "models/reclaim/writeback.hpp"
#include "models/system.hpp"

namespace mmsim {

namespace {

// page_mkclean_one(), with the table's lock held: ptep_clear_flush(), pte_wrprotect(), pte_mkclean(),
// set_pte_at().
void make_clean(System& system, Core& core, const Mapping& m) {
  system.before_entries_change(core);
  const Pte old = m.entry();
  PageTable::set(m.table, m.index, old.cleared());
  system.oracle.entry_changed(m.mm, m.page, m.page + 1);
  core.charge(core.costs().work.pte_clear, Account::work);
  system.flusher.flush_page(core, m.mm, m.page);
  core.charge(core.costs().work.pte_set, Account::work);
  core.settle();
  constexpr std::uint64_t dropped = pte_valid | pte_none | pte_writable | pte_dirty;
  const Pte clean = m.entry().mapped(old.frame(), old.flags() & ~dropped);
  PageTable::set(m.table, m.index, old.valid() ? clean : clean.prot_none());
}

} // namespace

bool WriteBack::page_mkclean(Task& task, FrameNumber frame) {
  bool cleaned = false;
  system_.rmap->for_each_mapping(task, frame, [&](const Mapping& m) {
    if (m.vma.is_private()) return Walk::go_on; // its entries are read-only
    if (m.entry().dirty() || m.entry().writable()) {
      make_clean(system_, task.core(), m);
      cleaned = true;
    }
    return Walk::go_on;
  });
  return cleaned;
}

} // namespace mmsim

#include "models/address_space/oracle.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

void Oracle::entry_changed(MmStruct& mm, PageNumber begin, PageNumber end, Refill refill) {
  ++mm.changes;
  // A path walks on: one change, unless a flush that has begun covers the first part only.
  const bool refilled = refill == Refill::allowed;
  if (!mm.open_changes.empty() && mm.open_changes.back().end == begin &&
      mm.open_changes.back().sequence > mm.last_ticket && mm.open_changes.back().refill == refilled) {
    mm.open_changes.back().end = end;
    mm.open_changes.back().sequence = mm.changes;
  } else {
    mm.open_changes.push_back({begin, end, mm.changes, refilled});
  }
}

void Oracle::flush_ends(MmStruct& mm, PageNumber begin, PageNumber end, std::uint64_t ticket) {
  // What is left of a change that the flush covers in part stays open: paths that met page by page are merged
  // above.
  std::vector<OpenChange> open;
  for (const OpenChange& change : mm.open_changes) {
    if (ticket < change.sequence || change.end <= begin || end <= change.begin) {
      open.push_back(change);
      continue;
    }
    if (change.begin < begin) open.push_back({change.begin, begin, change.sequence, change.refill});
    if (end < change.end) open.push_back({end, change.end, change.sequence, change.refill});
  }
  mm.open_changes = std::move(open);
}

namespace {
std::string describe(Pte pte) {
  return pte.valid()
             ? fmt::format("frame {}, {}", pte.frame().value(), pte.writable() ? "writable" : "read-only")
             : std::string("empty");
}
} // namespace

void Oracle::judge(Core& core, MmStruct& mm, PageNumber page, Tlb::Translation& translation) {
  const Pte old(translation.word);
  const Pte* entry = mm.tables.find(page);
  const bool table_freed =
      entry == nullptr || reinterpret_cast<const std::uint64_t*>(entry) != translation.source;
  const Pte now = entry ? *entry : Pte();
  const Frame& frame = frames_[old.frame()];
  const bool frame_freed = frame.epoch != translation.stamp;
  if (!table_freed && !frame_freed && now.valid() && now.frame() == old.frame() &&
      (now.writable() || !old.writable()))
    return; // permissions have been widened: the entry is narrower than need be, not wrong
  const auto open =
      std::find_if(mm.open_changes.begin(), mm.open_changes.end(),
                   [&](const OpenChange& change) { return change.begin <= page && page < change.end; });
  const char* why = nullptr;
  if (frame_freed)
    why = "its frame has been freed since";
  else if (table_freed && open == mm.open_changes.end()) // else it is unhooked, and waits for the flush
    why = "its table has been freed since";
  else if (now.valid() && now.frame() != old.frame() && (open == mm.open_changes.end() || !open->refill))
    why = "the address has another translation by now (break before make)";
  else if (open == mm.open_changes.end())
    why = "the flush of that change has completed";
  if (why == nullptr) {
    machine_.counters().add(Counter::stale_hit);
    return;
  }
  throw Violation(
      fmt::format("stale translation: cpu {} uses page {:#x} of mm {} through an old TLB entry, and {}.\n"
                  "  TLB entry: {} (frame epoch {})\n  table now: {}\n"
                  "  frame {}: epoch {}, {} references, {} mappings\n"
                  "  mm {}: {} changes so far, {} of them not flushed yet; cpu {} {} in its mask; generation "
                  "{}, cpu at {}",
                  core.id().value(), page.value(), mm.id, why, describe(old), translation.stamp,
                  table_freed ? "its table is gone" : describe(now), old.frame().value(), frame.epoch,
                  frame.refcount, frame.mapcount, mm.id, mm.changes, mm.open_changes.size(),
                  core.id().value(), mm.cpumask.contains(core.id()) ? "is" : "is not", mm.generation,
                  mm.core_generation[core.id().value()]));
}

bool Oracle::judge_walk(Core& core, const MmStruct& mm, PageNumber page,
                        const Tlb::Translation& remembered) const {
  const PageNumber begin(page.value() & ~std::uint64_t{511}),
      end = begin + 512; // what one last-level table maps
  if (std::any_of(mm.open_changes.begin(), mm.open_changes.end(),
                  [&](const OpenChange& change) { return change.begin < end && begin < change.end; }))
    return false;
  throw Violation(fmt::format(
      "stale walk: cpu {} walks to page {:#x} of mm {} through a table (frame {}) that is no longer "
      "there, and the flush of that change has completed; the cpu {} in the mm's mask",
      core.id().value(), page.value(), mm.id, Pte(remembered.word).frame().value(),
      mm.cpumask.contains(core.id()) ? "is" : "is not"));
}

void Oracle::check_frame_free(const Core& core, const MmStruct& mm, Asid asid, PageNumber page,
                              FrameNumber frame, const std::uint64_t* source) const {
  for (std::uint32_t i = 0; i < machine_.cpus(); ++i)
    if (CoreId(i) != core.id() && machine_.core(CoreId(i)).tlb().holds(asid, page, source))
      throw Violation(fmt::format("stale translation: frame {}, mapped at page {:#x} of mm {} until now, is "
                                  "freed by cpu {} before the "
                                  "flush, and the TLB of cpu {} still has it; {} changes of the mm are not "
                                  "flushed yet; cpu {} {} in its mask",
                                  frame.value(), page.value(), mm.id, core.id().value(), i,
                                  mm.open_changes.size(), i,
                                  mm.cpumask.contains(CoreId(i)) ? "is" : "is not"));
}

void Oracle::check_table_free(const MmStruct& mm, std::uint64_t word) const {
  for (std::uint32_t i = 0; i < machine_.cpus(); ++i)
    if (machine_.core(CoreId(i)).tlb().may_walk(word))
      throw Violation(
          fmt::format("stale walk: a table page of mm {} (frame {}) is freed while the walker of cpu {} may "
                      "still follow it; the cpu {} in the mm's mask",
                      mm.id, Pte(word).frame().value(), i, mm.cpumask.contains(CoreId(i)) ? "is" : "is not"));
}

} // namespace mmsim

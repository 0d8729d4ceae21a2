#include "models/operations/user.hpp"

#include "models/address_space/content_stamps.hpp"
#include "models/operations/fault.hpp"

#include <algorithm>

namespace mmsim {

void end_if_killed(System& system, Task& task) {
  if (!task.killed) return;
  if (LockObserver* observer = system.locks.observer()) observer->enters_user_mode(task); // holding nothing
  throw TaskKilled{};
}

void return_to_user_mode(System& system, Task& task) {
  system.scheduler.resched_point(task);
  end_if_killed(system, task);
}

namespace {

// What the hardware does with `entry` for an access of that kind: nothing it may, what it notes in the table,
// or nothing to be noted.
struct Permission {
  bool permitted;
  std::uint64_t to_note;
};
Permission permission(Pte entry, AccessKind kind, const TlbCosts& mmu) {
  const std::uint64_t wanted = pte_young | (kind == AccessKind::write ? std::uint64_t{pte_dirty} : 0);
  const std::uint64_t can_note = (mmu.hardware_access_flag ? std::uint64_t{pte_young} : 0) |
                                 (mmu.hardware_dirty ? std::uint64_t{pte_dirty} : 0);
  const std::uint64_t missing = wanted & ~entry.flags();
  const bool permitted =
      entry.valid() && (kind == AccessKind::read || entry.writable()) && (missing & ~can_note) == 0;
  return {permitted, missing};
}

} // namespace

/// User code reads or writes `page` through `word`, the table's or not (`current`).
[[gnu::noinline]] static void stamp(System& system, Core& core, MmStruct& mm, PageNumber page,
                                    AccessKind kind, std::uint64_t word, bool current) {
  const FrameNumber frame = Pte(word).frame();
  if (kind == AccessKind::write)
    system.pages.stamps->written(core, mm, page, frame, current);
  else if (current)
    system.pages.stamps->read(core, mm, page, frame);
}

AccessOutcome access_memory(System& system, Core& core, MmStruct& mm, PageNumber page, AccessKind kind) {
  Tlb& tlb = core.tlb();
  const TlbCosts& costs = core.costs().tlb;
  AccessOutcome outcome;
  if (const Tlb::Hit hit = tlb.look_up(page); hit.translation != nullptr) {
    core.counters().add(Counter::tlb_hit);
    system.oracle.check_hit(core, mm, page, *hit.translation);
    if (hit.level == Tlb::Level::second) outcome.cost = costs.l2_hit;
    const Permission known = permission(Pte(hit.translation->word), kind, costs);
    outcome.faults = !known.permitted;
    if (!outcome.faults && known.to_note == 0 && system.pages.stamps != nullptr) [[unlikely]]
      stamp(system, core, mm, page, kind, hit.translation->word, hit.translation->current());
    if (outcome.faults || known.to_note == 0) return outcome; // else the walker goes and notes it
  } else {
    core.counters().add(Counter::tlb_miss);
  }
  outcome.missed = true;
  PageTable& tables = mm.tables;
  TablePage* table = tables.root();
  int level = tables.shape().levels - 1;
  const Tlb::Translation* remembered = tlb.walk_cached(page);
  if (remembered != nullptr && system.oracle.check_walk(core, mm, page, *remembered)) {
    outcome.cost = costs.walk_level;
    table = tables.leaf(page);
  } else {
    Tlb::Translation step;
    for (; level > 0 && table != nullptr; --level) {
      outcome.cost += costs.walk_level;
      const std::size_t index = tables.index(page, level);
      step = {table->words[index].word(), reinterpret_cast<const std::uint64_t*>(&table->words[index])};
      table = table->children[index];
    }
    outcome.cost += costs.walk_level;
    if (table != nullptr) tlb.remember_walk(page, step);
  }
  Pte* entry = table ? &table->words[tables.index(page, 0)] : nullptr;
  const Permission found = entry ? permission(*entry, kind, costs) : Permission{false, 0};
  if (!found.permitted) {
    outcome.faults = true;
    return outcome;
  }
  if (found.to_note != 0) *entry = entry->noted(found.to_note);
  tlb.insert(page, {entry->word(), reinterpret_cast<const std::uint64_t*>(entry),
                    system.pages[entry->frame()].epoch});
  if (system.pages.stamps != nullptr) [[unlikely]]
    stamp(system, core, mm, page, kind, entry->word(), true);
  return outcome;
}

std::optional<FaultKind> touch(System& system, Task& task, PageNumber page, AccessKind kind) {
  if (LockObserver* observer = system.locks.observer()) observer->enters_user_mode(task);
  for (std::optional<FaultKind> first;;) {
    Core& core = task.core();
    core.settle();
    end_if_killed(system, task); // by an interrupt meanwhile
    const AccessOutcome outcome = access_memory(system, core, *task.mm, page, kind);
    core.charge(core.costs().entry.user_access + outcome.cost, Account::user);
    if (!outcome.faults) return first;
    const FaultKind fault = handle_fault(system, task, page, kind);
    if (!first) first = fault;
  }
}

namespace {

// The accesses of one stretch of user code, on a clock that runs only while the code does.
class Stream final : public AccessStream {
 public:
  Stream(System& system, Task& task, WorkingSet& set)
      : system_(system), task_(task), set_(set), due_(set.interval) {}

  void resume(Instant now) override { resumed_ = now; }
  void advance_to(Instant now) override {
    clock_ += now - resumed_;
    resumed_ = now;
    std::uint64_t looked_up = 0;
    while (due_ <= clock_ && !fault_) {
      if (hits_in_a_row_ >= set_.pages && looked_up >= set_.pages && system_.pages.stamps == nullptr) {
        // A whole round has just hit, and nothing can have changed since: so do the rest.
        const auto rest = static_cast<std::uint64_t>((clock_ - due_) / set_.interval) + 1;
        task_.core().counters().add(Counter::tlb_hit, rest);
        set_.next = (set_.next + rest) % set_.pages;
        due_ += static_cast<std::int64_t>(rest) * set_.interval;
        return;
      }
      ++looked_up;
      access();
    }
  }
  /// When the code must be looked at again, counted from now in its own time; nothing if it only hits.
  std::optional<Duration> next_look() const {
    if (fault_) return Duration{};
    if (hits_in_a_row_ >= set_.pages) return std::nullopt;
    return due_ - clock_;
  }
  /// The page that the code has faulted on, once.
  std::optional<PageNumber> take_fault() {
    hits_in_a_row_ = fault_ ? 0 : hits_in_a_row_;
    return std::exchange(fault_, std::nullopt);
  }
  /// What the walks since the last call took.
  Duration take_walked() { return std::exchange(walked_, Duration{}); }
  /// Somebody has invalidated something, or the core has done other things meanwhile.
  void disturbed() { hits_in_a_row_ = 0; }

 private:
  void access() {
    const PageNumber page = set_.first + set_.next;
    const AccessOutcome outcome = access_memory(system_, task_.core(), *task_.mm, page, set_.kind);
    if (outcome.faults) {
      fault_ = page;
      task_.core().nudge();
      return; // to be made again
    }
    hits_in_a_row_ = outcome.missed ? 0 : hits_in_a_row_ + 1;
    if (outcome.missed) walked_ += outcome.cost; // the end of the stretch moves with what comes after
    set_.next = (set_.next + 1) % set_.pages;
    due_ += set_.interval + outcome.cost;
  }

  System& system_;
  Task& task_;
  WorkingSet& set_;
  Instant resumed_{};
  Duration clock_{};  // user time so far
  Duration due_;      // user time of the next access
  Duration walked_{}; // not yet taken
  std::uint64_t hits_in_a_row_ = 0;
  std::optional<PageNumber> fault_;
};

} // namespace

void run_user(System& system, Task& task, Duration length, WorkingSet* set) {
  if (LockObserver* observer = system.locks.observer()) observer->enters_user_mode(task);
  std::optional<Stream> stream;
  if (set != nullptr && set->pages > 0) stream.emplace(system, task, *set);
  end_if_killed(system, task);
  Duration left = length;
  while (left.count() > 0) {
    Core& core = task.core();
    Duration stretch = left;
    if (stream)
      if (const auto look = stream->next_look()) stretch = std::min(stretch, *look);
    core.settle(); // what is still the kernel's
    task.in_user_mode = true;
    const Duration passed = core.user_sleep_until(core.now() + stretch, stream ? &*stream : nullptr);
    task.in_user_mode = false;
    left -= passed;
    if (stream) {
      left += stream->take_walked();
      if (passed < stretch) stream->disturbed(); // an interrupt or an invalidation came in between
      if (const auto page = stream->take_fault()) handle_fault(system, task, *page, set->kind);
    }
    return_to_user_mode(system, task);
  }
}

} // namespace mmsim

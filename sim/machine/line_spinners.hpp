// The cores that spin on one cache line.
//
// A write takes their copies away, and all of them read the line again. Under fifo arbitration that is one entry of
// the line's queue: since the value cannot change before the last of them has read it, their turns can be computed in
// one step, and only those run whose condition has come true. The members of a batch stay members until it has been
// served: an interrupt waits for a load that has gone out.
//
// With `nearest` (where others may come in between), with run.batch_rereads off, and for those who began to spin while
// a batch was waiting for its turn, every core reads for itself.
#pragma once

#include "sim/machine/cache_line.hpp"

#include <cstdint>
#include <deque>
#include <vector>

namespace mmsim {

/// What a spinning core waits for: that a word has a value, or whatever `holds` looks at. Outlives the spinning.
struct SpinCondition {
  bool (*holds)(void* state) = nullptr;
  void* state = nullptr;
  const std::uint16_t* word =
      nullptr; ///< instead of `holds`; each of the line's spinners waits for another value
  std::uint16_t value = 0;
  /// `holds` looks at more than the line: it is asked only by the core itself, when it has read the line.
  bool looks_elsewhere = false;

  bool met() const { return word != nullptr ? *word == value : holds(state); }
};

class LineSpinners {
 public:
  LineSpinners(CacheLine& line, Machine& machine);

  /// `core`, which has a copy and has found its condition not met, spins; it is woken when it has to look again.
  void join(Core& core, const SpinCondition& condition);
  /// Does nothing if interrupt() has taken it out already.
  void leave(Core& core);
  /// A write to the line has just been served.
  void written();
  /// An interrupt has come for a core that spins here: it runs now, or when its load is back.
  void interrupt(Core& core);

  /// The batch's turn has come; the line is free since `free`.
  void grant(Instant free);
  /// Of the batch. Cannot leave before its turn.
  const Core& first() const;

 private:
  struct Spinner {
    Core* core = nullptr; // null: has left
    SpinCondition condition;
    Instant reads{}; // when it has read the line, in this batch or between its members
    Instant left = Instant::max();
    bool interrupted = false; // waits for its load to be back
    bool woken = false;       // its wake-up is on its way
  };

  using Index = std::int64_t;

  void tidy();
  void merge_late();
  void renumber();
  bool batch_under_way() const;
  bool in_batch(Index index) const;
  Index end() const { return base_ + static_cast<Index>(spinners_.size()); }
  Spinner& at(Index index) {
    return index < early_base ? spinners_[static_cast<std::size_t>(index - base_)]
                              : early_[static_cast<std::size_t>(index - early_base)];
  }
  Instant tail_read(Index index) const;
  void wake(Spinner& spinner, Instant t, bool met);

  CacheLine& line_;
  Machine& machine_;
  std::deque<Spinner> spinners_; // in the order in which they have read the line; numbered from base_
  Index base_ = 0;
  // Those who have read the line before a batch that is waiting for its turn: they go before it. Numbered from
  // early_base.
  static constexpr Index has_left = -(Index{1} << 48);
  static constexpr Index early_base = Index{1} << 48;
  std::vector<Spinner> early_;
  std::vector<Spinner> moved_; // only while merge_late() runs; keeps its memory
  bool late_ = false;    // somebody has read the line between members of the batch: those from members_ on
  std::size_t live_ = 0; // how many spin
  std::vector<std::uint32_t> in_die_;
  PlaceSet places_;
  // The word that all spin on, and the value for which none of them waits; null: look at each.
  const std::uint16_t* word_ = nullptr;
  std::uint16_t seen_ = 0;
  bool changed_ = false; // somebody has begun to wait since it had that value

  // The batch: all that spun when the line was written.
  LineRequest request_;
  bool waiting_ = false; // for its turn
  Instant end_{};        // of its service
  Index members_ = 0;    // those numbered below, unless they had left
  std::size_t interrupted_ = 0;
  std::vector<std::uint32_t> members_in_die_;
  PlaceSet member_places_;
  Index tail_ = 0; // from this one on the members follow each other at line.share
  Instant tail_begin_{};
};

} // namespace mmsim

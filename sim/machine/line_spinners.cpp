#include "sim/machine/line_spinners.hpp"

#include "sim/machine/machine.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace mmsim {

LineSpinners::LineSpinners(CacheLine& line, Machine& machine)
    : line_(line), machine_(machine), in_die_(machine.topology().dies()) {}

bool LineSpinners::batch_under_way() const { return waiting_ || machine_.engine().now() < end_; }

bool LineSpinners::in_batch(Index index) const {
  return index < members_ && spinners_[static_cast<std::size_t>(index - base_)].left >= request_.made;
}

void LineSpinners::join(Core& core, const SpinCondition& condition) {
  tidy();
  if (waiting_) {
    core.spin_index_ = early_base + static_cast<Index>(early_.size());
    early_.push_back({.core = &core, .condition = condition});
  } else {
    late_ |= batch_under_way();
    core.spin_index_ = end();
    spinners_.push_back({.core = &core, .condition = condition, .reads = core.now()});
  }
  places_.insert(core.place());
  ++in_die_[machine_.topology().die_of(core.place())];
  if (live_++ == 0) {
    word_ = condition.word;
    changed_ = false;
    if (word_ != nullptr) seen_ = *word_;
  } else if (word_ != condition.word) {
    word_ = nullptr; // each must be looked at
  } else if (word_ != nullptr && seen_ != *word_) {
    changed_ = true;
  }
}

void LineSpinners::leave(Core& core) {
  if (core.spin_index_ == has_left) return;
  Spinner& spinner = at(core.spin_index_);
  core.spin_index_ = has_left;
  spinner.core = nullptr;
  spinner.left = batch_under_way() ? core.now() : Instant::min();
  places_.erase(core.place());
  --in_die_[machine_.topology().die_of(core.place())];
  --live_;
}

// Those who have left keep their place, since the turns of a batch are counted by it, until it has been served.
void LineSpinners::tidy() {
  if (batch_under_way()) return;
  if (late_) merge_late();
  for (; !early_.empty(); early_.pop_back()) {
    if (early_.back().core == nullptr) continue;
    spinners_.push_front(early_.back());
    early_.back().core->spin_index_ = --base_;
  }
  while (!spinners_.empty() && spinners_.front().core == nullptr) {
    spinners_.pop_front();
    ++base_;
  }
  if (spinners_.size() > 2 * live_ + 16) renumber();
}

// Moves the members who have read before the last of the late: mostly few, since who takes a ticket begins to spin
// right after his own write, when the batch has just begun.
void LineSpinners::merge_late() {
  late_ = false;
  const auto late = spinners_.begin() + (members_ - base_);
  std::copy_if(late, spinners_.end(), std::back_inserter(moved_),
               [](const Spinner& spinner) { return spinner.core != nullptr; });
  spinners_.erase(late, spinners_.end());
  spinners_.insert(spinners_.begin(), moved_.size(), Spinner{});
  Index from = base_;
  Index to = base_ -= static_cast<Index>(moved_.size());
  const auto place = [this, &to](const Spinner& spinner) {
    at(to) = spinner;
    if (spinner.core != nullptr) spinner.core->spin_index_ = to;
    ++to;
  };
  Instant read = tail_begin_;
  for (const Spinner& spinner : moved_) {
    for (; from < members_; ++from) {
      const Instant next = read + in_batch(from) * machine_.costs().line.share;
      const Spinner& member = at(from);
      if (member.core != nullptr && (from < tail_ ? member.reads : next) > spinner.reads) break;
      if (from >= tail_) read = next;
      place(member);
    }
    place(spinner);
  }
  moved_.clear();
}

void LineSpinners::renumber() {
  base_ = end();
  std::erase_if(spinners_, [](const Spinner& spinner) { return spinner.core == nullptr; });
  for (Index i = base_; i < end(); ++i)
    at(i).core->spin_index_ = i;
}

Instant LineSpinners::tail_read(Index index) const {
  std::int64_t rank = 1;
  for (Index i = tail_; i < index; ++i)
    rank += in_batch(i);
  return tail_begin_ + rank * machine_.costs().line.share;
}

void LineSpinners::written() {
  if (live_ == 0) return;
  if (waiting_ || !machine_.batches_rereads()) {
    // Each reads for itself; members of a batch that has not had its turn have a load on its way already.
    const auto wake_all = [this](auto& spinners) {
      for (Spinner& spinner : spinners)
        if (spinner.core != nullptr) machine_.engine().wake(*spinner.core->spinner_);
    };
    if (!waiting_) wake_all(spinners_);
    wake_all(early_);
    return;
  }
  tidy();
  waiting_ = true;
  interrupted_ = 0;
  request_.kind = LineAccess::read;
  request_.made = machine_.engine().now();
  members_ = end();
  members_in_die_ = in_die_;
  member_places_ = places_;
  line_.enqueue(request_);
}

const Core& LineSpinners::first() const {
  std::size_t i = 0;
  while (spinners_[i].core == nullptr)
    ++i;
  return *spinners_[i].core;
}

void LineSpinners::wake(Spinner& spinner, Instant t, bool met) {
  if (std::exchange(spinner.woken, true)) return;
  spinner.core->reread_ = met ? Core::Reread::met : Core::Reread::in_vain;
  machine_.engine().wake_at(*spinner.core->spinner_, t);
}

void LineSpinners::grant(Instant free) {
  waiting_ = false;
  const Topology& topology = machine_.topology();
  const LineCosts& costs = machine_.costs().line;
  const Instant made = request_.made;
  const Duration farthest = costs.transfer + topology.within_die();

  // Whose condition has come true? With a word that all wait for it is one at most, and nobody if it is unchanged.
  const bool at_most_one = word_ != nullptr && interrupted_ == 0;
  Index needed =
      at_most_one && !changed_ && *word_ == seen_ ? base_ : members_; // all below must be looked at
  if (word_ != nullptr) {
    seen_ = *word_;
    changed_ = false;
  }

  const auto look = [&](Spinner& spinner, Index index, Instant t) {
    if (spinner.condition.looks_elsewhere) return wake(spinner, t, false); // what is there by then?
    const bool met = spinner.condition.met();
    if (met || spinner.interrupted) wake(spinner, t, met);
    if (met && at_most_one) needed = index + 1;
  };

  // Dies in which nobody has a copy yet: the first there pays the way from another die.
  std::uint32_t left = 0, dies_without = 0;
  for (std::uint32_t die = 0; die < members_in_die_.size(); ++die) {
    left += members_in_die_[die];
    dies_without += members_in_die_[die] > 0 && !line_.die_holds(topology, die);
  }
  Instant served = free;
  Index index = base_;
  auto member = spinners_.begin();
  for (; left > 0; ++index, ++member) {
    // Who has been waiting, and finds a clean copy in its die, follows the one before at line.share.
    const bool waits_for_share =
        line_.state_ == CacheLine::State::shared && served + costs.share >= made + farthest;
    if (waits_for_share && dies_without == 0) break; // so do all that follow
    if (member->left < made) continue;
    const bool die_holds = line_.die_holds(topology, topology.die_of(member->core->place()));
    if (!die_holds) --dies_without;
    served = waits_for_share && die_holds ? served + costs.share
                                          : line_.grant(*member->core, LineAccess::read, made, served);
    member->reads = served;
    if (index < needed) look(*member, index, served);
    --left;
  }
  tail_ = index;
  tail_begin_ = served;
  end_ = served + left * costs.share;
  for (; index < needed; ++index, ++member)
    if (member->left >= made) look(*member, index, served += costs.share);
  line_.busy_until_ = end_;
  line_.holders_ |= member_places_;
  line_.lowest_ = std::min(line_.lowest_, member_places_.lowest());
  line_.highest_ = std::max(line_.highest_, member_places_.highest());
}

void LineSpinners::interrupt(Core& core) {
  const Instant now = machine_.engine().now();
  const Index index = core.spin_index_;
  if (index == has_left) return; // two in one instant
  Spinner& spinner = at(index);
  if (in_batch(index) && batch_under_way()) {
    if (waiting_) {
      spinner.interrupted = true;
      ++interrupted_;
      return;
    }
    if (index >= tail_) spinner.reads = tail_read(index);
    if (spinner.reads > now) {
      wake(spinner, spinner.reads, false);
      return;
    }
  }
  leave(core); // now: a write that is served in this instant must not count on it any more
  machine_.engine().wake(*core.spinner_);
}

} // namespace mmsim

#include "sim/record/wait_log.hpp"

#include <algorithm>

namespace mmsim {

void WaitLog::forget(std::size_t which) {
  std::copy(open_.begin() + which + 1, open_.begin() + open_count_, open_.begin() + which);
  if (--open_count_ == 0) clear();
}

// Equal entries of the latest operation become one. An operation that waits for very many is looked at again only
// when it has grown to twice the size.
void WaitLog::compact() {
  const auto begin = entries_.begin() + open_[open_count_ - 1].position;
  std::stable_sort(begin, entries_.end(), [](const Entry& a, const Entry& b) {
    return a.account != b.account ? a.account < b.account : a.whom.value() < b.whom.value();
  });
  auto last = begin;
  for (auto next = begin + 1; next < entries_.end(); ++next)
    if (next->account == last->account && next->whom == last->whom)
      last->length += next->length;
    else
      *++last = *next;
  if (begin != entries_.end()) entries_.erase(last + 1, entries_.end());
  apart_ = entries_.size();
  compact_at_ = std::max(most_entries, 2 * entries_.size());
}

void WaitLog::reassign(std::size_t from, WaitId whom, WaitId instead, Duration length) {
  if (from != apart_) return; // they have been added up with others
  for (std::size_t i = entries_.size(); i-- > from && length.count() > 0;) {
    const Duration part = std::min(length, entries_[i].length);
    length -= part;
    if (entries_[i].whom != whom) continue;
    if (part == entries_[i].length) {
      entries_[i].whom = instead;
      continue;
    }
    entries_[i].length -= part;
    entries_.insert(entries_.begin() + std::ptrdiff_t(i) + 1, {part, instead, entries_[i].account});
  }
}

} // namespace mmsim

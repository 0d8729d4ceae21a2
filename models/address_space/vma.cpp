#include "models/address_space/vma.hpp"

namespace mmsim {

Vma* VmaTree::find(PageNumber page) {
  if (cached_ != nullptr && cached_->begin <= page && page < cached_->end) {
    levels_ = 0;
    return cached_;
  }
  levels_ = static_cast<int>(std::bit_width(areas_.size()));
  auto next = areas_.upper_bound(page);
  if (next != areas_.begin()) {
    const auto previous = std::prev(next);
    if (page < previous->second.end) return cached_ = &previous->second;
  }
  return next == areas_.end() ? nullptr : cached_ = &next->second;
}

PageNumber VmaTree::find_gap(PageNumber from, std::uint64_t pages, PageNumber limit) const {
  PageNumber candidate = from;
  auto next = areas_.lower_bound(candidate);
  if (next != areas_.begin() && std::prev(next)->second.end > candidate)
    candidate = std::prev(next)->second.end;
  for (; next != areas_.end() && next->second.begin - candidate < pages; ++next)
    candidate = next->second.end;
  return limit < candidate + pages ? limit : candidate;
}

std::pair<PageNumber, PageNumber> VmaTree::free_around(PageNumber begin, PageNumber end,
                                                       PageNumber limit) const {
  const auto next = areas_.lower_bound(end);
  auto before = areas_.lower_bound(begin);
  return {before == areas_.begin() ? PageNumber(0) : std::prev(before)->second.end,
          next == areas_.end() ? limit : next->first};
}

Vma& VmaTree::insert(const Vma& vma) { return areas_.emplace(vma.begin, vma).first->second; }

void VmaTree::erase(const Vma& vma) {
  if (cached_ == &vma) cached_ = nullptr;
  areas_.erase(vma.begin);
}

} // namespace mmsim

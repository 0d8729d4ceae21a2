#include "models/address_space/vma.hpp"

#include <iterator>

namespace mmsim {

VmaTree::~VmaTree() {
  areas_.clear_and_dispose([](Vma* vma) { delete vma; });
}

Vma* VmaTree::find(PageNumber page) {
  if (cached_ != nullptr && cached_->contains(page)) {
    levels_ = 0;
    return cached_;
  }
  levels_ = static_cast<int>(std::bit_width(areas_.size()));
  auto next = areas_.upper_bound(page);
  if (next != areas_.begin()) {
    Vma& before = *std::prev(next);
    if (page < before.end) return cached_ = &before;
  }
  return next == areas_.end() ? nullptr : cached_ = &*next;
}

Vma* VmaTree::previous(const Vma& vma) {
  const auto at = areas_.iterator_to(const_cast<Vma&>(vma));
  return at == areas_.begin() ? nullptr : &*std::prev(at);
}

Vma* VmaTree::next(const Vma& vma) {
  const auto after = std::next(areas_.iterator_to(const_cast<Vma&>(vma)));
  return after == areas_.end() ? nullptr : &*after;
}

PageNumber VmaTree::find_gap(PageNumber from, std::uint64_t pages, PageNumber limit) const {
  PageNumber candidate = from;
  auto next = areas_.lower_bound(candidate);
  if (next != areas_.begin() && std::prev(next)->end > candidate) candidate = std::prev(next)->end;
  for (; next != areas_.end() && next->begin - candidate < pages; ++next)
    candidate = next->end;
  return limit < candidate + pages ? limit : candidate;
}

std::pair<PageNumber, PageNumber> VmaTree::free_around(PageNumber begin, PageNumber end,
                                                       PageNumber limit) const {
  const auto next = areas_.lower_bound(end);
  const auto before = areas_.lower_bound(begin);
  return {before == areas_.begin() ? PageNumber(0) : std::prev(before)->end,
          next == areas_.end() ? limit : next->begin};
}

Vma& VmaTree::insert(const Vma& vma) {
  Vma& linked = *new Vma(vma);
  areas_.insert(linked);
  return linked;
}

void VmaTree::erase(Vma& vma) {
  if (cached_ == &vma) cached_ = nullptr;
  areas_.erase_and_dispose(areas_.iterator_to(vma), [](Vma* gone) { delete gone; });
}

void VmaTree::resize(Vma& vma, PageNumber begin, PageNumber end) {
  vma.begin = begin;
  vma.end = end;
}

} // namespace mmsim

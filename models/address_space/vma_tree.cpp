#include "models/address_space/vma_tree.hpp"

#include "sim/engine/engine.hpp"

#include <spdlog/fmt/fmt.h>
#include <stdexcept>
#include <utility>

namespace mmsim {

void VmaTreeParameters::declare(Declaration& d, VmaTreeParameters& p) {
  d("kernel.vma_tree", p.tree, "rbtree", "the tree of areas: a red-black tree beside a list, or a maple tree",
    "mm->mm_rb up to 6.0, mm->mm_mt from 6.1 on")
      .registered<VmaTree>();
  d("kernel.vma_gap_search", p.gap_search, "rb_subtree_gap",
    "how an rbtree finds a free range: along the list of areas from where the last one was found "
    "(free_area_cache), or by the widest gap below each node (rb_subtree_gap); a maple tree has gaps in its "
    "nodes",
    "rb_subtree_gap since 3.8 (Arm; 3.10 elsewhere), free_area_cache before")
      .one_of({"free_area_cache", "rb_subtree_gap"});
}

LinkedVma& VmaPool::take(const Vma& vma) {
  if (free_.empty()) free_.push_back(&all_.emplace_back());
  LinkedVma& taken = *free_.back();
  free_.pop_back();
  static_cast<Vma&>(taken) = vma;
  taken.detached = true;
  taken.anon_vma = nullptr;
  taken.chain = nullptr;
  taken.anon_next = taken.anon_previous = nullptr;
  taken.shared = {};
  return taken;
}

VmaTree::~VmaTree() {
  areas_.clear_and_dispose([this](LinkedVma* vma) { pool_.give_back(*vma); });
}

LinkedVma* VmaTree::before(LinkedVma& vma) {
  const auto at = areas_.iterator_to(vma);
  return at == areas_.begin() ? nullptr : &*std::prev(at);
}

LinkedVma* VmaTree::after(LinkedVma& vma) {
  const auto at = std::next(areas_.iterator_to(vma));
  return at == areas_.end() ? nullptr : &*at;
}

Vma* VmaTree::previous(const Vma& vma) { return before(static_cast<LinkedVma&>(const_cast<Vma&>(vma))); }

Vma* VmaTree::next(const Vma& vma) { return after(static_cast<LinkedVma&>(const_cast<Vma&>(vma))); }

Vma& VmaTree::insert_taken(Vma& vma) {
  auto* next = static_cast<LinkedVma*>(find(vma.begin));
  if (vma.end <= vma.begin || (next != nullptr && next->begin < vma.end))
    throw std::logic_error(fmt::format("an area from page {:#x} to {:#x} overlaps another one, or is empty",
                                       vma.begin.value(), vma.end.value()));
  auto& linked = static_cast<LinkedVma&>(vma);
  linked.detached = false;
  areas_.insert(next != nullptr ? areas_.iterator_to(*next) : areas_.end(), linked);
  ++size_;
  work_ = {};
  link(linked, next);
  return linked;
}

void VmaTree::erase(Vma& vma) {
  auto& linked = static_cast<LinkedVma&>(vma);
  work_ = {};
  unlink(linked);
  areas_.erase(areas_.iterator_to(linked));
  --size_;
  linked.detached = true;
}

void VmaTree::resize(Vma& vma, PageNumber begin, PageNumber end) {
  auto& linked = static_cast<LinkedVma&>(vma);
  const LinkedVma *previous = before(linked), *next = after(linked);
  if (end <= begin || (previous != nullptr && begin < previous->end) ||
      (next != nullptr && next->begin < end))
    throw std::logic_error(fmt::format("an area from page {:#x} to {:#x} cannot become {:#x} to {:#x}",
                                       vma.begin.value(), vma.end.value(), begin.value(), end.value()));
  work_ = {};
  reshape(linked, begin, end);
}

void VmaTree::resize(Vma& vma, PageNumber begin, PageNumber end, MapleReserve& nodes) {
  std::swap(reserve_, nodes);
  resize(vma, begin, end);
  std::swap(reserve_, nodes);
}

void VmaTree::clear() {
  work_ = {};
  unlink_all();
  areas_.clear_and_dispose([this](LinkedVma* vma) { pool_.give_back(*vma); });
  size_ = 0;
}

std::pair<PageNumber, PageNumber> VmaTree::free_around(PageNumber begin, PageNumber end, PageNumber limit) {
  auto* next = static_cast<LinkedVma*>(find(begin));
  LinkedVma* previous = next != nullptr ? before(*next) : last();
  while (next != nullptr && next->begin < end)
    next = after(*next);
  return {previous != nullptr ? previous->end : PageNumber(0), next != nullptr ? next->begin : limit};
}

void VmaTree::check_invariants() {
  std::size_t found = 0;
  PageNumber reached{0};
  for (const LinkedVma& vma : areas_) {
    ++found;
    if (vma.begin < reached || vma.end <= vma.begin)
      throw Violation(fmt::format("areas overlap or are out of order at page {:#x}", vma.begin.value()));
    reached = vma.end;
    if (find(vma.begin) != &vma || find(vma.end - 1) != &vma)
      throw Violation(
          fmt::format("the tree does not find the area that begins at page {:#x}", vma.begin.value()));
  }
  if (found != size_) throw Violation(fmt::format("{} areas are listed, but {} counted", found, size_));
  check_tree();
}

} // namespace mmsim

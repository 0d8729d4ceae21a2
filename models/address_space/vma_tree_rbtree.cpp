// The red-black tree of areas beside their list: Linux to 6.0.
//
// Models mm->mm_rb with find_vma() and __vma_link_rb() of mm/mmap.c, and two ways to a free range
// (kernel.vma_gap_search):
// - free_area_cache, 2.6.24's arch_get_unmapped_area(): from where the last range ended, or from the lowest
//   address if the hole wanted is no larger than one passed since (cached_hole_size), area by area along the
//   list, once around; what is unmapped below sets it back (arch_unmap_area());
// - rb_subtree_gap, vm_unmapped_area() since 3.8: each node knows the widest gap before an area at or below
//   it, so that whole subtrees are passed over.
// An area that grows down keeps its guard gap free (vm_start_gap()) under the second.
//
// Left out: the colour of shared mappings on caches with aliases (Arm); top-down searches with
// free_area_cache, which Arm did not have then.
#include "models/address_space/vma_tree.hpp"
#include "sim/engine/configuration.hpp"
#include "sim/machine/core.hpp"

#include <algorithm>
#include <boost/intrusive/rbtree_algorithms.hpp>
#include <spdlog/fmt/fmt.h>

namespace mmsim {
namespace {

struct RbTraits {
  using node = RbNode;
  using node_ptr = RbNode*;
  using const_node_ptr = const RbNode*;
  using color = bool;
  static node_ptr get_parent(const_node_ptr n) { return n->parent; }
  static void set_parent(node_ptr n, node_ptr parent) { n->parent = parent; }
  static node_ptr get_left(const_node_ptr n) { return n->left; }
  static void set_left(node_ptr n, node_ptr left) { n->left = left; }
  static node_ptr get_right(const_node_ptr n) { return n->right; }
  static void set_right(node_ptr n, node_ptr right) { n->right = right; }
  static color get_color(const_node_ptr n) { return n->red; }
  static void set_color(node_ptr n, color c) { n->red = c; }
  static color black() { return false; }
  static color red() { return true; }
};
using Algorithms = boost::intrusive::rbtree_algorithms<RbTraits>;

LinkedVma& area(RbNode* node) { return *static_cast<LinkedVma*>(node); }
std::uint64_t subtree_gap(RbNode* node) { return node != nullptr ? area(node).subtree_gap : 0; }
PageNumber aligned_up(PageNumber page, std::uint64_t to) {
  return PageNumber((page.value() + to - 1) / to * to);
}

class RbVmaTree final : public VmaTree {
 public:
  explicit RbVmaTree(const VmaTreeMeans& means)
      : VmaTree(means.areas), stack_guard_gap_(means.stack_guard_gap),
        augmented_(means.parameters.gap_search == "rb_subtree_gap") {
    Algorithms::init_header(&header_);
  }

  Vma* find(PageNumber page) override;
  Duration level_cost(const Core& core) const override { return core.costs().work.vma_find_level; }
  Duration change_cost(const Core&) const override { return {}; } // in work.vma_insert and work.vma_remove
  std::optional<PageNumber> find_gap(const GapRequest& request) override {
    return augmented_ ? unmapped_area(request) : arch_get_unmapped_area(request);
  }

 protected:
  void link(LinkedVma& vma, LinkedVma* next) override;
  void unlink(LinkedVma& vma) override;
  void reshape(LinkedVma& vma, PageNumber begin, PageNumber end) override;
  void unlink_all() override { Algorithms::init_header(&header_); }
  void check_tree() override;

 private:
  // vm_start_gap().
  PageNumber start_gap(const LinkedVma& vma) const {
    return vma.has(VM_GROWSDOWN) ? vma.begin - std::min(vma.begin.value(), stack_guard_gap_) : vma.begin;
  }
  PageNumber gap_start(LinkedVma& vma) {
    const LinkedVma* previous = before(vma);
    return previous != nullptr ? previous->end : PageNumber(0);
  }
  std::uint64_t gap_before(LinkedVma& vma) { // vma_compute_gap()
    const PageNumber from = gap_start(vma), to = start_gap(vma);
    return from < to ? to - from : 0;
  }

  void refresh(RbNode* node) {
    LinkedVma& vma = area(node);
    vma.subtree_gap = std::max({gap_before(vma), subtree_gap(node->left), subtree_gap(node->right)});
  }
  void propagate(RbNode* node);

  std::optional<PageNumber> unmapped_area(const GapRequest& request);
  std::optional<PageNumber> lowest_below(RbNode* node, const GapRequest& request, std::uint64_t length);
  std::optional<PageNumber> highest_below(RbNode* node, const GapRequest& request, std::uint64_t length);
  std::optional<PageNumber> arch_get_unmapped_area(const GapRequest& request);

  RbNode header_;
  const std::uint64_t stack_guard_gap_;
  const bool augmented_;
  PageNumber unmapped_base_{0}, free_area_cache_{0}; // TASK_UNMAPPED_BASE: known from the first search on
  std::uint64_t cached_hole_size_ = ~std::uint64_t{0};
};

Vma* RbVmaTree::find(PageNumber page) {
  LinkedVma* found = nullptr;
  walked_ = 0;
  for (RbNode* node = header_.parent; node != nullptr;) {
    ++walked_;
    LinkedVma& vma = area(node);
    if (page < vma.end) {
      found = &vma;
      if (vma.begin <= page) break;
      node = node->left;
    } else {
      node = node->right;
    }
  }
  return found;
}

// After links or gaps at `node` have changed: all above it, and their children, which rotations may have made
// of nodes that stood above it before.
void RbVmaTree::propagate(RbNode* node) {
  for (; node != &header_; node = node->parent) {
    if (node->left != nullptr) refresh(node->left);
    if (node->right != nullptr) refresh(node->right);
    refresh(node);
  }
}

void RbVmaTree::link(LinkedVma& vma, LinkedVma* next) {
  work_.nodes_walked = walked_;
  Algorithms::insert_before(&header_, next != nullptr ? static_cast<RbNode*>(next) : &header_, &vma);
  if (!augmented_) return;
  propagate(&vma);
  if (next != nullptr) propagate(next);
}

void RbVmaTree::unlink(LinkedVma& vma) {
  RbNode* lowest = vma.parent; // the deepest node that loses something below it
  if (vma.left != nullptr && vma.right != nullptr) {
    RbNode* successor = Algorithms::next_node(&vma);
    lowest = successor->parent == &vma ? successor : successor->parent;
  }
  Algorithms::erase(&header_, &vma);
  LinkedVma* next = after(vma);
  const PageNumber hole = gap_start(vma);
  if (!augmented_) {
    const PageNumber from = before(vma) != nullptr ? hole : unmapped_base_;
    if (unmapped_base_ <= from && from < free_area_cache_) { // arch_unmap_area()
      free_area_cache_ = from;
      cached_hole_size_ = ~std::uint64_t{0};
    }
    return;
  }
  // The list still has the area: its successor's gap is as wide as it will be.
  const PageNumber begin = vma.begin, end = vma.end;
  vma.begin = vma.end = hole;
  propagate(lowest);
  if (next != nullptr) propagate(next);
  vma.begin = begin;
  vma.end = end;
}

void RbVmaTree::reshape(LinkedVma& vma, PageNumber begin, PageNumber end) {
  vma.begin = begin;
  vma.end = end;
  if (!augmented_) return;
  propagate(&vma);
  if (LinkedVma* next = after(vma)) propagate(next);
}

// --- vm_unmapped_area()

std::optional<PageNumber> RbVmaTree::unmapped_area(const GapRequest& request) {
  walked_ = 0;
  const std::uint64_t length = request.pages + (request.alignment - 1); // whatever the gap's own alignment
  if (length < request.pages || request.high < request.low || request.high - request.low < length)
    return std::nullopt;
  const LinkedVma* highest = last();
  const PageNumber free_from = std::max(highest != nullptr ? highest->end : PageNumber(0), request.low);
  const bool above = free_from <= request.high && length <= request.high - free_from;
  if (request.top_down) {
    if (above)
      return PageNumber((request.high - request.pages).value() / request.alignment * request.alignment);
    return highest_below(header_.parent, request, length);
  }
  if (const auto found = lowest_below(header_.parent, request, length)) return found;
  if (above) return aligned_up(free_from, request.alignment);
  return std::nullopt;
}

std::optional<PageNumber> RbVmaTree::lowest_below(RbNode* node, const GapRequest& request,
                                                  std::uint64_t length) {
  if (subtree_gap(node) < length) return std::nullopt;
  ++walked_;
  LinkedVma& vma = area(node);
  const PageNumber from = std::max(gap_start(vma), request.low), to = std::min(start_gap(vma), request.high);
  if (request.low + length <= start_gap(vma))
    if (const auto found = lowest_below(node->left, request, length)) return found;
  if (from <= to && length <= to - from) return aligned_up(from, request.alignment);
  if (request.high < from + length) return std::nullopt; // and all further up lie higher
  return lowest_below(node->right, request, length);
}

std::optional<PageNumber> RbVmaTree::highest_below(RbNode* node, const GapRequest& request,
                                                   std::uint64_t length) {
  if (subtree_gap(node) < length) return std::nullopt;
  ++walked_;
  LinkedVma& vma = area(node);
  const PageNumber from = std::max(gap_start(vma), request.low), to = std::min(start_gap(vma), request.high);
  if (gap_start(vma) + length <= request.high)
    if (const auto found = highest_below(node->right, request, length)) return found;
  if (from <= to && length <= to - from)
    return PageNumber((to - request.pages).value() / request.alignment * request.alignment);
  if (to < request.low + length) return std::nullopt;
  return highest_below(node->left, request, length);
}

// --- 2.6.24

std::optional<PageNumber> RbVmaTree::arch_get_unmapped_area(const GapRequest& request) {
  const std::uint64_t pages = request.pages;
  if (request.high < request.low || request.high - request.low < pages) {
    walked_ = 0;
    return std::nullopt;
  }
  if (unmapped_base_ == PageNumber(0)) unmapped_base_ = request.low;
  PageNumber start = std::max(free_area_cache_, request.low);
  if (pages <= cached_hole_size_) {
    start = request.low;
    cached_hole_size_ = 0;
  }
  int walked = 0;
  for (;;) {
    PageNumber address = aligned_up(start, request.alignment);
    auto* vma = static_cast<LinkedVma*>(find(address));
    walked += walked_;
    for (; address + pages <= request.high; vma = after(*vma)) {
      walked_ = ++walked;
      if (vma == nullptr || address + pages <= vma->begin) {
        free_area_cache_ = address + pages;
        return address;
      }
      if (address < vma->begin) cached_hole_size_ = std::max(cached_hole_size_, vma->begin - address);
      address = aligned_up(vma->end, request.alignment);
    }
    walked_ = walked;
    if (start == request.low) return std::nullopt;
    start = request.low; // full_search
    cached_hole_size_ = 0;
  }
}

void RbVmaTree::check_tree() {
  std::size_t count = 0;
  RbNode* node = header_.left; // leftmost
  for (LinkedVma& vma : areas_) {
    if (node != &vma) throw Violation("the red-black tree has other areas than the list");
    if (augmented_ &&
        vma.subtree_gap != std::max({gap_before(vma), subtree_gap(node->left), subtree_gap(node->right)}))
      throw Violation(fmt::format("rb_subtree_gap of the area at page {:#x} is wrong", vma.begin.value()));
    node = Algorithms::next_node(node);
    ++count;
  }
  if (count != 0 && node != &header_) throw Violation("the red-black tree has more areas than the list");
}

const Registered<VmaTree> registered{
    "rbtree", "a red-black tree beside a list of areas (to 6.0)",
    [](const VmaTreeMeans& means) { return std::make_unique<RbVmaTree>(means); }};

} // namespace
} // namespace mmsim

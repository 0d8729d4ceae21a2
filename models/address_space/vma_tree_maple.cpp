// The maple tree of areas: Linux from 6.1.
//
// Models mm->mm_mt, lib/maple_tree.c of 6.1, as mm/mmap.c uses it: a B-tree of ranges over all pages, each an
// area or empty, no two empty ones side by side. Nodes and their sizes: maple_nodes.hpp.
// - find: mas_find() goes down one node a level and looks for the slot among its pivots;
// - a change stores a range (mas_store_prealloc()). What fits in its leaf is written there: in place if no
//   slot moves (mas_wr_slot_store, mas_wr_append), else into a new leaf (mas_wr_node_store, as readers may be
//   in the old one). A full leaf gives to a neighbour or is split (mas_split, mas_push_data), one with too
//   few slots is joined with a neighbour or takes from it (mas_rebalance), a range over two leaves writes
//   both anew (mas_wr_spanning_store), and so on upwards, each time into new nodes. A leaf does not end with
//   an empty range, but for the last one (mab_no_null_split), so that an empty range is never cut in two;
// - free ranges: mas_empty_area() and mas_empty_area_rev() go down where a node's gap is wide enough, and on
//   to the next slot where it turns out that it lies outside of the limits. Gaps know nothing of the pages
//   that a stack keeps free below it: unmapped_area() and unmapped_area_topdown() of mm/mmap.c look at the
//   area after what they have found, and if that is a stack which comes too near, they go down from the root
//   again, with that stack (upwards) or its guard gap (downwards) as the limit (since 6.3, and in 6.1's
//   stable series);
// - memory: before a change 1 + 3 x height nodes are allocated (mas_preallocate()), what is left goes back.
//
// Left out: a root that is a range by itself (a tree of one or two ranges has a leaf here), dense nodes, that
// a full leaf is split unevenly when it is filled in order (the last leaf of fork's bulk store), and stores
// over several areas at once: each is taken out by a store of its own.
#include "models/address_space/maple_nodes.hpp"
#include "models/address_space/vma_tree.hpp"
#include "sim/engine/configuration.hpp"
#include "sim/machine/core.hpp"

#include <algorithm>
#include <boost/container/static_vector.hpp>
#include <span>
#include <spdlog/fmt/fmt.h>

namespace mmsim {
namespace {

constexpr std::uint64_t last_page = ~std::uint64_t{0};
constexpr int most_levels = 16;

/// Slots of up to three nodes, on their way into new ones: maple_big_node, maple_subtree_state.
using BigNode = boost::container::static_vector<MapleSlot, 4 * MapleNode::leaf_slots>;

class MapleVmaTree final : public VmaTree {
 public:
  explicit MapleVmaTree(const VmaTreeMeans& means)
      : VmaTree(means.areas), nodes_(*means.nodes), stack_guard_gap_(means.stack_guard_gap) {
    reset_root();
  }
  ~MapleVmaTree() override {
    forget(*root_);
    for (MapleNode* node : reserve_.retired)
      nodes_.forget(*node);
  }

  Vma* find(PageNumber page) override;
  Duration level_cost(const Core& core) const override { return core.costs().work.maple_node; }
  Duration change_cost(const Core& core) const override {
    const WorkCosts& work = core.costs().work;
    return work_.nodes_walked * work.maple_node + work_.nodes_written * work.maple_write;
  }
  std::optional<PageNumber> find_gap(const GapRequest& request) override;
  void prealloc(Core& core, MapleReserve& reserve) override {
    nodes_.prealloc(core, reserve, 1 + 3 * levels_);
  }
  void settle_nodes(Core& core, Rcu& rcu, MapleReserve& reserve) override {
    nodes_.settle(core, rcu, reserve, std::exchange(dying_, false));
  }

 protected:
  void link(LinkedVma& vma, LinkedVma*) override { store(vma.begin.value(), vma.end.value() - 1, &vma); }
  void unlink(LinkedVma& vma) override { store(vma.begin.value(), vma.end.value() - 1, nullptr); }
  void reshape(LinkedVma& vma, PageNumber begin, PageNumber end) override;
  void unlink_all() override;
  void check_tree() override;

 private:
  /// A way down: at each level, from the leaf (0) up, the node and the slot taken.
  struct Step {
    MapleNode* node;
    int slot;
    std::uint64_t first, last; // of the node
  };
  struct Way {
    std::array<Step, most_levels> at;
  };

  void reset_root();
  void forget(MapleNode& node);
  void retire_below(MapleNode& node);
  MapleNode& new_node(bool leaf);
  Way way_to(std::uint64_t page) const;
  bool next_leaf(Way& way) const;
  static std::uint64_t first_of(const Step& step, int slot) {
    return slot == 0 ? step.first : step.node->slot[static_cast<std::size_t>(slot - 1)].last + 1;
  }
  static std::uint64_t gap_of(const MapleNode& node, std::uint64_t first);

  void store(std::uint64_t first, std::uint64_t last, void* entry);
  void replace(Way& low, Way& high, int level, BigNode slots);
  bool write_in_place(const Step& leaf, const BigNode& slots);
  void update_gaps(const Way& way, int level);
  /// An empty range that is wide enough: mas->index and mas->last.
  struct Gap {
    std::uint64_t first, last;
  };
  const Vma* area_after(const Gap& gap);
  std::optional<Gap> gap_below(const MapleNode& node, std::uint64_t first, const GapRequest& request);
  void check_node(const MapleNode& node, int level, std::uint64_t first, std::uint64_t last,
                  LinkedVma*& next);

  MapleNodes& nodes_;
  const std::uint64_t stack_guard_gap_;
  MapleNode* root_ = nullptr;
  int levels_ = 1;
  bool dying_ = false; // what has retired is a whole tree
};

MapleNode& MapleVmaTree::new_node(bool leaf) { return nodes_.take(reserve_, leaf); }

void MapleVmaTree::reset_root() {
  root_ = &new_node(true);
  root_->slots = 1;
  root_->slot[0] = {last_page, nullptr, 0};
  levels_ = 1;
}

void MapleVmaTree::forget(MapleNode& node) {
  if (!node.leaf)
    for (int i = 0; i < node.slots; ++i)
      forget(node.child(i));
  nodes_.forget(node);
}

void MapleVmaTree::retire_below(MapleNode& node) {
  if (!node.leaf)
    for (int i = 0; i < node.slots; ++i)
      retire_below(node.child(i));
  reserve_.retired.push_back(&node);
}

void MapleVmaTree::unlink_all() {
  retire_below(*root_);
  dying_ = true;
  reset_root();
}

// --- down

// The slot of a node that `page` lies in, among `slots` pivots.
int slot_of(const MapleNode& node, std::uint64_t page) {
  int i = 0;
  while (node.slot[static_cast<std::size_t>(i)].last < page)
    ++i;
  return i;
}

Vma* MapleVmaTree::find(PageNumber page) {
  const MapleNode* node = root_;
  walked_ = 1;
  for (; !node->leaf; ++walked_)
    node = &node->child(slot_of(*node, page.value()));
  const int i = slot_of(*node, page.value());
  const MapleSlot& here = node->slot[static_cast<std::size_t>(i)];
  if (here.entry != nullptr) return static_cast<LinkedVma*>(here.entry);
  // An empty range does not end a leaf, unless nothing comes after it.
  return i + 1 < node->slots ? static_cast<LinkedVma*>(node->slot[static_cast<std::size_t>(i + 1)].entry)
                             : nullptr;
}

MapleVmaTree::Way MapleVmaTree::way_to(std::uint64_t page) const {
  Way way;
  Step step{root_, 0, 0, last_page};
  for (int level = levels_ - 1;; --level) {
    step.slot = slot_of(*step.node, page);
    way.at[static_cast<std::size_t>(level)] = step;
    if (level == 0) return way;
    step = {&step.node->child(step.slot), 0, first_of(step, step.slot),
            step.node->slot[static_cast<std::size_t>(step.slot)].last};
  }
}

/// To the first slot of the leaf after it; false if it is the last one.
bool MapleVmaTree::next_leaf(Way& way) const {
  const std::uint64_t last = way.at[0].last;
  if (last == last_page) return false;
  way = way_to(last + 1);
  return true;
}

// --- gaps

/// The widest empty range of a node that begins at `first`.
std::uint64_t MapleVmaTree::gap_of(const MapleNode& node, std::uint64_t first) {
  std::uint64_t widest = 0;
  for (int i = 0; i < node.slots; ++i) {
    const MapleSlot& slot = node.slot[static_cast<std::size_t>(i)];
    if (!node.leaf)
      widest = std::max(widest, slot.gap);
    else if (slot.entry == nullptr)
      widest = std::max(widest, slot.last - first == last_page ? last_page : slot.last - first + 1);
    first = slot.last + 1;
  }
  return widest;
}

/// mas_update_gap(): from the node at `level` upwards, as far as anything changes.
void MapleVmaTree::update_gaps(const Way& way, int level) {
  for (; level + 1 < levels_; ++level) {
    const Step& step = way.at[static_cast<std::size_t>(level)];
    const Step& parent = way.at[static_cast<std::size_t>(level) + 1];
    MapleSlot& slot = parent.node->slot[static_cast<std::size_t>(parent.slot)];
    const std::uint64_t gap = gap_of(parent.node->child(parent.slot), step.first);
    if (slot.gap == gap) return;
    slot.gap = gap;
  }
}

// --- changes

void MapleVmaTree::reshape(LinkedVma& vma, PageNumber begin, PageNumber end) {
  const PageNumber was_begin = vma.begin, was_end = vma.end;
  TreeWork all;
  const auto part = [&](PageNumber from, PageNumber to, void* entry) {
    work_ = {};
    store(from.value(), to.value() - 1, entry);
    all.nodes_walked += work_.nodes_walked;
    all.nodes_written += work_.nodes_written;
  };
  if (was_begin < begin) part(was_begin, std::min(begin, was_end), nullptr);
  if (end < was_end) part(std::max(end, was_begin), was_end, nullptr);
  if (begin < was_begin || was_end < end) part(begin, end, &vma);
  vma.begin = begin;
  vma.end = end;
  work_ = all;
}

void append(BigNode& slots, const MapleSlot& slot) {
  const bool same = !slots.empty() && slots.back().entry == slot.entry; // empty ranges, or parts of one area
  if (same)
    slots.back().last = slot.last;
  else
    slots.push_back(slot);
}

/// [first, last] becomes `entry`. It lies in one area or empty range, or covers whole ones.
void MapleVmaTree::store(std::uint64_t first, std::uint64_t last, void* entry) {
  Way low = way_to(first);
  Way high = last <= low.at[0].last ? low : way_to(last);
  high.at[0].slot = slot_of(*high.at[0].node, last);
  work_.nodes_walked += low.at[0].node == high.at[0].node ? levels_ : 2 * levels_;

  BigNode slots;
  const Step& from = low.at[0];
  for (int i = 0; i < from.slot; ++i)
    slots.push_back(from.node->slot[static_cast<std::size_t>(i)]);
  if (first_of(from, from.slot) < first)
    append(slots, {first - 1, from.node->slot[static_cast<std::size_t>(from.slot)].entry, 0});
  append(slots, {last, entry, 0});
  const auto rest = [&](int i) {
    const MapleNode& node = *high.at[0].node;
    for (; i < node.slots; ++i)
      append(slots, node.slot[static_cast<std::size_t>(i)]);
  };
  rest(high.at[0].slot + (high.at[0].node->slot[static_cast<std::size_t>(high.at[0].slot)].last == last));
  if (slots.back().entry == nullptr && next_leaf(high)) { // mas_is_span_wr()
    work_.nodes_walked += levels_;
    rest(0);
  }
  if (low.at[0].node == high.at[0].node && write_in_place(from, slots)) {
    update_gaps(low, 0);
    return;
  }
  replace(low, high, 0, std::move(slots));
}

/// mas_wr_slot_store() and mas_wr_append(): no slot moves that a reader may look at.
bool MapleVmaTree::write_in_place(const Step& step, const BigNode& slots) {
  MapleNode& leaf = *step.node;
  const auto count = static_cast<int>(slots.size());
  if (count > leaf.capacity() || (count < leaf.least() && levels_ > 1)) return false;
  const bool appends = count > leaf.slots && step.slot == leaf.slots - 1;
  if (count != leaf.slots && !appends) return false;
  std::copy(slots.begin(), slots.end(), leaf.slot.begin());
  leaf.slots = static_cast<std::uint8_t>(count);
  ++work_.nodes_written;
  return true;
}

/// The nodes at `level` from low's to high's become new ones with `slots`; on upwards, until nothing above
/// changes.
void MapleVmaTree::replace(Way& low, Way& high, int level, BigNode slots) {
  for (;; ++level) {
    Step& from = low.at[static_cast<std::size_t>(level)];
    Step& to = high.at[static_cast<std::size_t>(level)];
    const bool leaf = level == 0, at_root = level + 1 == levels_;
    const int capacity = leaf ? MapleNode::leaf_slots : MapleNode::inner_slots;
    const int least = leaf ? MapleNode::leaf_least : MapleNode::inner_least;

    // A neighbour under the same parent lends a hand: mas_rebalance(), mas_push_data().
    if (!at_root) {
      Step& parent_low = low.at[static_cast<std::size_t>(level) + 1];
      Step& parent_high = high.at[static_cast<std::size_t>(level) + 1];
      const auto total = [&](const MapleNode& neighbour) {
        return static_cast<int>(slots.size()) + neighbour.slots;
      };
      const int room = 2 * capacity - 2 - leaf;
      const bool few = static_cast<int>(slots.size()) < least;
      const bool many = static_cast<int>(slots.size()) > capacity && from.node == to.node;
      if (few || many) {
        MapleNode* right = parent_high.slot + 1 < parent_high.node->slots
                               ? &parent_high.node->child(parent_high.slot + 1)
                               : nullptr;
        MapleNode* left = parent_low.slot > 0 ? &parent_low.node->child(parent_low.slot - 1) : nullptr;
        const bool take_left = left != nullptr && (few ? right == nullptr : total(*left) < room);
        const bool take_right = !take_left && right != nullptr && (few || total(*right) < room);
        if (take_left) {
          BigNode joined(left->slot.begin(), left->slot.begin() + left->slots);
          for (const MapleSlot& slot : slots)
            joined.push_back(slot);
          slots = std::move(joined);
          --parent_low.slot;
          from = {left, 0, first_of(parent_low, parent_low.slot), 0};
        } else if (take_right) {
          for (int i = 0; i < right->slots; ++i)
            slots.push_back(right->slot[static_cast<std::size_t>(i)]);
          ++parent_high.slot;
          to = {right, 0, 0, parent_high.node->slot[static_cast<std::size_t>(parent_high.slot)].last};
        }
      }
    }

    // The old nodes retire: all between the two ways.
    if (at_root) {
      reserve_.retired.push_back(root_);
    } else {
      reserve_.retired.push_back(from.node);
      Way between = low;
      for (MapleNode* node = from.node; node != to.node; reserve_.retired.push_back(node)) {
        // The next one at this level.
        int up = level + 1;
        while (between.at[static_cast<std::size_t>(up)].slot + 1 ==
               between.at[static_cast<std::size_t>(up)].node->slots)
          ++up;
        ++between.at[static_cast<std::size_t>(up)].slot;
        for (; up > level; --up) {
          Step& step = between.at[static_cast<std::size_t>(up)];
          node = &step.node->child(step.slot);
          if (up - 1 > level) between.at[static_cast<std::size_t>(up) - 1] = {node, 0, 0, 0};
        }
      }
    }

    // New ones, equally full.
    const auto count = static_cast<int>(slots.size());
    if (at_root && !leaf && count == 1) { // one node less above it
      root_ = static_cast<MapleNode*>(slots[0].entry);
      --levels_;
      while (!root_->leaf && root_->slots == 1) {
        reserve_.retired.push_back(root_);
        root_ = &root_->child(0);
        --levels_;
      }
      return;
    }
    BigNode above;
    std::uint64_t first = from.first;
    for (int done = 0; done < count;) {
      const int pieces = (count - done + capacity - 1) / capacity;
      int end = done + (count - done + pieces - 1) / pieces;
      if (leaf && end < count && slots[static_cast<std::size_t>(end - 1)].entry == nullptr)
        end += end - done < capacity && end + 1 < count ? 1 : -1; // mab_no_null_split()
      MapleNode& node = new_node(leaf);
      ++work_.nodes_written;
      node.slots = static_cast<std::uint8_t>(end - done);
      std::copy(slots.begin() + done, slots.begin() + end, node.slot.begin());
      above.push_back({node.slot[static_cast<std::size_t>(node.slots - 1)].last, &node, gap_of(node, first)});
      first = above.back().last + 1;
      done = end;
    }
    if (at_root && above.size() == 1) {
      root_ = static_cast<MapleNode*>(above[0].entry);
      return;
    }
    if (at_root) {
      MapleNode& root = new_node(false);
      ++work_.nodes_written;
      root.slots = static_cast<std::uint8_t>(above.size());
      std::copy(above.begin(), above.end(), root.slot.begin());
      root_ = &root;
      ++levels_;
      return;
    }
    const Step& parent_low = low.at[static_cast<std::size_t>(level) + 1];
    const Step& parent_high = high.at[static_cast<std::size_t>(level) + 1];
    if (parent_low.node == parent_high.node &&
        static_cast<int>(above.size()) == parent_high.slot - parent_low.slot + 1) {
      // Only pivots and pointers change: mas_replace() and mas_update_gap().
      std::copy(above.begin(), above.end(), parent_low.node->slot.begin() + parent_low.slot);
      if (above.size() > 1) ++work_.nodes_written;
      update_gaps(low, level + 1);
      return;
    }
    BigNode next;
    for (int i = 0; i < parent_low.slot; ++i)
      next.push_back(parent_low.node->slot[static_cast<std::size_t>(i)]);
    for (const MapleSlot& slot : above)
      next.push_back(slot);
    for (int i = parent_high.slot + 1; i < parent_high.node->slots; ++i)
      next.push_back(parent_high.node->slot[static_cast<std::size_t>(i)]);
    slots = std::move(next);
  }
}

// --- free ranges

std::optional<PageNumber> MapleVmaTree::find_gap(const GapRequest& wanted) {
  walked_ = 0;
  GapRequest request = wanted;
  const std::uint64_t length = request.pages + (request.alignment - 1); // whatever the gap's own alignment
  for (;;) {
    if (length < request.pages || request.high < request.low || request.high - request.low < length)
      return std::nullopt;
    const std::optional<Gap> gap = gap_below(*root_, 0, request);
    if (!gap) return std::nullopt;
    const std::uint64_t page =
        request.top_down ? gap->last - (request.pages - 1) : gap->first + (request.alignment - 1);
    const PageNumber found(page / request.alignment * request.alignment);
    const Vma* const above = area_after(*gap);
    if (above == nullptr || !above->has(VM_GROWSDOWN)) return found;
    const PageNumber guard{above->begin - std::min(above->begin.value(), stack_guard_gap_)}; // vm_start_gap()
    if (request.top_down) {
      if (gap->last < guard.value()) return found;
      request.high = guard;
    } else {
      if (found + length <= guard) return found;
      request.low = above->end;
    }
  }
}

/// mas_next(): on the same leaf, but for the last one.
const Vma* MapleVmaTree::area_after(const Gap& gap) {
  const int walked = walked_;
  const Vma* const above = find(PageNumber(gap.last));
  walked_ = walked;
  return above;
}

std::optional<MapleVmaTree::Gap> MapleVmaTree::gap_below(const MapleNode& node, std::uint64_t first,
                                                         const GapRequest& request) {
  ++walked_;
  const std::uint64_t length = request.pages + (request.alignment - 1);
  const std::uint64_t low = request.low.value(), high = request.high.value() - 1; // both within
  for (int k = 0; k < node.slots; ++k) {
    const int i = request.top_down ? node.slots - 1 - k : k;
    const MapleSlot& slot = node.slot[static_cast<std::size_t>(i)];
    const std::uint64_t begin = i == 0 ? first : node.slot[static_cast<std::size_t>(i - 1)].last + 1;
    const std::uint64_t from = std::max(begin, low), to = std::min(slot.last, high);
    if (to < from || to - from < length - 1) continue;
    if (!node.leaf) {
      if (slot.gap < length) continue;
      if (const auto found = gap_below(node.child(i), begin, request)) return found;
    } else if (slot.entry == nullptr) {
      return Gap{from, to};
    }
  }
  return std::nullopt;
}

// --- checks

void MapleVmaTree::check_tree() {
  LinkedVma* next = areas_.empty() ? nullptr : &areas_.front();
  check_node(*root_, levels_ - 1, 0, last_page, next);
  if (next != nullptr) throw Violation("the maple tree has fewer areas than there are");
}

void MapleVmaTree::check_node(const MapleNode& node, int level, std::uint64_t first, std::uint64_t last,
                              LinkedVma*& next) {
  const auto broken = [&](const char* what) {
    throw Violation(fmt::format("a maple node from page {:#x} to {:#x}: {}", first, last, what));
  };
  if (node.leaf != (level == 0)) broken("leaves are not all on one level");
  if (node.slots < 1 || node.capacity() < node.slots) broken("it has too few or too many slots");
  std::uint64_t begin = first;
  for (int i = 0; i < node.slots; ++i) {
    const MapleSlot& slot = node.slot[static_cast<std::size_t>(i)];
    if (slot.last < begin || last < slot.last) broken("its pivots are out of order");
    if (!node.leaf) {
      if (slot.gap != gap_of(node.child(i), begin)) broken("a gap is wrong");
      check_node(node.child(i), level - 1, begin, slot.last, next);
    } else if (slot.entry != nullptr) {
      if (slot.entry != next || next->begin.value() != begin || next->end.value() - 1 != slot.last)
        broken("it has other areas than the list");
      next = after(*next);
    } else if (i + 1 == node.slots ? last != last_page
                                   : node.slot[static_cast<std::size_t>(i + 1)].entry == nullptr) {
      broken("an empty range is cut in two");
    }
    begin = slot.last + 1;
  }
  if (node.slot[static_cast<std::size_t>(node.slots - 1)].last != last) broken("it does not reach its end");
}

const Registered<VmaTree> registered{
    "maple", "a B-tree of ranges with nodes of 256 bytes (from 6.1)",
    [](const VmaTreeMeans& means) { return std::make_unique<MapleVmaTree>(means); }};

} // namespace
} // namespace mmsim

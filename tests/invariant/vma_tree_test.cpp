// Both trees of areas do what a std::map does, whatever is done to them.
#include "models/address_space/maple_nodes.hpp"
#include "models/address_space/vma_tree.hpp"
#include "sim/engine/random.hpp"

#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>

namespace mmsim::vma_tree_test {
namespace {

struct Kind {
  const char *name, *tree, *gap_search;
};
void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

constexpr std::uint64_t guard_gap = 16;

/// Areas by their beginnings, found by looking at all of them.
class Plain {
 public:
  std::map<std::uint64_t, std::uint64_t> areas; // begin, end
  std::set<std::uint64_t> stacks;               // the ends of those that grow down

  const std::pair<const std::uint64_t, std::uint64_t>* find(std::uint64_t page) const {
    for (const auto& area : areas)
      if (page < area.second) return &area;
    return nullptr;
  }
  bool free(std::uint64_t begin, std::uint64_t end) const {
    const auto* area = find(begin);
    return area == nullptr || end <= area->first;
  }
  /// Of all free ranges of `length` within [low, high): the first (or last) aligned place in the lowest
  /// (highest). Below a stack the search goes on past it (upwards), or where its guard gap begins (downwards): as 6.3
  /// does it, which passes over what room there may be between.
  std::optional<std::uint64_t> gap(GapRequest r) const {
    const std::uint64_t length = r.pages + r.alignment - 1;
    for (;;) {
      const std::optional<Room> room = widest_enough(r, length);
      if (!room) return std::nullopt;
      const std::uint64_t found = r.top_down ? (room->end - r.pages) / r.alignment * r.alignment
                                             : (room->begin + r.alignment - 1) / r.alignment * r.alignment;
      const auto above = areas.lower_bound(room->end);
      if (above == areas.end() || !stacks.contains(above->second)) return found;
      const std::uint64_t guard = guard_of(above->first);
      if ((r.top_down ? room->end : found + length) <= guard) return found;
      if (r.top_down)
        r.high = PageNumber(guard);
      else
        r.low = PageNumber(above->second);
    }
  }
  /// Whether an area that ends at `end` leaves a stack above it its guard gap.
  bool clear_of_stack(std::uint64_t end) const {
    const auto above = areas.lower_bound(end);
    return above == areas.end() || !stacks.contains(above->second) || end <= guard_of(above->first);
  }

 private:
  struct Room {
    std::uint64_t begin, end;
  };
  static std::uint64_t guard_of(std::uint64_t stack) { return stack - std::min(stack, guard_gap); }
  std::optional<Room> widest_enough(const GapRequest& r, std::uint64_t length) const {
    std::optional<Room> found;
    std::uint64_t from = 0;
    const auto look = [&](std::uint64_t begin, std::uint64_t end) {
      begin = std::max(begin, r.low.value());
      end = std::min(end, r.high.value());
      if (end < begin || end - begin < length || (found && !r.top_down)) return;
      found = {begin, end};
    };
    for (const auto& [begin, end] : areas) {
      look(from, begin);
      from = end;
    }
    look(from, ~std::uint64_t{0});
    return found;
  }
};

class VmaTrees : public testing::TestWithParam<Kind> {
 protected:
  std::unique_ptr<VmaTree> make() {
    parameters_ = {GetParam().tree, GetParam().gap_search};
    return Registry<VmaTree>::instance().create(parameters_.tree,
                                                VmaTreeMeans{pool_, &nodes_, parameters_, guard_gap});
  }

 private:
  VmaTreeParameters parameters_;
  VmaPool pool_;
  MapleNodes nodes_{nullptr};
};

void compare(VmaTree& tree, const Plain& plain, RandomStream& random, std::uint64_t space, bool gaps) {
  ASSERT_EQ(tree.size(), plain.areas.size());
  for (int i = 0; i < 4; ++i) {
    const std::uint64_t page = random.below(space + 100);
    const Vma* found = tree.find(PageNumber(page));
    const auto* expected = plain.find(page);
    ASSERT_EQ(found != nullptr, expected != nullptr);
    if (found == nullptr) continue;
    ASSERT_EQ(found->begin.value(), expected->first);
    ASSERT_EQ(found->end.value(), expected->second);
    const Vma* next = tree.next(*found);
    ASSERT_EQ(next != nullptr, plain.find(expected->second) != nullptr);
    if (next != nullptr) {
      ASSERT_EQ(next->begin.value(), plain.find(expected->second)->first);
      ASSERT_EQ(tree.previous(*next), found);
    }
  }
  if (!gaps) return;
  const std::uint64_t low = random.below(space), high = low + 1 + random.below(space);
  const GapRequest request{.pages = 1 + random.below(random.below(2) == 0 ? 4 : 200),
                           .low = PageNumber(low),
                           .high = PageNumber(high),
                           .alignment = random.below(3) == 0 ? 8u : 1u,
                           .top_down = random.below(2) == 0};
  const auto found = tree.find_gap(request);
  const auto expected = plain.gap(request);
  ASSERT_EQ(found.has_value(), expected.has_value())
      << request.pages << " pages from " << low << " to " << high;
  if (found) {
    ASSERT_EQ(found->value(), *expected) << request.pages << " pages from " << low << " to " << high;
    ASSERT_TRUE(plain.clear_of_stack(found->value() + request.pages));
  }
}

TEST_P(VmaTrees, FindWhatAMapFindsAfterRandomChanges) {
  const bool gaps = std::string(GetParam().gap_search) != "free_area_cache";
  const bool with_stacks = std::string(GetParam().tree) == "maple"; // an rbtree has guard gaps in its gaps
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    RandomStream random(seed, "vma tree");
    const std::uint64_t space = seed % 3 == 0 ? 600 : 20'000; // crowded, or with room
    const std::uint64_t most = 20 << (seed % 5);              // areas: from one leaf to three levels
    const auto tree = make();
    Plain plain;
    for (int step = 0; step < 6000; ++step) {
      const std::uint64_t page = random.below(space);
      const bool grows = plain.areas.size() < most && random.below(5) < (step / 1000 % 2 == 0 ? 4u : 1u);
      if (random.below(4) == 0 && !plain.areas.empty()) { // resize
        auto it = plain.areas.lower_bound(page);
        if (it == plain.areas.end()) it = std::prev(it);
        const std::uint64_t floor = it == plain.areas.begin() ? 0 : std::prev(it)->second;
        const std::uint64_t ceiling = std::next(it) == plain.areas.end() ? space : std::next(it)->first;
        const bool both = random.below(4) == 0, low = both || random.below(2) == 0, high = both || !low;
        std::uint64_t begin = it->first, end = it->second;
        if (low) begin = random.below(2) == 0 ? floor : floor + random.below(end - floor);
        if (high)
          end = random.below(2) == 0 ? std::max(ceiling, begin + 1)
                                     : begin + 1 + random.below(std::max(ceiling, begin + 1) - begin);
        Vma* vma = tree->find(PageNumber(it->first));
        tree->resize(*vma, PageNumber(begin), PageNumber(end));
        if (plain.stacks.erase(it->second) > 0) plain.stacks.insert(end);
        plain.areas.erase(it);
        plain.areas[begin] = end;
      } else if (grows) {
        const std::uint64_t end = page + 1 + random.below(8);
        if (!plain.free(page, end)) {
          EXPECT_THROW(tree->insert({.begin = PageNumber(page), .end = PageNumber(end)}), std::logic_error);
          continue;
        }
        const bool stack = with_stacks && random.below(4) == 0;
        tree->insert({.begin = PageNumber(page),
                      .end = PageNumber(end),
                      .flags = stack ? vm_read_write | VM_GROWSDOWN : vm_read_write});
        plain.areas[page] = end;
        if (stack) plain.stacks.insert(end);
      } else if (!plain.areas.empty()) {
        auto it = plain.areas.lower_bound(page);
        if (it == plain.areas.end()) it = std::prev(it);
        tree->erase(*tree->find(PageNumber(it->first)));
        plain.stacks.erase(it->second);
        plain.areas.erase(it);
      }
      if (step % 16 == 0) {
        ASSERT_NO_THROW(tree->check_invariants()) << "seed " << seed << ", step " << step;
      }
      compare(*tree, plain, random, space, gaps);
      if (HasFatalFailure()) FAIL() << "seed " << seed << ", step " << step;
    }
    tree->clear();
    EXPECT_EQ(tree->size(), 0u);
    EXPECT_EQ(tree->find(PageNumber(0)), nullptr);
    tree->check_invariants();
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, VmaTrees,
                         testing::Values(Kind{"rbtree", "rbtree", "rb_subtree_gap"},
                                         Kind{"list_walk", "rbtree", "free_area_cache"},
                                         Kind{"maple", "maple", "rb_subtree_gap"}),
                         [](const auto& info) { return std::string(info.param.name); });

} // namespace
} // namespace mmsim::vma_tree_test

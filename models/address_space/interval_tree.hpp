// Ranges that may overlap, and which of them hold a number: what the reverse map finds areas by.
//
//   IntervalTree<Vma> i_mmap;
//   i_mmap.insert(vma.shared, vma, vma.pgoff, vma.pgoff + vma.pages() - 1);
//   i_mmap.for_each(pgoff, [&](Vma& vma) { ...; return true; });   // those that hold pgoff, until one says false
//   i_mmap.erase(vma.shared);
//
// Models lib/interval_tree.c (mm/interval_tree.c): a search tree by the first number of each range, equal ones in the
// order in which they came, that knows the last number below each node, so that a search skips what ends before. Here
// its balance is a treap's (with a fixed sequence of priorities) where the kernel has a red-black tree's: the same order
// of steps, log n. The prio_tree of 2.6.7 to 3.6 answers the same question in the same order of steps; in another order
// of areas, which is left out.
//
// No simulated time passes here. Whoever changes a tree holds its lock for writing; whoever walks it may sleep meanwhile,
// with the lock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace mmsim {

/// A range's place in a tree; in none, it is all zero.
template <class Owner>
struct IntervalNode {
  IntervalNode *left = nullptr, *right = nullptr;
  std::uint64_t first = 0, last = 0;
  std::uint64_t subtree_last = 0; ///< the highest `last` from here down
  std::uint64_t order = 0;        ///< of insertion
  Owner* owner = nullptr;         ///< null: in no tree

  bool linked() const { return owner != nullptr; }
};

template <class Owner>
class IntervalTree {
 public:
  using Node = IntervalNode<Owner>;

  bool empty() const { return root_ == nullptr; }
  std::size_t size() const { return size_; }

  void insert(Node& node, Owner& owner, std::uint64_t first, std::uint64_t last) {
    node = {.first = first, .last = last, .subtree_last = last, .order = next_order_++, .owner = &owner};
    auto [below, above] = split(root_, node);
    root_ = join(join(below, &node), above);
    ++size_;
  }
  void erase(Node& node) {
    root_ = without(root_, node);
    node = {};
    --size_;
  }
  /// Calls visit(Owner&) for each range that holds `number`, in order, until one says false. False if one did.
  template <class Visit>
  bool for_each(std::uint64_t number, Visit&& visit) const {
    return walk(root_, number, visit);
  }

 private:
  static bool before(const Node& a, const Node& b) {
    return a.first != b.first ? a.first < b.first : a.order < b.order;
  }
  // splitmix64 of the order: balanced, and the same in every run.
  static std::uint64_t priority(const Node& node) {
    std::uint64_t z = (node.order + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  static Node* updated(Node* node) {
    node->subtree_last = node->last;
    for (const Node* child : {node->left, node->right})
      if (child != nullptr) node->subtree_last = std::max(node->subtree_last, child->subtree_last);
    return node;
  }
  // Those before `at`, and the others.
  static std::pair<Node*, Node*> split(Node* tree, const Node& at) {
    if (tree == nullptr) return {};
    if (before(*tree, at)) {
      const auto [below, above] = split(tree->right, at);
      tree->right = below;
      return {updated(tree), above};
    }
    const auto [below, above] = split(tree->left, at);
    tree->left = above;
    return {below, updated(tree)};
  }
  static Node* join(Node* below, Node* above) {
    if (below == nullptr) return above;
    if (above == nullptr) return below;
    if (priority(*below) > priority(*above)) {
      below->right = join(below->right, above);
      return updated(below);
    }
    above->left = join(below, above->left);
    return updated(above);
  }
  static Node* without(Node* tree, const Node& node) {
    if (tree == &node) return join(tree->left, tree->right);
    Node*& child = before(node, *tree) ? tree->left : tree->right;
    child = without(child, node);
    return updated(tree);
  }
  template <class Visit>
  static bool walk(Node* tree, std::uint64_t number, Visit& visit) {
    if (tree == nullptr || tree->subtree_last < number) return true;
    if (!walk(tree->left, number, visit)) return false;
    if (number < tree->first) return true;
    if (number <= tree->last && !visit(*tree->owner)) return false;
    return walk(tree->right, number, visit);
  }

  Node* root_ = nullptr;
  std::size_t size_ = 0;
  std::uint64_t next_order_ = 0;
};

} // namespace mmsim

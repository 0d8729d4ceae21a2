// The areas of an address space, in the order of their addresses, and the tree that finds them.
//
//   Vma& vma = mm.vmas.insert({.begin = first, .end = first + pages, .flags = VM_READ | VM_WRITE});
//   Vma* found = mm.vmas.find(page);   // find_vma() without its cost (operations/vma.hpp)
//   mm.vmas.resize(vma, first, first + 1);      // __vma_adjust(): the order of areas must stay
//   for (Vma& area : mm.vmas) ...
//   mm.vmas.erase(vma);
//
// This is what all kernels have in common: who owns the areas, and their order. How they are found is an
// implementation, which kernel.vma_tree chooses:
//   vma_tree_rbtree.cpp   to 6.0: a red-black tree; free ranges along the areas, or by rb_subtree_gap
//   vma_tree_maple.cpp    from 6.1: a B-tree of ranges; free ranges by the gaps that its nodes know
//
// Timeline of a change, with mmap_lock held for writing: prealloc() gets the nodes that it may need; then
// insert(), erase() or resize() changes the tree at one instant and notes in work() what that was; then
// settle_nodes() gives back what it has not used, and frees what it has replaced. A change without a
// prealloc() takes nodes that have no memory of the simulated machine, as at boot. A stack grows with mmap_lock
// held for reading, several at a time: each with nodes of its own.
//
// Nothing here takes simulated time but prealloc() and settle_nodes(), which allocate and free. Nodes and
// areas have no cache lines: what moves them between cores is mmap_lock, whose writers alone change them.
#pragma once

#include "models/address_space/maple_nodes.hpp"
#include "models/address_space/vma.hpp"
#include "sim/engine/parameter.hpp"

#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mmsim {

class Core;
class KmemCache;
class Rcu;

struct VmaTreeParameters {
  std::string tree, gap_search;
  static void declare(Declaration& d, VmaTreeParameters& p);
};
inline const DeclareParameters<VmaTreeParameters> declared_vma_tree_parameters;

/// A link of the red-black tree; its header too.
struct RbNode {
  RbNode *parent = nullptr, *left = nullptr, *right = nullptr;
  bool red = false;
};

/// An area in a tree: what trees need beside what everybody knows of it.
struct LinkedVma
    : Vma,
      RbNode,
      boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>> {
  std::uint64_t subtree_gap =
      0; ///< rb_subtree_gap: the widest gap before an area below this one, or before it
};

/// Areas of the host, used again and again; their memory stays what it is for those who come too late under
/// RCU.
class VmaPool {
 public:
  /// What is to be an area as `vma` is: in no tree and in no reverse map.
  LinkedVma& take(const Vma& vma);
  void give_back(Vma& vma) { free_.push_back(static_cast<LinkedVma*>(&vma)); }
  /// Those that somebody has.
  std::size_t live() const { return all_.size() - free_.size(); }

 private:
  std::deque<LinkedVma> all_;
  std::vector<LinkedVma*> free_;
};

/// A free range to look for: struct vm_unmapped_area_info.
struct GapRequest {
  std::uint64_t pages;
  PageNumber low, high; ///< within [low, high)
  std::uint64_t alignment = 1;
  bool top_down = false; ///< VM_UNMAPPED_AREA_TOPDOWN: the highest one
};

/// What the last change of a tree was.
struct TreeWork {
  int nodes_walked = 0;
  int nodes_written = 0; ///< maple: filled anew or written in place
};

/// What implementations are made of.
struct VmaTreeMeans {
  VmaPool& areas;
  MapleNodes* nodes; ///< with kernel.vma_tree = maple
  const VmaTreeParameters& parameters;
  std::uint64_t stack_guard_gap = 0; ///< in pages
};

class VmaTree {
 public:
  static constexpr std::string_view registry_path = "kernel.vma_tree";
  using Factory = std::function<std::unique_ptr<VmaTree>(const VmaTreeMeans&)>;

  explicit VmaTree(VmaPool& areas) : pool_(areas) {}
  virtual ~VmaTree();
  VmaTree(const VmaTree&) = delete;
  VmaTree& operator=(const VmaTree&) = delete;

  /// The first area that ends after `page`, or null: find_vma().
  virtual Vma* find(PageNumber page) = 0;
  /// Levels (rbtree) or nodes (maple) that the last find() or find_gap() went through.
  int levels_walked() const { return walked_; }
  /// What one of them costs.
  virtual Duration level_cost(const Core& core) const = 0;

  /// The neighbours, or null.
  Vma* previous(const Vma& vma);
  Vma* next(const Vma& vma);

  /// A copy of `vma` becomes an area. It must not overlap another one.
  Vma& insert(const Vma& vma) { return insert_taken(pool_.take(vma)); }
  /// The same of one that VmaPool::take() has given.
  Vma& insert_taken(Vma& vma);
  /// The area is in no tree any more. Who has taken it gives it back to the pool when nobody can find it.
  void erase(Vma& vma);
  /// It becomes [begin, end), between its neighbours.
  void resize(Vma& vma, PageNumber begin, PageNumber end);
  /// The same with nodes that prealloc() has put into `nodes`.
  void resize(Vma& vma, PageNumber begin, PageNumber end, MapleReserve& nodes);
  /// All areas go at once: the end of exit_mmap().
  void clear();
  /// What the last of these was, without the allocation of nodes, and what that costs beside work.vma_insert
  /// or work.vma_remove.
  const TreeWork& work() const { return work_; }
  virtual Duration change_cost(const Core& core) const = 0;

  /// The lowest or highest free range that is as asked for; none: ENOMEM. vm_unmapped_area(), or in 2.6.24
  /// arch_get_unmapped_area(), which remembers where it found the last one.
  virtual std::optional<PageNumber> find_gap(const GapRequest& request) = 0;

  /// The widest range around [begin, end) that no area touches, within [0, limit).
  std::pair<PageNumber, PageNumber> free_around(PageNumber begin, PageNumber end, PageNumber limit);

  /// Nodes for one change by who holds mmap_lock for writing, as many as there is memory for. May sleep.
  void prealloc(Core& core) { prealloc(core, reserve_); }
  /// The same for one change by who has them himself.
  virtual void prealloc(Core&, MapleReserve&) {}
  /// After a change: gives back what is left, and frees the nodes that it has taken out.
  void settle_nodes(Core& core, Rcu& rcu) { settle_nodes(core, rcu, reserve_); }
  virtual void settle_nodes(Core&, Rcu&, MapleReserve&) {}

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  auto begin() { return areas_.begin(); }
  auto end() { return areas_.end(); }

  /// Throws Violation if tree and areas disagree.
  void check_invariants();

 protected:
  using Areas = boost::intrusive::list<LinkedVma, boost::intrusive::constant_time_size<false>>;

  /// `vma` has joined the list before `next`, or left it, or is about to become [begin, end); the tree
  /// follows.
  virtual void link(LinkedVma& vma, LinkedVma* next) = 0;
  virtual void unlink(LinkedVma& vma) = 0;
  virtual void reshape(LinkedVma& vma, PageNumber begin, PageNumber end) = 0;
  virtual void unlink_all() = 0;
  virtual void check_tree() = 0;

  LinkedVma* before(LinkedVma& vma);
  LinkedVma* after(LinkedVma& vma);
  LinkedVma* last() { return areas_.empty() ? nullptr : &areas_.back(); }

  VmaPool& pool_;
  Areas areas_;
  std::size_t size_ = 0;
  int walked_ = 0;
  TreeWork work_;
  MapleReserve reserve_; ///< what changes take nodes from; stays empty in an rbtree
};

} // namespace mmsim

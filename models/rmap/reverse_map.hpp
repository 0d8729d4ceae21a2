// From a page to the entries that map it: the reverse map, in the four generations that Linux has had.
//
//   if (!system.rmap->anon_vma_prepare(task, mm, vma)) ... no memory     // before an area's first anonymous page
//   const Mapping mapping{mm, vma, page, table, index};                  // with the table's lock, before the entry is set
//   system.rmap->page_add_new_anon(core, frame, mapping);
//   system.rmap->page_remove(core, frame, table, index);                 // with the lock, the entry being cleared
//   system.rmap->for_each_mapping(task, frame, [&](const Mapping& m) { ...; return Walk::go_on; });
//
// What a generation keeps, and what its upkeep and its walk cost, is its own file (kernel.rmap): scan.cpp, pte_chain.cpp,
// anon_vma.cpp, anon_vma_chain.cpp. Areas of files are found through the file (reclaim/file.hpp) in all but the first
// two. What all generations do alike is in reverse_map.cpp: they count how many entries map a page (Frame::mapcount:
// _mapcount since 2.6.7; the length of the chain in 2.6.0; in 2.4 nobody counts, and a page is unmapped once its other
// references are gone: there it serves checks and statistics), and pages that are mapped by what they are.
//
// Timeline of an area: made (vm_area_alloc()), then anon_vma_fork() or anon_vma_clone() of another one, or
// anon_vma_prepare() at its first anonymous page; begin_update() and end_update() around each move of its ends; and
// unlink_anon_vmas(), once its pages are unmapped and before its tables go. mmap_lock is held for writing, but in
// anon_vma_prepare(), for reading.
//
// Left out: huge pages, KSM, migration, memory of devices.
#pragma once

#include "models/address_space/mm_struct.hpp"
#include "models/pages/frame.hpp"
#include "models/pages/gfp.hpp"
#include "sim/engine/function_ref.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/engine/registry.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mmsim {

class System;
class Task;

/// An entry of a last-level table, and whose it is.
struct Mapping {
  MmStruct& mm;
  Vma& vma;
  PageNumber page;
  TablePage& table;
  std::size_t index;
  Pte entry() const { return table.words[index]; }
  /// linear_page_index().
  std::uint64_t pgoff() const { return vma.pgoff + (page - vma.begin); }
};

enum class Walk : std::uint8_t { go_on, stop };

/// What a mapping may need memory for, got before the lock under which it is made: pte_chain_alloc(). On the caller's
/// stack; ReverseMap::unreserve() takes what is left.
struct RmapReserve {
  SlabObject block = no_object;
};

/// Whether a page that comes from swap is the process's own: RMAP_EXCLUSIVE since 4.5, an argument since 2.6.34. Since
/// 5.19 it makes the page PageAnonExclusive().
enum class RmapExclusive : bool { no, yes };

class ReverseMap {
 public:
  static constexpr std::string_view registry_path = "kernel.rmap";
  using Factory = std::function<std::unique_ptr<ReverseMap>(System&)>;

  explicit ReverseMap(System& system) : system_(system) {}
  virtual ~ReverseMap() = default;

  // Walks.

  /// The page's entries, one after the other, each with its table's lock held, until `visit` says stop or nothing maps
  /// the page any more; `visit` may remove the mapping that it is shown. What keeps the map from changing is held
  /// meanwhile. Nothing for who finds no mappings from a page (scan). The page is locked, or its mappings may go
  /// meanwhile. May sleep.
  virtual void for_each_mapping(Task& task, FrameNumber frame, FunctionRef<Walk(const Mapping&)> visit) = 0;
  /// False: a page's mappings cannot be found, only met by swap_out().
  virtual bool finds_mappings() const { return true; }
  /// swap_out() of 2.4: walks address spaces and unmaps what it meets that was not used lately, `wanted` pages at most.
  /// How many were unmapped.
  virtual std::uint64_t swap_out(Task& task, std::uint64_t wanted) {
    (void)task, (void)wanted;
    return 0;
  }

  // Areas. False: no memory, and nothing has changed. May sleep.

  /// The first anonymous page of `vma` is about to come: it gets an anon_vma, unless another thread was faster.
  [[nodiscard]] virtual bool anon_vma_prepare(Task&, MmStruct&, Vma&) { return true; }
  /// `child` is to hold copies of what `parent` maps.
  [[nodiscard]] virtual bool anon_vma_fork(Task&, Vma& child, const Vma& parent) {
    (void)child, (void)parent;
    return true;
  }
  /// `made` is to hold pages that `source` maps now: split, mremap, and an area that takes over pages (import in
  /// __vma_adjust()).
  [[nodiscard]] virtual bool anon_vma_clone(Task&, Vma& made, const Vma& source) {
    (void)made, (void)source;
    return true;
  }
  /// The area goes: unlink_anon_vmas(), anon_vma_merge(), in 2.6.24 anon_vma_unlink().
  virtual void unlink_anon_vmas(Task&, Vma&) {}
  /// Before and after its ends or its pgoff change: anon_vma_interval_tree_pre_update_vma() and _post_update_vma() with
  /// the lock, which is held in between. `other`, or null, changes with it, and has no anon_vma of another family.
  virtual void begin_update(Task&, Vma& vma, Vma* other) { (void)vma, (void)other; }
  virtual void end_update(Task&, Vma& vma, Vma* other) { (void)vma, (void)other; }
  /// The anon_vma's part of take_rmap_locks() and drop_rmap_locks() of mm/mremap.c: no walk meanwhile.
  virtual void take_rmap_lock(Task&, Vma&) {}
  virtual void drop_rmap_lock(Task&, Vma&) {}
  /// is_mergeable_anon_vma(): areas with `a` and `b` (or none) may become one. `vma` is the one that would grow, or null.
  virtual bool is_mergeable_anon_vma(const AnonVma* a, const AnonVma* b, const Vma* vma) const;
  /// Whether fork must copy its entries and mremap keep its pgoff: it may have anonymous pages. 2.4 and 2.6.0 know no
  /// more than that it is there.
  virtual bool has_anon_pages(const Vma&) const { return true; }

  // Pages, with the table's lock, around the change of an entry.

  /// page_add_new_anon_rmap() and lru_cache_add_inactive_or_unevictable() (in 2.6.24 lru_cache_add_active() comes first,
  /// which nobody can tell while no entry maps the page): the page is nobody's yet.
  void page_add_new_anon(Core& core, FrameNumber frame, const Mapping& mapping);
  /// page_add_anon_rmap(): a page from swap.
  void page_add_anon(Core& core, FrameNumber frame, const Mapping& mapping,
                     RmapExclusive exclusive = RmapExclusive::no, RmapReserve* reserve = nullptr);
  /// page_add_file_rmap(), without the page's line.
  void page_add_file(Core& core, FrameNumber frame, const Mapping& mapping, RmapReserve* reserve = nullptr);
  /// page_dup_rmap() of one entry. Where !tracks_entries(), fork counts Frame::mapcount by itself.
  void page_dup(Core& core, FrameNumber frame, const Mapping& mapping, RmapReserve* reserve);
  /// page_remove_rmap() of an entry: the last one takes the page from those that are mapped.
  void page_remove(Core& core, FrameNumber frame, TablePage& table, std::size_t index);
  void page_remove(Core& core, FrameNumber frame, const Mapping& mapping) {
    page_remove(core, frame, mapping.table, mapping.index);
  }
  /// page_move_anon_rmap(): a write fault has taken the page over for `vma` alone.
  virtual void page_move_anon(Core&, FrameNumber, const Vma&) {}
  /// mremap has moved the entry from `table` to `mapping`.
  virtual void page_move(Core&, FrameNumber, TablePage& table, std::size_t index, const Mapping& mapping) {
    (void)table, (void)index, (void)mapping;
  }
  /// The end of page_remove() for who counts mappings by himself (gather.hpp): `frame` has just lost its last one.
  void page_unmapped(Core& core, FrameNumber frame);

  /// It keeps something of every single entry (pte_chain): each must be told, and one may need memory.
  virtual bool tracks_entries() const { return false; }
  /// pte_chain_alloc(): memory for one more mapping of any page. False if there is none.
  [[nodiscard]] virtual bool reserve(Core&, RmapReserve&, Gfp) { return true; }
  virtual void unreserve(Core&, RmapReserve&) {}

  // What it has become.

  /// Bytes that it occupies now, what it adds to struct page and vm_area_struct included.
  virtual std::uint64_t bytes() const = 0;
  /// At a quiescent point: its own structures add up, and what is in use of its caches is somebody's. Throws Violation.
  virtual void check_invariants() const {}
  /// At a quiescent point: a walk from the page would find this entry. Throws Violation.
  virtual void check_mapping(FrameNumber, const Mapping&) const {}

 protected:
  // What a generation does when a mapping comes or goes, before it is counted.
  virtual void add_anon(Core&, FrameNumber, const Mapping&, RmapExclusive, RmapReserve*) {}
  virtual void add_file(Core&, FrameNumber, const Mapping&, RmapReserve*) {}
  virtual void duplicate(Core&, FrameNumber, const Mapping&, RmapReserve*) {}
  virtual void remove(Core&, FrameNumber, TablePage&, std::size_t index) { (void)index; }

  System& system_;
};

struct ReverseMapParameters {
  std::string generation;
  static void declare(Declaration& d, ReverseMapParameters& p) {
    d("kernel.rmap", p.generation, "anon_vma_chain", "how the entries that map a page are found",
      "scan to 2.5.26, pte_chain to 2.6.6, anon_vma to 2.6.33, anon_vma_chain since")
        .registered<ReverseMap>();
  }
};
inline const DeclareParameters<ReverseMapParameters> declared_reverse_map_parameters;

} // namespace mmsim

// Cutting areas apart and joining them: split_vma() and vma_merge().
//
//   Vma* vma = find_vma(core, mm, first);                              // with what looking costs
//   Errno error = split_vma(system, task, *vma, first, NewPart::below); // vma goes on from `first`
//   if (Vma* joined = vma_merge(system, task, previous, wanted)) ...    // no new vm_area_struct is needed
//
// Models __split_vma(), vma_merge() and __vma_adjust() of mm/mmap.c, 5.10 (in 2.6.24 they take the same
// steps): a split copies the vm_area_struct from its slab, joins the anon_vma and the file's areas, and moves
// the boundary; a merge moves boundaries (cases 1 to 8 of the comment above vma_merge()), hands the anon_vma
// on to an area that takes over pages without having one, and frees areas that were swallowed. mmap_lock is
// held for writing throughout.
//
// Whether two areas may be one: the same flags, file and anon_vma (or only one has any), offsets that go on.
// Left out: policies, userfaultfd and files with a close() operation; in 2.6.24 case 8 keeps the other
// vm_area_struct. Where an area is cut, or swallowed, the reverse map knows the two for a moment with the same pages: its
// locks are held for one after the other.
#pragma once

#include "models/operations/errno.hpp"
#include "models/operations/vma.hpp"
#include "models/system.hpp"

namespace mmsim {

/// vma_next(): the area after `previous`, where null stands before all areas.
Vma* vma_next(MmStruct& mm, Vma* previous);
/// The last area that begins before the one at or above `page`, or null: find_vma_prev(), find_vma_links().
Vma* vma_before(MmStruct& mm, PageNumber page);
/// vm_start_gap(): where the free range below an area ends. Stacks want some room to grow (5.10).
PageNumber vm_start_gap(const System& system, const Vma& vma);

/// Which of the two is the new area when one is cut.
enum class NewPart : std::uint8_t { below, above };

/// __split_vma(), whatever the number of areas: cuts `vma` at `at`. ENOMEM if there is no memory.
[[nodiscard]] Errno split_vma(System& system, Task& task, Vma& vma, PageNumber at, NewPart new_part);
/// split_vma() where the kernel looks at kernel.max_map_count before.
[[nodiscard]] Errno split_vma_within_limit(System& system, Task& task, Vma& vma, PageNumber at,
                                           NewPart new_part);

/// What an area is to be, for vma_merge().
struct WantedArea {
  PageNumber begin, end;
  std::uint32_t flags;
  AnonVma* anon_vma;
  File* file;
  std::uint64_t pgoff;
};

/// vma_merge(): makes [begin, end) part of its neighbours if they fit. `previous` (or null) is the last area
/// that begins before it. Returns the area that it belongs to now, whose flags are the caller's business, or
/// null.
Vma* vma_merge(System& system, Task& task, Vma* previous, const WantedArea& wanted);

/// What mprotect_fixup() and madvise_behavior() have in common (vma_modify() since 6.8): [begin, end) of
/// `vma` becomes an area by itself, or part of a neighbour that has `flags`; `vma` is then that one, whose
/// flags are the caller's business. `previous` (or null) is the area before `begin`, which may be `vma`
/// itself.
[[nodiscard]] Errno vma_modify(System& system, Task& task, Vma*& vma, Vma* previous, PageNumber begin,
                               PageNumber end, std::uint32_t flags);

/// vma_adjust() of an area whose end goes up to `end`, over nothing.
void expand_vma(System& system, Task& task, Vma& vma, PageNumber end);

/// The end of mmap_region() and do_brk_flags(): `wanted`, where nothing is, joins its neighbours or becomes an area of
/// its own. ENOMEM if there is no memory for it: then what it was promised (VM_ACCOUNT) is given back.
[[nodiscard]] Errno map_area(System& system, Task& task, const WantedArea& wanted);

/// get_file() and __vma_link_file() of a new area, if it maps one. May sleep.
void map_file(Task& task, Vma& vma);

/// free_pgtables(), as far as it goes area by area: unlink_anon_vmas(), unlink_file_vma().
void unlink_from_reverse_map(System& system, Task& task, Vma& gone);
/// remove_vma(): fput() and the vm_area_struct.
void remove_vma(System& system, Task& task, Vma& gone);

} // namespace mmsim

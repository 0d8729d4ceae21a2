// How an area belongs to the file that it maps: the file's reference count and its tree of areas (i_mmap).
//
//   if (vma.file != nullptr) map_file(task, *vma.file);    // get_file(), then vma_link_file() or
//                                                         // __vma_link_file()
//
// mm/mmap.c does these steps in the same places in all versions; what they cost is the file's
// (models/reclaim).
#pragma once

#include "models/scheduler/task.hpp"

namespace mmsim {

class File;

/// get_file() and vma_link(): a new area maps the file. May sleep.
void map_file(Task& task, File& file);
/// __vma_adjust(): an area's ends move under i_mmap's lock. May sleep.
void move_in_file(Task& task, File& file);
/// unlink_file_vma(). May sleep.
void unlink_from_file(Task& task, File& file);
/// fput() of remove_vma().
void put_file(Core& core, File& file);

} // namespace mmsim

// The memory that a process has before a scenario measures anything.
//
//   BootProcess process(x);                                        // before the machine runs
//   process.spawn("server on cpu 0", CoreId(0), body).bound = true;   // its first task
//   process.spawn("server on cpu 1", CoreId(1), body).bound = true;   // a thread of it
#pragma once

#include "scenarios/scenario.hpp"

#include <functional>
#include <memory>
#include <string>

namespace mmsim {

/// Where a process's areas lie: each in page tables of its own, as if there were far more memory between them
/// (benchmarks that align their areas); or where get_unmapped_area() puts them, next to each other and below
/// what the loader has left, so that neighbours share tables, and may become one area (vma_merge()).
enum class Placement : bool { packed, apart };

/// A process that is there at boot, with what no process is without once its program begins: a stack of which
/// one page is touched (fs/exec.c __bprm_mm_init(), as in models/operations/exec.cpp), and below mmap_base, or
/// with kernel.mmap_layout = "bottom_up" at TASK_UNMAPPED_BASE, what the program's loader has left there, one
/// page touched: the data of ld.so and libc. So the upper page tables of what mmap() gives out are never this
/// area's alone, and an munmap() of the only area that a scenario has frees a last-level table at most. The
/// first task makes it by system calls of its own, before the body of any task of the process begins, and so
/// before the warm-up. With Placement::apart nothing else fits in the loader's table (its area is a table's
/// span long, the gap between text and data); else the area is a page.
///
/// Left out: all the other areas of real processes (text, libraries; scenario.libraries of `fork`) and their
/// pages. Their files' i_mmap is why the loader's page is anonymous here.
class BootProcess {
 public:
  explicit BootProcess(Experiment& x, Placement placement = Placement::packed);

  /// Its first task, or another thread. `body` begins once the image is there, and ends with exit_task().
  Task& spawn(std::string name, CoreId on, std::function<void(Task&)> body);

 private:
  class Image;
  Experiment& x_;
  std::shared_ptr<Image> image_; ///< also its tasks'
  MmStruct* mm_ = nullptr;       ///< once it has a task
};

/// Maps `pages` pages in `vmas` areas of (nearly) equal size and writes to each. Returns the areas' first
/// pages. Ends the task if there is no memory.
struct ImageArea {
  PageNumber first;
  std::uint64_t pages;
};
std::vector<ImageArea> make_image(Experiment& x, Task& task, std::int64_t pages, std::int64_t vmas);

} // namespace mmsim

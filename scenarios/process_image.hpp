// The memory that a process has before a scenario measures anything.
#pragma once

#include "scenarios/scenario.hpp"

namespace mmsim {

/// Maps `pages` pages in `vmas` areas of (nearly) equal size and writes to each. Returns the areas' first
/// pages. Ends the task if there is no memory.
struct ImageArea {
  PageNumber first;
  std::uint64_t pages;
};
std::vector<ImageArea> make_image(Experiment& x, Task& task, std::int64_t pages, std::int64_t vmas);

} // namespace mmsim

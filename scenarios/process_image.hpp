// The memory that a process has before a scenario measures anything.
#pragma once

#include "scenarios/scenario.hpp"

namespace mmsim {

/// Maps `pages` pages in `vmas` areas of (nearly) equal size and writes to each. Returns the areas' first
/// pages.
struct ImageArea {
  PageNumber first;
  std::uint64_t pages;
};
std::vector<ImageArea> make_image(System& system, Task& task, std::int64_t pages, std::int64_t vmas);

} // namespace mmsim

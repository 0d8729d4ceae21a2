// What made an operation slower (or faster) from one point to another, in one sentence.
#pragma once

#include <string>

#include "cli/findings.hpp"

namespace mmsim {

/// "munmap at 128 cpus is 9.1x slower than at 1: +71 % tlb_remote, +18 % lock_spin", where the percentages
/// are parts of the added time; the most important accounts only. Empty if the means differ by less than a
/// twentieth.
std::string growth(const std::string& axis_path, const std::string& from_value,
                   const Findings::Operation& from, const std::string& to_value,
                   const Findings::Operation& to);

} // namespace mmsim

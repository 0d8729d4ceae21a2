// How much freedom the cases took, against what it was fixed by.
#pragma once

#include <cstddef>
#include <vector>

#include "cli/validation/case.hpp"

namespace mmsim::validation {

struct CalibrationCount {
  /// Numbers that were fitted: a parameter of a machine counts once for each value that cases give it.
  std::size_t free = 0;
  /// Published values that they were fitted to: one that two cases share (source, x and y are the same)
  /// counts once.
  std::size_t calibrated = 0;
};

/// Throws InputError if a case's base files cannot be read.
CalibrationCount calibration_of(const std::vector<const Case*>& cases);

} // namespace mmsim::validation

// What a run is convicted of.
#pragma once

#include "sim/engine/engine.hpp"

#include <functional>
#include <string>

namespace mmsim::tests {

/// The violation that `run` ends with, or nothing.
inline std::string violation_of(const std::function<void()>& run) {
  try {
    run();
  } catch (const Violation& violation) {
    return violation.what();
  }
  return {};
}

} // namespace mmsim::tests

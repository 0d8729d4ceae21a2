// An axis that is a range instead of a list, for sweeps that are sampled:
//
//   "machine.ipi.deliver" = { from = "100 ns", to = "2 us", scale = "log" }     # or "linear", the default
//
// The ends are what the parameter takes: quantities with their units, whole numbers where it is an integer.
// Values between them have four significant digits; of whole numbers each is equally likely on a linear
// scale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/engine/configuration.hpp"
#include "sim/engine/parameter.hpp"

namespace mmsim {

/// As it stands in the file.
struct RangeText {
  Value from, to;
  Origin from_origin, to_origin;
  bool logarithmic = false;
};

class AxisRange {
 public:
  /// Throws InputError for ends that `parameter` does not take, and unless from < to (and 0 < from on a
  /// logarithmic scale).
  AxisRange(const ParameterInfo& parameter, const RangeText& text);

  /// The value at a part of the way: 0 <= part < 1.
  Value at(double part) const;

  /// All values of a linear range of whole numbers, ascending, if they are no more than `most`; else nothing.
  std::vector<Value> all(std::size_t most) const;

 private:
  enum class Kind { duration, size, frequency, integer, number, with_unit };
  double number_of(const Value& value, const Origin& origin);
  std::int64_t whole(double value) const;
  [[noreturn]] void fail(const std::string& message, const Origin& origin) const;

  std::string path_;
  Kind kind_{};
  std::string unit_; ///< of with_unit: cycles and rates stay in the unit that they are written in
  double from_ = 0, to_ = 0;
  bool logarithmic_;
  double granule_ = 1; ///< of sizes: values are multiples of so many bytes
};

} // namespace mmsim

// Which points of a product are drawn when not all of them are to run.
//
// Latin hypercube (McKay, Beckman and Conover, Technometrics 21, 1979): each axis by itself is covered as
// evenly as the number of points allows, whatever the other axes do. Random: every point of the product is
// equally likely, so small samples leave gaps.
//
// The same arguments give the same points, with every compiler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mmsim {

/// An axis to draw from. A list has a stratum for each value; a range is cut into as many strata as there are
/// points, and two of them can come out as the same value.
struct SampledAxis {
  std::vector<std::size_t> value_of; ///< by stratum; never descending
  bool is_range = false;
};

/// A point: of each axis the number of its value.
using DrawnPoint = std::vector<std::size_t>;

/// `count` different points in the order of the product, each stratum of each axis used equally often, one
/// more or less. Nothing if so many different ones cannot be found, which lists never cause as long as
/// `count` is no more than their product.
std::vector<DrawnPoint> latin_hypercube(const std::vector<SampledAxis>& axes, std::size_t count,
                                        std::uint64_t seed);

/// `count` different points in the order of the product; of a range each stratum stands for a draw of its
/// own. Nothing as above.
std::vector<DrawnPoint> random_points(const std::vector<SampledAxis>& axes, std::size_t count,
                                      std::uint64_t seed);

} // namespace mmsim

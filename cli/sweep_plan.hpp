// The points of a sweep: a configuration file with a [sweep] section.
//
//   [sweep]
//   axes = { "run.cpus" = [1, 2, 4], "kernel.tlb_flush" = ["lazy", "eager"] }
//   seeds = 3                    # and more keys: sweep_settings.hpp
//
// An axis is a list of values, or in a sweep that is sampled a range (axis_range.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/axis_range.hpp"
#include "cli/configuration_files.hpp"
#include "cli/sweep_settings.hpp"

namespace mmsim {

/// One dimension of a sweep.
struct Axis {
  std::string path;
  Origin origin; ///< Of its key.
  std::vector<Value> values;
  std::vector<Origin> origins; ///< One for each value.
  /// As written. Once the plan is made, `values` are those that were drawn, ascending.
  std::optional<RangeText> range = {};
};

/// One combination of axis values.
struct SweepPoint {
  std::size_t index = 0;     ///< Its number, from 0; the last axis changes fastest.
  std::vector<Value> values; ///< One for each axis, in their order.
};

/// The points of a sweep, all of which have been checked: the product of the axes, or some drawn from it.
struct SweepPlan {
  Configuration written;  ///< The file and the overrides, without base files and axes.
  std::vector<Axis> axes; ///< In file order. An override of an axis leaves it that one value.
  std::int64_t seeds = 1; ///< Runs of each point; with a seed rule the least.
  BaseFiles base_files;
  std::optional<SeedRule> seed_rule = {};
  std::optional<Sampling> sampling = {}; ///< Set if the points are not the whole product.
  std::vector<SweepPoint> drawn = {};    ///< The points of a sampled sweep.
  std::vector<std::string> notes = {};   ///< What the user should know before it starts.

  /// The number of points: 1 without axes.
  std::size_t size() const;
  /// All points in row-major order: the first axis changes slowest.
  std::vector<SweepPoint> points() const;
  /// What one point runs.
  Configuration configuration(const SweepPoint& point) const;
  /// The resolved configuration without the axes: what all points share, unless an axis chooses a base.
  Configuration base() const;
};

/// Reads a file that has a [sweep] section.
SweepPlan load_sweep(const std::filesystem::path& file, const std::vector<std::string>& overrides);

} // namespace mmsim

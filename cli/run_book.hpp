// Which runs of a sweep are finished, and which are still to do.
//
//   RunBook book(plan, find_run);              // what find_run finds is finished already
//   while (book.waiting()) { SweepRun run = book.take(); ... book.finish(run, result); }
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "cli/host_time.hpp"
#include "cli/sweep_plan.hpp"
#include "sim/record/results.hpp"

namespace mmsim {

struct SweepRun {
  SweepPoint point;
  std::uint64_t seed;
  double weight; ///< expected cost: CPUs times simulated seconds, or operations if these are given
};

/// The expected cost of a run of this configuration. Throws InputError.
double weight_of(const Configuration& configuration);

/// Every run that the plan is sure to have, the longest first: so the last processes end together.
std::vector<SweepRun> runs_of(const SweepPlan& plan);

/// The result of a point with a seed, if there is one from earlier.
using FindRun = std::function<std::optional<PointResult>(std::size_t point, std::uint64_t seed)>;

/// With a seed rule, a point gets one seed more as long as its finished ones ask for it (seeds_needed.hpp):
/// the set of runs is a function of results, whatever order they come in and however often the sweep was
/// stopped.
class RunBook {
 public:
  /// `plan` must outlive this. Throws InputError.
  RunBook(const SweepPlan& plan, FindRun find_run);

  std::size_t waiting() const { return waiting_.size(); }
  double waiting_weight() const;
  /// The longest that waits.
  SweepRun take();
  /// The number of runs that have come to wait: 1 if the rule asks for another seed that is not there, else
  /// 0. Throws InputError if the rule does not fit the result.
  std::size_t finish(const SweepRun& run, PointResult result);

  std::vector<PointResult> results(std::size_t point) const; ///< in the order of seeds
  PointToRun to_run(std::size_t point) const;
  std::size_t kept() const { return kept_; }   ///< finished before this began
  std::size_t done() const;                    ///< finished without a fault
  std::size_t total() const { return total_; } ///< all that are known to be needed

 private:
  struct PointBook {
    SweepPoint point;
    double weight = 0;
    std::size_t wanted = 0; ///< seeds
    std::map<std::uint64_t, PointResult> seeds;
  };
  /// Whether the run is to do; otherwise its result has been found.
  bool want(PointBook& book, std::uint64_t seed);
  std::size_t extend(PointBook& book);

  const SweepPlan& plan_;
  FindRun find_run_;
  std::vector<PointBook> points_;
  std::deque<SweepRun> waiting_; ///< the longest first
  std::size_t kept_ = 0, total_ = 0;
};

} // namespace mmsim

// The runs that cases need, and what becomes of their results.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "cli/validation/case.hpp"
#include "cli/validation/comparison.hpp"
#include "sim/record/results.hpp"

namespace mmsim::validation {

/// What a run is for.
struct Use {
  std::size_t one, point; ///< of the cases, of its points
  bool of_against;
  std::size_t seed; ///< from 0
};

struct CaseRun {
  Configuration configuration; ///< resolved, with its seed; defaults left out
  std::vector<Use> uses;       ///< points that are the same run share it
  double weight = 0;           ///< expected cost in any unit
};

/// What is expected to take longest comes first, so that processes end together.
std::vector<CaseRun> runs_of(const std::vector<Case>& cases);

/// The values of all points, as runs finish in any order.
class CaseAnswers {
 public:
  /// `cases` must outlive this.
  explicit CaseAnswers(const std::vector<Case>& cases);

  /// A run has ended, well or not. Throws InputError if it has no operation of the case's name.
  void add(const CaseRun& run, const PointResult& result);
  /// The answers of one case, one a point: means over its seeds, with what the spread over them says of a
  /// mean. Throws InputError for a lock class that none of its runs has.
  std::vector<Answer> of(std::size_t one) const;
  /// What the runs of a case have warned of, each once.
  const std::set<std::string>& warnings(std::size_t one) const { return books_.at(one).warnings; }

 private:
  struct Values {
    std::vector<double> by_seed; ///< not a number: no value
    std::string why_none;
  };
  struct Book {
    std::vector<Values> values, against; ///< one a point
    std::set<std::string> warnings;
    std::set<std::string> known_counters, lock_classes; ///< of runs that were done
    bool any_done = false;
  };
  void add(const Use& use, const CaseRun& run, const PointResult& result);
  void refuse_unknown_counters(const Case& one, const Book& book) const;

  const std::vector<Case>& cases_;
  std::vector<Book> books_;
};

} // namespace mmsim::validation

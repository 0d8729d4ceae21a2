// The directory of a validation.
//
//   validation.csv   case,x,published,simulated,relative_error,role,verdict,topic,unit,compare,step
//                    a row a point, of crossovers a row "crossing"; `simulated` and `relative_error` are empty
//                    where there is no value, and have all digits that a double needs; `unit` is that of the
//                    two values (the two of a trend may have different ones: its errors say nothing); `step`,
//                    right or wrong: of the step from the row before, empty where none is asked about
//   series.csv       case,topic,compare,points,median_error,worst_error,from,to,published_change,
//                    simulated_change,change_error,change_role,steps,steps_right,verdict
//                    a row a case of more than one point; a change is the value at x = `to` as a multiple of
//                    that at x = `from`, empty where the published values are none of each other; its role is
//                    given if neither end is a prediction
//   cases.json       [{"case", "title", "topic", "source", "publication", "rows", "machine", "unit", "x",
//                    "compare", "tolerance", "base", "median", "p90", "worst": {"x", "error"}, "steps",
//                    "wrong_steps", "verdict", "frozen", "hash", "seen_before", "group", "miss", "note",
//                    "free", "changes", "warnings", "change": {"from", "to", "published", "simulated",
//                    "error", "predicted"}}]; null where a case has none. `publication` is what
//                    sources are told apart by, `group` what was known before the freeze (publication.hpp);
//                    the error of `worst`, the predicted point furthest off, is null if it has no value
//   manifest.json    {"version", "command", "hash": "validation", "kind": "validation", "host_seconds",
//                    "events", "runs", "build", "complete"}: the last to appear; `complete` is false after
//                    --only
//
// All are written, or none.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/validation/case_result.hpp"
#include "cli/validation/run_cases.hpp"
#include "sim/record/tables.hpp"

namespace mmsim::validation {

struct ValidationFacts {
  std::string command;
  RunTotals totals;
  bool complete = true;
};

std::vector<ResultFile> validation_files(const std::vector<CaseResult>& results,
                                         const ValidationFacts& facts);

/// Throws InputError if a validation cannot be written to `directory`. Touches nothing.
void check_validation_directory(const std::filesystem::path& directory);

} // namespace mmsim::validation

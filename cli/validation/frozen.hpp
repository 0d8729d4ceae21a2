// Whether a case's numbers are those that were fixed before its prediction was run.
//
// A case's hash is over everything that its verdict depends on and that somebody could turn: at every point
// each resolved value that a file has set (the machine and kernel files, [model], [against], the point's own
// settings and its x), all published values, which of them calibrate, what is free, quantity, comparison,
// tolerance and seeds. Not in it: texts, and the defaults of machine, kernel, run and scenarios, which are
// frozen for all cases in tests/reference/cost_book/defaults.toml, so that a new parameter changes no hash.
//
// A hash finds slips, not intent: who edits number and hash together is found by the history in git alone.
#pragma once

#include <string>

#include "cli/validation/case.hpp"

namespace mmsim::validation {

/// 16 hex digits.
std::string case_hash(const Case& one);

enum class Frozen { yes, not_yet, changed };

/// `hash` is case_hash(one), which the last of `frozen` and `changes` has to be.
Frozen frozen_state(const Case& one, const std::string& hash);

/// What the user is told of a case that has changed: since when, and what to write where.
std::string changed_advice(const Case& one, const std::string& hash);

} // namespace mmsim::validation

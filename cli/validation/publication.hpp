// What a case's source says of where its points come from.
#pragma once

#include <string>

#include "cli/validation/case.hpp"

namespace mmsim::validation {

/// Author and title, by which sources are told apart: the text without tags in [], quotes and line breaks, up
/// to its second comma, or the first colon or semicolon. Two spellings of one source, or two parts of one
/// patch series, become one: rather one source too few than one too many.
std::string publication_of(const std::string& source);

/// Where a prediction stands with respect to what its author knew.
enum class Group {
  published,      ///< by others, and not run before the case was frozen
  published_seen, ///< by others, and run before (Case::seen_before)
  own,            ///< the project's own measurements, references/host.csv
};
Group group_of(const Case& one);
/// As the summary calls it.
std::string title_of(Group group);

} // namespace mmsim::validation

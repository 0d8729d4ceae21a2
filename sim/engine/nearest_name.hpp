// The valid name that somebody probably meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace mmsim {

/// The candidate with the fewest edits (insert, delete, replace, swap neighbours; letter case is free) from
/// `name`. The first of equals wins; empty if there are no candidates.
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

/// The end of an error message: `; did you mean "lazy"?`, or nothing if there are no candidates.
std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);

} // namespace mmsim

// The section [quantity] of a case file.
#pragma once

#include <string>

#include <toml++/toml.h>

#include "cli/validation/case.hpp"

namespace mmsim::validation {

/// Throws InputError for keys, names and combinations that are wrong. Whether the run has the operation and
/// the lock class is known only once it has run (published_quantity.hpp).
CaseQuantity read_quantity(const toml::table& table, const std::string& file, bool has_against);

} // namespace mmsim::validation

#pragma once

#include <string>
#include <string_view>

namespace mmsim {

/// The text as a field of a CSV row (RFC 4180, section 2, rules 5 to 7).
std::string csv_field(std::string_view text);

} // namespace mmsim

#pragma once
// The order in which people expect names with numbers in them: "cpu 2" before "cpu 10".

#include <string_view>

namespace mmsim {

/// Runs of digits are compared as numbers of any length, all else byte by byte. Names that differ only in
/// leading zeros ("01", "1") are compared as text, so that no two names are equal unless they are the same.
bool comes_before_naturally(std::string_view a, std::string_view b);

} // namespace mmsim

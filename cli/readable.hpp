// Numbers as people read them on a terminal: rounded, with a unit. Files have the exact ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace mmsim {

/// Three significant digits: "812 ns", "1.61 us", "250 ps".
std::string readable_nanoseconds(double nanoseconds);
/// Seconds of the host: "12.3 s", "4 min 10 s".
std::string readable_seconds(double seconds);
/// Digits in groups: "1 234 567".
std::string readable_count(std::uint64_t count);
/// Three significant digits: "1.23 M", "812".
std::string readable_rate(double per_second);
/// A part of one: "71 %", "<1 %".
std::string readable_share(double share);
/// "1 point", "2 points".
std::string plural(std::size_t count, const std::string& what);
/// "9.1x", "120x".
std::string readable_ratio(double ratio);

} // namespace mmsim

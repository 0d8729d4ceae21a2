// Quantities with their units, as texts that people write: "80 ns", "64 GiB", "1.2 GiB/s", "2.6 GHz".
//
// Numbers are decimal and converted exactly, never by way of a double: "0.1 ns" is 100 ps on every machine. A
// quantity without a unit is refused, and so is a negative one. What is printed reads back as the same value.
//
// The parsers throw std::invalid_argument whose text says what to write instead; parameter.hpp adds path and
// origin.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/engine/time.hpp"

namespace mmsim {

/// An amount with a unit of its own: bytes do not add up with hertz.
template <class Tag, class Rep>
class Quantity {
 public:
  using rep = Rep;
  constexpr Quantity() = default;
  constexpr explicit Quantity(Rep value) : value_(value) {}
  constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(Quantity, Quantity) = default;
  friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity(a.value_ + b.value_); }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity(a.value_ - b.value_); }

 private:
  Rep value_{};
};

/// A size in memory or on a disk.
using Bytes = Quantity<struct BytesTag, std::uint64_t>;
/// A bandwidth.
using BytesPerSecond = Quantity<struct BytesPerSecondTag, double>;
/// A clock frequency; whole hertz.
using Hertz = Quantity<struct HertzTag, std::uint64_t>;

/// Units: ps ns us ms s, and cycles of `clock`. Rounded half up to a picosecond; more than nothing never
/// becomes nothing. Throws std::invalid_argument, also for cycles without a clock.
Duration parse_duration(std::string_view text, std::optional<Hertz> clock = std::nullopt);
/// Units: B KiB MiB GiB TiB; a whole number of bytes.
Bytes parse_bytes(std::string_view text);
/// Units: B/s KiB/s MiB/s GiB/s TiB/s, and kB/s MB/s GB/s TB/s because data sheets of memories use them.
BytesPerSecond parse_rate(std::string_view text);
/// Units: Hz kHz MHz GHz; a whole number of hertz.
Hertz parse_frequency(std::string_view text);

/// `count` cycles of `clock`, rounded half up to a picosecond. Throws std::invalid_argument for a clock of 0.
Duration cycles(std::uint64_t count, Hertz clock);

/// "80 ns", "1.5 us": the largest unit that leaves no leading zero, all digits. Negative durations too.
std::string to_text(Duration duration);
/// "64 GiB", "4097 B": the largest unit that needs no fraction.
std::string to_text(Bytes bytes);
std::string to_text(BytesPerSecond rate);
std::string to_text(Hertz frequency);

} // namespace mmsim

#include "sim/engine/units.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <span>
#include <stdexcept>
#include <vector>

#include "sim/engine/nearest_name.hpp"

namespace mmsim {

namespace {

// A number of 19 digits times a unit of 10^12 needs 104 bits.
__extension__ using Wide = unsigned __int128;
constexpr std::size_t most_digits = 19;

constexpr std::uint64_t ps_per_second = 1'000'000'000'000;

struct Unit {
  std::string_view name;
  std::uint64_t scale; // 0: cycles
};
// Of units equally near to a misspelled one the first is suggested: for "GB" that has to be GiB, not B.
constexpr std::array<Unit, 6> duration_units{{{"ps", 1},
                                              {"ns", 1'000},
                                              {"us", 1'000'000},
                                              {"ms", 1'000'000'000},
                                              {"s", ps_per_second},
                                              {"cycles", 0}}};
constexpr std::array<Unit, 5> size_units{
    {{"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}, {"TiB", 1ULL << 40}, {"B", 1}}};
constexpr std::array<Unit, 9> rate_units{{{"KiB/s", 1ULL << 10},
                                          {"MiB/s", 1ULL << 20},
                                          {"GiB/s", 1ULL << 30},
                                          {"TiB/s", 1ULL << 40},
                                          {"kB/s", 1'000},
                                          {"MB/s", 1'000'000},
                                          {"GB/s", 1'000'000'000},
                                          {"TB/s", ps_per_second},
                                          {"B/s", 1}}};
constexpr std::array<Unit, 4> frequency_units{
    {{"kHz", 1'000}, {"MHz", 1'000'000}, {"GHz", 1'000'000'000}, {"Hz", 1}}};

/// What is being parsed: for messages.
struct Kind {
  std::string_view noun;
  std::string_view example;
  std::span<const Unit> units;
};
constexpr Kind duration_kind{"a duration", "80 ns", duration_units};
constexpr Kind size_kind{"a size", "64 GiB", size_units};
constexpr Kind rate_kind{"a rate", "1.2 GiB/s", rate_units};
constexpr Kind frequency_kind{"a frequency", "2.6 GHz", frequency_units};

/// digits / 10^fraction_digits of `unit`.
struct Measure {
  std::string number;
  std::uint64_t digits = 0;
  std::size_t fraction_digits = 0;
  std::uint64_t scale = 0;
};

[[noreturn]] void refuse(std::string_view text, const std::string& reason) {
  throw std::invalid_argument('"' + std::string(text) + "\" " + reason);
}

std::string unit_names(std::span<const Unit> units) {
  std::string result;
  for (const Unit& unit : units)
    result.append(result.empty() ? "" : " ").append(unit.name);
  return result;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::uint64_t scale_of(std::string_view name, std::string_view text, const Kind& kind) {
  // The micro sign and the Greek letter, which keyboards have, mean the u of "us".
  std::string plain(name);
  for (const std::string_view micro : {"\u00b5", "\u03bc"})
    if (plain.starts_with(micro)) plain.replace(0, micro.size(), "u");
  std::vector<std::string> names;
  for (const Unit& unit : kind.units) {
    if (unit.name == plain) return unit.scale;
    names.emplace_back(unit.name);
  }
  refuse(text, "has the unknown unit \"" + std::string(name) + '"' + did_you_mean(plain, names) +
                   " (units: " + unit_names(kind.units) + ")");
}

Measure parse(std::string_view whole, const Kind& kind) {
  const std::string_view text = trimmed(whole);
  const bool negative = text.starts_with('-');
  std::size_t at = negative ? 1 : 0;
  const std::size_t begin = at;
  Measure result;
  bool fraction = false;
  std::string digits;
  for (; at < text.size() && (is_digit(text[at]) || text[at] == '.'); ++at) {
    if (text[at] == '.') {
      if (fraction) break;
      fraction = true;
    } else {
      digits += text[at];
      if (fraction) ++result.fraction_digits;
    }
  }
  result.number = text.substr(begin, at - begin);
  if (digits.empty() || result.number.front() == '.' || result.number.back() == '.')
    refuse(whole,
           "is not " + std::string(kind.noun) + "; write one like \"" + std::string(kind.example) + '"');
  if (negative) refuse(whole, "is negative; " + std::string(kind.noun) + " is 0 or more");

  const std::string_view unit = trimmed(text.substr(at));
  if (unit.empty()) {
    const std::string_view example_unit = kind.example.substr(kind.example.find(' '));
    refuse(whole, "has no unit; write \"" + result.number + std::string(example_unit) +
                      "\" or another of the units " + unit_names(kind.units));
  }
  result.scale = scale_of(unit, whole, kind);

  for (; result.fraction_digits > 0 && digits.back() == '0'; --result.fraction_digits)
    digits.pop_back();
  if (const auto significant = digits.find_first_not_of('0');
      digits.size() - (significant == std::string::npos ? digits.size() : significant) > most_digits ||
      result.fraction_digits > most_digits)
    refuse(whole, "has more than " + std::to_string(most_digits) + " digits");
  for (const char c : digits)
    result.digits = result.digits * 10 + static_cast<std::uint64_t>(c - '0');
  return result;
}

Wide power_of_ten(std::size_t exponent) {
  Wide result = 1;
  while (exponent-- > 0)
    result *= 10;
  return result;
}

std::uint64_t parse_whole(std::string_view text, const Kind& kind, std::string_view atom) {
  const Measure measure = parse(text, kind);
  const Wide numerator = static_cast<Wide>(measure.digits) * measure.scale;
  const Wide denominator = power_of_ten(measure.fraction_digits);
  if (numerator % denominator != 0) refuse(text, "is not a whole number of " + std::string(atom));
  if (numerator / denominator > std::numeric_limits<std::uint64_t>::max()) refuse(text, "is too large");
  return static_cast<std::uint64_t>(numerator / denominator);
}

/// amount / 10^digits without trailing zeros.
std::string decimal(std::uint64_t amount, std::uint64_t unit) {
  std::string text = std::to_string(amount / unit);
  std::uint64_t rest = amount % unit;
  if (rest == 0) return text;
  text += '.';
  for (; rest != 0; rest %= unit) {
    unit /= 10;
    text += static_cast<char>('0' + rest / unit);
  }
  return text;
}

} // namespace

Duration parse_duration(std::string_view text, std::optional<Hertz> clock) {
  const Measure measure = parse(text, duration_kind);
  const bool in_cycles = measure.scale == 0;
  if (in_cycles && (!clock || clock->value() == 0))
    refuse(
        text,
        "is in cycles, but there is no clock; set machine.clock, for example \"2.6 GHz\", or write a time");
  const Wide numerator = static_cast<Wide>(measure.digits) * (in_cycles ? ps_per_second : measure.scale);
  const Wide denominator = power_of_ten(measure.fraction_digits) * (in_cycles ? clock->value() : 1);
  const Wide rounded = (numerator + denominator / 2) / denominator;
  if (rounded > static_cast<Wide>(Duration::max().count()))
    refuse(text, "is too long; 106 days are the most");
  if (rounded == 0 && numerator != 0) refuse(text, "is shorter than the clock's resolution, 1 ps");
  return Duration(static_cast<std::int64_t>(rounded));
}

Bytes parse_bytes(std::string_view text) { return Bytes(parse_whole(text, size_kind, "bytes")); }

BytesPerSecond parse_rate(std::string_view text) {
  const Measure measure = parse(text, rate_kind);
  double number = 0;
  std::from_chars(measure.number.data(), measure.number.data() + measure.number.size(), number);
  return BytesPerSecond(number * static_cast<double>(measure.scale));
}

Hertz parse_frequency(std::string_view text) { return Hertz(parse_whole(text, frequency_kind, "hertz")); }

Duration cycles(std::uint64_t count, Hertz clock) {
  if (clock.value() == 0) throw std::invalid_argument("cycles of a clock of 0 Hz have no length");
  const Wide rounded = (static_cast<Wide>(count) * ps_per_second + clock.value() / 2) / clock.value();
  if (rounded > static_cast<Wide>(Duration::max().count()))
    throw std::invalid_argument("more cycles than 106 days have");
  return Duration(static_cast<std::int64_t>(rounded));
}

std::string to_text(Duration duration) {
  const bool negative = duration < Duration::zero();
  auto amount = static_cast<std::uint64_t>(duration.count());
  if (negative) amount = 0 - amount;
  Unit chosen = amount == 0 ? duration_units[1] : duration_units[0];
  for (const Unit& unit : duration_units)
    if (unit.scale != 0 && unit.scale <= amount) chosen = unit;
  return (negative ? "-" : "") + decimal(amount, chosen.scale) + ' ' + std::string(chosen.name);
}

std::string to_text(Bytes bytes) {
  Unit chosen = size_units.back();
  for (const Unit& unit : size_units)
    if (unit.scale > chosen.scale && bytes.value() != 0 && bytes.value() % unit.scale == 0) chosen = unit;
  return std::to_string(bytes.value() / chosen.scale) + ' ' + std::string(chosen.name);
}

std::string to_text(BytesPerSecond rate) {
  Unit chosen = rate_units.back();
  for (const Unit& unit : std::span(rate_units).first(4)) // binary units: dividing by them loses no bit
    if (static_cast<double>(unit.scale) <= rate.value()) chosen = unit;
  std::array<char, 400> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(),
                                 rate.value() / static_cast<double>(chosen.scale), std::chars_format::fixed)
                       .ptr;
  return std::string(digits.data(), end) + ' ' + std::string(chosen.name);
}

std::string to_text(Hertz frequency) {
  Unit chosen = frequency_units.back();
  for (const Unit& unit : std::span(frequency_units).first(3))
    if (unit.scale <= frequency.value()) chosen = unit;
  return decimal(frequency.value(), chosen.scale) + ' ' + std::string(chosen.name);
}

} // namespace mmsim

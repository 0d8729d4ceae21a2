#include "sim/record/natural_order.hpp"

#include <algorithm>
#include <cstddef>

namespace mmsim {
namespace {

bool is_digit(char c) { return '0' <= c && c <= '9'; }

// Takes the number that `text` begins with off it, without leading zeros.
std::string_view take_number(std::string_view& text) {
  const auto end = std::size_t(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
  std::string_view number = text.substr(0, end);
  text.remove_prefix(end);
  number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
  return number;
}

} // namespace

bool comes_before_naturally(std::string_view a, std::string_view b) {
  std::string_view rest_a = a, rest_b = b;
  while (!rest_a.empty() && !rest_b.empty()) {
    if (is_digit(rest_a.front()) && is_digit(rest_b.front())) {
      const std::string_view number_a = take_number(rest_a), number_b = take_number(rest_b);
      if (number_a.size() != number_b.size()) return number_a.size() < number_b.size();
      if (number_a != number_b) return number_a < number_b;
    } else {
      if (rest_a.front() != rest_b.front())
        return static_cast<unsigned char>(rest_a.front()) < static_cast<unsigned char>(rest_b.front());
      rest_a.remove_prefix(1);
      rest_b.remove_prefix(1);
    }
  }
  if (rest_a.empty() != rest_b.empty()) return rest_a.empty();
  return a < b;
}

} // namespace mmsim

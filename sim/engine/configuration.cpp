#include "sim/engine/configuration.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <utility>

namespace mmsim {

namespace {

std::string with_origin(const std::string& message, const Origin& origin) {
  const std::string place = to_text(origin);
  return place.empty() ? message : place + ": " + message;
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    switch (c) {
    case '"':
      result += "\\\"";
      break;
    case '\\':
      result += "\\\\";
      break;
    case '\n':
      result += "\\n";
      break;
    case '\r':
      result += "\\r";
      break;
    case '\t':
      result += "\\t";
      break;
    default:
      if (const auto byte = static_cast<unsigned char>(c); byte < 0x20 || byte == 0x7f) {
        std::array<char, 8> escape{};
        std::snprintf(escape.data(), escape.size(), "\\u%04x", byte);
        result += escape.data();
      } else {
        result += c;
      }
    }
  }
  return result + '"';
}

std::string shortest(double number) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  std::string text(digits.data(), end);
  // "1" would read back as an integer; "inf" and "nan" are TOML as they are.
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

} // namespace

std::string to_text(const Origin& origin) {
  if (origin.file.empty() || origin.line == 0) return origin.file;
  return origin.file + ':' + std::to_string(origin.line) + ':' + std::to_string(origin.column);
}

std::string to_text(const Value& value) {
  struct {
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const { return shortest(number); }
    std::string operator()(const std::string& text) const { return quoted(text); }
  } constexpr print;
  return std::visit(print, value);
}

InputError::InputError(std::string message, Origin origin)
    : std::runtime_error(with_origin(message, origin)), message_(std::move(message)),
      origin_(std::move(origin)) {}

void Configuration::set(std::string path, Value value, Origin origin, unsigned layer) {
  entries_.insert_or_assign(std::move(path), Entry{std::move(value), std::move(origin), layer});
}

const Entry* Configuration::find(std::string_view path) const {
  const auto found = entries_.find(path);
  return found == entries_.end() ? nullptr : &found->second;
}

Origin Configuration::origin_of(std::string_view path) const {
  const Entry* entry = find(path);
  return entry != nullptr ? entry->origin : Origin{};
}

unsigned Configuration::layer_of(std::string_view path) const {
  const Entry* entry = find(path);
  return entry != nullptr ? entry->layer : default_layer;
}

Origin Configuration::last_written(std::initializer_list<std::string_view> paths) const {
  return origin_of(std::ranges::min(paths, {}, [this](std::string_view path) { return layer_of(path); }));
}

} // namespace mmsim

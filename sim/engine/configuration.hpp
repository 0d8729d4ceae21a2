// The resolved configuration of one run: dotted paths with their values, each remembering where it was
// written.
//
//   Configuration configuration;
//   configuration.set("machine.ipi.send", "80 ns", {"my.toml", 3, 12});
//   if (const Entry* entry = configuration.find("machine.ipi.send")) ...
//   throw InputError("too slow", configuration.origin_of("machine.ipi.send"));
//
// Nothing here knows which paths exist or what a duration is: that is parameter.hpp. Files are read in cli/.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

namespace mmsim {

/// Where a value was written. Lines and columns count from 1; 0 means that there is none (as for `--set`).
struct Origin {
  std::string file;
  int line = 0;
  int column = 0;
  bool operator==(const Origin&) const = default;
};

/// "file:line:column", "file", or nothing.
std::string to_text(const Origin& origin);

/// A value as the file has it: not yet converted to the parameter's type.
using Value = std::variant<bool, std::int64_t, double, std::string>;

/// The value as TOML text: strings in quotes, a double always with a point or an exponent. Same value, same
/// bytes.
std::string to_text(const Value& value);

/// Entry::layer of a declared default.
inline constexpr unsigned default_layer = UINT32_MAX;

struct Entry {
  Value value;
  Origin origin;
  /// 0: the command line; 1: the file, or a sweep's axis; 2: that file's base; 3: the base's own base. What stands in a
  /// smaller one was written with the larger ones in view.
  unsigned layer = 0;
};

/// The user's input is wrong: exit status 2. what() is "file:line:column: message".
class InputError : public std::runtime_error {
 public:
  explicit InputError(std::string message, Origin origin = {});
  const Origin& origin() const { return origin_; }
  const std::string& message() const { return message_; }

 private:
  std::string message_;
  Origin origin_;
};

class Configuration {
 public:
  using Entries = std::map<std::string, Entry, std::less<>>;

  /// Replaces an earlier value of the same path.
  void set(std::string path, Value value, Origin origin = {}, unsigned layer = 0);

  /// Null if the path is not set. Valid until the path is set again.
  const Entry* find(std::string_view path) const;
  /// Where it was written; nowhere if the path is not set. For messages.
  Origin origin_of(std::string_view path) const;
  /// Entry::layer of `path`; default_layer if it is not set.
  unsigned layer_of(std::string_view path) const;
  /// Where the last of these was written, the first named of those that are equally late: there the mistake was
  /// made, with the others in view. For messages about values that cannot be together.
  Origin last_written(std::initializer_list<std::string_view> paths) const;
  /// All entries, ordered by path.
  const Entries& entries() const { return entries_; }

 private:
  Entries entries_;
};

} // namespace mmsim

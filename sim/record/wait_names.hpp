#pragma once
// What the numbers of WaitIds stand for where a kind has names: lines, devices, events. Once a name, not once a wait.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "sim/record/counters.hpp"
#include "sim/record/wait.hpp"

namespace mmsim {

class WaitNames {
 public:
  WaitNames();

  /// The id of that name; the same name gives the same id. Beyond 4095 names of a kind the last stands for all others.
  WaitId id(WaitKind kind, std::string_view name);
  /// The same for a literal, which is known by its address once it has been seen: for lines, of which there are many.
  WaitId id_of_literal(WaitKind kind, const char* name);

  /// What wait.csv calls it: a lock class of `counters`, "cpu 5", the name of an interrupt, else its name here.
  std::string name_of(WaitId whom, const Counters& counters) const;

 private:
  struct Literal {
    const char* name;
    WaitId id;
  };
  std::array<std::vector<std::string>, wait_kind_count> names_;
  std::array<std::vector<Literal>, wait_kind_count> literals_;
};

/// For a lock class of Counters.
constexpr WaitId wait_for(LockClassId lock_class) {
  return WaitId(WaitKind::lock, static_cast<std::uint32_t>(lock_class));
}

} // namespace mmsim

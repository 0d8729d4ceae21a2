#include "sim/record/wait_names.hpp"

#include <algorithm>

namespace mmsim {

// Number 0 of a kind is nobody in particular, so that an id that is not set yet is none.
WaitNames::WaitNames() {
  for (std::vector<std::string>& names : names_)
    names.emplace_back();
}

WaitId WaitNames::id(WaitKind kind, std::string_view name) {
  std::vector<std::string>& names = names_[std::size_t(kind)];
  auto known = std::ranges::find(names, name);
  if (known == names.end()) {
    if (names.size() == WaitId::numbers - 1)
      name = "others";
    else if (names.size() == WaitId::numbers)
      return WaitId(kind, WaitId::numbers - 1);
    known = names.emplace(names.end(), name);
  }
  return WaitId(kind, std::uint32_t(known - names.begin()));
}

WaitId WaitNames::id_of_literal(WaitKind kind, const char* name) {
  std::vector<Literal>& literals = literals_[std::size_t(kind)];
  for (const Literal& literal : literals)
    if (literal.name == name) return literal.id;
  literals.push_back({name, id(kind, name)});
  return literals.back().id;
}

std::string WaitNames::name_of(WaitId whom, const Counters& counters) const {
  switch (whom.kind()) {
  case WaitKind::lock:
    return std::string(counters.lock_class_name(LockClassId(whom.number())));
  case WaitKind::ipi:
  case WaitKind::irqs_off:
  case WaitKind::handler:
    return "cpu " + std::to_string(whom.number());
  default:
    return names_[std::size_t(whom.kind())].at(whom.number());
  }
}

} // namespace mmsim

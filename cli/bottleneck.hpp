// What an operation waits for most, or spends most of its time on: one name, so that a reader knows where to look.
//
//   if (const auto found = bottleneck_of(operation)) std::cout << found->name;   // "mmap_lock"
#pragma once

#include <optional>
#include <string>

#include "cli/findings.hpp"

namespace mmsim {

struct Bottleneck {
  std::string name; ///< as name_of(TimePart): a lock class, a device, "handlers of other CPUs", an account
  double mean_ns = 0;
  double share = 0; ///< of the operation's mean
};

/// The largest of: each lock, device, line, kind of remote waiting and the like, in all accounts together (spinning,
/// sleeping and the line of a lock are one), and each account of which nobody knows more. Nothing if the accounts are
/// not known.
std::optional<Bottleneck> bottleneck_of(const Findings::Operation& operation);

} // namespace mmsim

// The parts that an operation's time falls into: of an account that waits, for whom; of another, the account. And
// what they are called in sentences.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/findings.hpp"

namespace mmsim {

struct TimePart {
  std::string account;
  std::optional<WaitKind> kind; ///< nothing: the account as a whole
  std::string whom;             ///< empty where the CPUs of a kind are one part
  double mean_ns = 0;
  std::size_t cpus = 0; ///< how many are in it, if it is CPUs
  std::string most;     ///< the CPU that was most of it, and
  double most_ns = 0;   ///< how much
};

/// The parts of an account, the largest first; CPUs of one kind are gathered. Empty if nobody knows for whom.
std::vector<TimePart> waits_of(const Findings::AccountTime& account);
/// Of all accounts: waits_of() where there are any, else the account.
std::vector<TimePart> parts_of(const Findings::Operation& operation);

/// Whether an account that waits says for whom. Two operations can be compared by that only if both do.
bool says_for_whom(const Findings::Operation& operation);

/// "mmap_lock", "handlers of other CPUs", "the line of mm_count", "swap": whoever was waited for, in whatever account.
/// For WaitKind::other the account.
std::string name_of(const TimePart& part);
/// The same, below its account: the way of a lock's line is "taking mmap_lock", for others touch that line too.
std::string name_below_account(const TimePart& part);
/// The same with how it was waited for: "mmap_lock (sleeping)", "waiting for remote cores: handlers".
std::string name_with_way(const TimePart& part);

} // namespace mmsim

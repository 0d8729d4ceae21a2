// The users of a scenario: tasks on each CPU, processes or threads of one process, bound to it or not.
//
//   d("scenario.mode", p.mode, "threads", "...").one_of({"threads", "processes"});
//   UsersParameters::declare(d, p.users);        // scenario.bound, threads_per_cpu, sleep
//   x.expect_ready(users_of(x, p.users));
//   spawn_users(x, p.mode, "mapper", p.users, [this, &x](Task& task, User user) { map_and_unmap(x, task, user); });
//
// Users that are not bound are moved by load balancing and by wake-ups (kernel.wake_placement) as soon as some sleep,
// on a lock or for scenario.sleep: more of them on a CPU than can run. Those that never sleep stay where they began:
// no queue is ever empty, and none longer than the others.
#pragma once

#include "models/operations/nanosleep.hpp"
#include "scenarios/scenario.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mmsim {

struct UsersParameters {
  bool bound;
  std::int64_t threads_per_cpu;
  Duration sleep;
  static void declare(Declaration& d, UsersParameters& p);
};

/// Which of the users a task is.
struct User {
  CoreId cpu;           ///< where it begins
  std::uint32_t number; ///< of all: the first of each CPU by CPU, then the second of each, ...
};

/// How many there are.
inline std::size_t users_of(const Experiment& x, const UsersParameters& users) {
  return x.cpus() * static_cast<std::size_t>(users.threads_per_cpu);
}

/// `name` is of one of them: "<name> on cpu 3", "<name> 7 on cpu 3" from the second of a CPU on. Any other mode than
/// "threads" means processes.
void spawn_users(Experiment& x, std::string_view mode, std::string_view name, const UsersParameters& users,
                 const std::function<void(Task&, User)>& body);
/// One on each CPU, bound to it.
void spawn_users(Experiment& x, std::string_view mode, std::string_view name,
                 const std::function<void(Task&, CoreId)>& body);

/// A user's sleep between two rounds: scenario.sleep. Before the machine runs.
class UserSleep {
 public:
  UserSleep(System& system, Duration mean) : mean_(mean) {
    if (mean.count() > 0) sleep_.emplace(system);
  }
  /// Of exponential length, drawn from `lengths`; none at all if the mean is 0.
  void operator()(Task& task, RandomStream& lengths) {
    if (sleep_) sleep_->until(task, task.now() + lengths.exponential(mean_));
  }

 private:
  Duration mean_;
  std::optional<Nanosleep> sleep_;
};

/// How many pages a thread maps, at a multiple of TablePage::entries, that uses `pages` of them: one more,
/// which is never touched, where the areas of several threads would else follow each other without a gap and
/// become one (vma_merge()).
inline std::uint64_t pages_apart(std::uint64_t pages) {
  return pages % TablePage::entries == 0 ? pages + 1 : pages;
}

} // namespace mmsim

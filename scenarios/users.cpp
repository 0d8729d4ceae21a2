#include "scenarios/users.hpp"

#include <spdlog/fmt/fmt.h>
#include <utility>

namespace mmsim {

void UsersParameters::declare(Declaration& d, UsersParameters& p) {
  d("scenario.bound", p.bound, true,
    "each user stays on its CPU; false: load balancing and wake-ups (kernel.wake_placement) may move it");
  d("scenario.threads_per_cpu", p.threads_per_cpu, 1, "users that begin on each CPU").at_least(1).at_most(64);
  d("scenario.sleep", p.sleep, "0 ns", "mean time that a user sleeps before each round, exponential")
      .at_most("100 ms");
}

void spawn_users(Experiment& x, std::string_view mode, std::string_view name, const UsersParameters& users,
                 const std::function<void(Task&, User)>& body) {
  MmStruct* shared = nullptr;
  std::uint32_t number = 0;
  for (std::int64_t round = 0; round < users.threads_per_cpu; ++round)
    x.on_each_cpu([&](CoreId cpu) {
      const User user{cpu, number++};
      std::string full_name = round == 0 ? fmt::format("{} on cpu {}", name, cpu.value())
                                         : fmt::format("{} {} on cpu {}", name, user.number, cpu.value());
      const auto as_user = [body, user](Task& task) { body(task, user); };
      Task& task = shared != nullptr
                       ? spawn_thread_at_boot(x.system(), std::move(full_name), *shared, cpu, as_user)
                       : spawn_process_at_boot(x.system(), std::move(full_name), cpu, as_user);
      task.bound = users.bound;
      if (mode == "threads") shared = task.mm;
    });
}

void spawn_users(Experiment& x, std::string_view mode, std::string_view name,
                 const std::function<void(Task&, CoreId)>& body) {
  spawn_users(x, mode, name, {.bound = true, .threads_per_cpu = 1, .sleep = {}},
              [body](Task& task, User user) { body(task, user.cpu); });
}

} // namespace mmsim

#include "scenarios/users.hpp"

#include <optional>
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
                 const std::function<void(Task&, User)>& body, Placement placement) {
  std::optional<BootProcess> process;
  std::uint32_t number = 0;
  for (std::int64_t round = 0; round < users.threads_per_cpu; ++round)
    x.on_each_cpu([&](CoreId cpu) {
      const User user{cpu, number++};
      std::string full_name = round == 0 ? fmt::format("{} on cpu {}", name, cpu.value())
                                         : fmt::format("{} {} on cpu {}", name, user.number, cpu.value());
      if (!process || mode != "threads") process.emplace(x, placement);
      process->spawn(std::move(full_name), cpu, [body, user](Task& task) { body(task, user); }).bound =
          users.bound;
    });
}

void spawn_users(Experiment& x, std::string_view mode, std::string_view name,
                 const std::function<void(Task&, CoreId)>& body, Placement placement) {
  spawn_users(
      x, mode, name, {.bound = true, .threads_per_cpu = 1, .sleep = {}},
      [body](Task& task, User user) { body(task, user.cpu); }, placement);
}

std::uint64_t users_of_an_mm(const Configuration& configuration, std::string_view mode, std::int64_t others) {
  const std::int64_t cpus = read_parameters<RunParameters>(configuration).cpus;
  return mode == "threads" && others < cpus ? static_cast<std::uint64_t>(cpus - others) : 1;
}

} // namespace mmsim

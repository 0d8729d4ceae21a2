#include "scenarios/users.hpp"

#include <optional>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

void spawn_users(Experiment& x, std::string_view mode, std::string_view name,
                 const std::function<void(Task&, CoreId)>& body, Placement placement) {
  std::optional<BootProcess> process;
  x.on_each_cpu([&](CoreId cpu) {
    if (!process || mode != "threads") process.emplace(x, placement);
    process
        ->spawn(fmt::format("{} on cpu {}", name, cpu.value()), cpu,
                [body, cpu](Task& task) { body(task, cpu); })
        .bound = true;
  });
}

std::uint64_t users_of_an_mm(const Configuration& configuration, std::string_view mode, std::int64_t others) {
  const std::int64_t cpus = read_parameters<RunParameters>(configuration).cpus;
  return mode == "threads" && others < cpus ? static_cast<std::uint64_t>(cpus - others) : 1;
}

} // namespace mmsim

#include "cli/point_check.hpp"

#include <cstdint>
#include <string>

#include "models/pages/zone_limits.hpp"
#include "scenarios/scenario.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/machine/cost_book.hpp"
#include "sim/machine/topology.hpp"

namespace mmsim {

void check_point(const Configuration& configuration) {
  const auto topology = read_parameters<TopologyParameters>(configuration);
  const std::int64_t cores =
      topology.sockets * topology.dies_per_socket * topology.clusters_per_die * topology.cores_per_cluster;
  const MemoryLayout layout(static_cast<std::uint32_t>(topology.sockets),
                            read_parameters<MemoryCosts>(configuration).memory, configuration);
  const MemoryLimits limits(layout, configuration); // refuses zones and limits that cannot be
  const Configuration resolved = with_defaults(configuration);
  const Entry* entry = resolved.find("run.cpus");
  const auto* cpus = entry ? std::get_if<std::int64_t>(&entry->value) : nullptr;
  if (!cpus || (*cpus >= 1 && *cpus <= cores)) {
    if (const std::string name = chosen_scenario(resolved); !name.empty())
      Registry<Scenario>::instance().create(name, resolved); // refuses what its parameters cannot be together
    return;
  }
  const Entry* machine = resolved.find("machine.base");
  const std::string name = machine ? "the machine " + to_text(machine->value) : std::string("the machine");
  throw InputError("run.cpus: " + std::to_string(*cpus) + " is not possible; " + name + " has " +
                       std::to_string(cores) + " cores",
                   entry->origin);
}

} // namespace mmsim

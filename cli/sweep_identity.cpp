#include "cli/sweep_identity.hpp"

#include <array>
#include <fstream>

#include "cli/fnv.hpp"
#include "sim/engine/parameter.hpp"

namespace mmsim {

std::string sweep_hash(const SweepPlan& plan) {
  Fnv hash;
  hash.add("seeds " + std::to_string(plan.seeds) + '\n');
  if (plan.seed_rule) {
    hash.add("ci " + to_text(Value(plan.seed_rule->ci)) + " max_seeds " +
             std::to_string(plan.seed_rule->max_seeds));
    for (const std::string& operation : plan.seed_rule->operations)
      hash.add(" operation " + operation);
    hash.add("\n");
  }
  if (plan.sampling)
    hash.add("sample " + plan.sampling->method + ' ' + std::to_string(plan.sampling->seed) + '\n');
  for (const Axis& axis : plan.axes)
    hash.add("axis " + axis.path + '\n');
  for (const SweepPoint& point : plan.points()) {
    hash.add("point " + std::to_string(point.index) + '\n');
    const Configuration configuration = with_defaults(plan.configuration(point));
    for (const auto& [path, entry] : configuration.entries())
      hash.add(path + " = " + to_text(entry.value) + '\n');
  }
  return hash.text();
}

std::string build_hash() {
  std::ifstream program("/proc/self/exe", std::ios::binary);
  Fnv hash;
  std::array<char, 65536> block;
  while (program.read(block.data(), block.size()) || program.gcount() > 0)
    hash.add({block.data(), std::size_t(program.gcount())});
  return hash.text();
}

} // namespace mmsim

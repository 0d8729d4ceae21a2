// What accesses to cache lines cost on a machine whose cores are all in one cluster.
#pragma once

#include "sim/machine/machine.hpp"

namespace mmsim {

struct ClusterLineCosts {
  explicit ClusterLineCosts(Machine& machine)
      : hit(machine.costs().line.hit), atomic(machine.costs().line.atomic), dram(machine.costs().line.dram),
        transfer(machine.costs().line.transfer + machine.topology().latency(Distance::cluster)) {}
  Duration hit, atomic, dram;
  Duration transfer; ///< a line comes from another core, or is taken away from it
};

} // namespace mmsim

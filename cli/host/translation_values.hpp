// machine.tlb.* and machine.tlbi.*.
#pragma once

#include <vector>

#include "cli/host/hardware_values.hpp"

namespace mmsim::host {

void add_translation_values(const HostMachine& machine, const Measurements& measured,
                            std::vector<MachineValue>& values);

/// Where a cost that grows with the number of pages is half-way from `below` to `above`, in a straight line
/// between its points (ascending); 0 unless it rises from a quarter to three quarters within a factor of 2.5.
double clear_edge(const std::vector<std::pair<int, double>>& cost_of_pages, double below, double above);

} // namespace mmsim::host

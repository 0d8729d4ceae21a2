// machine.tlb.* and machine.tlbi.*.
#pragma once

#include <vector>

#include "cli/host/hardware_values.hpp"

namespace mmsim::host {

void add_translation_values(const HostMachine& machine, const Measurements& measured,
                            std::vector<MachineValue>& values);

/// The pages beyond which a cost rises from `below` to `above`: where the straight line through a quarter and
/// three quarters of the rise begins, points (ascending) being joined by straight lines. 0 unless these two
/// are within a factor of 1.35: a set-associative TLB with one page too many for each set misses all the
/// time, so that its edge is as steep as 1 + 1/ways; what rises more slowly is shared with a hyperthread, or
/// is several things.
double clear_edge(const std::vector<std::pair<int, double>>& cost_of_pages, double below, double above);

} // namespace mmsim::host

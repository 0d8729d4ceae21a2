// Where an operation's time went, as a tree: its accounts, and below those that wait, for whom.
//
//    share     mean  munmap at run.cpus=128
//     71 %   213 us  |- tlb_remote
//     60 %   180 us  |  |- handlers of other CPUs (cpu 3 most: 5 %)
//     11 %  33.0 us  |  `- interrupts on their way to other CPUs (cpu 64 most: 1 %)
//     18 %  54.0 us  |- lock_sleep
//     18 %  54.0 us  |  `- mmap_lock
//     11 %  33.0 us  `- work
#pragma once

#include <cstddef>
#include <string>

#include "cli/findings.hpp"
#include "cli/terminal.hpp"
#include "sim/record/results.hpp"

namespace mmsim {

/// Lines that end in "\n", no wider than the terminal; shares are of the operation's mean. What is below 1 % is
/// gathered as "other". The branches are drawn with | and ` where Terminal::box_drawing is not set.
std::string time_tree(const Findings::Operation& operation, const std::string& title,
                      const Terminal& terminal, std::size_t indent = 0);

/// Of every operation of a point that has just run, titled by its name. Empty if nothing was measured.
std::string time_trees(const MergedPoint& point, const Terminal& terminal);

} // namespace mmsim

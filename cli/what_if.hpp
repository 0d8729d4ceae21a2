// Policies that the simulated machine's own kernel would not use. They are marked wherever they are shown.
//
// A machine that broadcasts TLBI (arm64) interrupts nobody to invalidate TLBs, so on it every policy that
// does is a what-if: an answer to "what if this machine had no broadcast?". So are x86's policies on older
// Arm machines, and everywhere those that no kernel has.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/engine/configuration.hpp"

namespace mmsim {

/// What follows a name in tables, and what it means.
inline constexpr std::string_view what_if_mark = "(what-if)";
inline constexpr std::string_view what_if_legend = "(what-if): this machine's own kernel does not flush so";

/// Whether the implementation `name` of `path` is a what-if on the machine of `configuration`.
bool is_what_if(const Configuration& configuration, std::string_view path, std::string_view name);

/// The choices of `configuration`, given with its defaults, that are what-ifs: "kernel.tlb_flush=lazy".
std::vector<std::string> what_ifs(const Configuration& configuration);

} // namespace mmsim

// The mean latencies of a whole sweep at a glance: a row for each value of the numeric axis, a column for
// each combination of the others.
#pragma once

#include <string>
#include <vector>

#include "cli/findings.hpp"
#include "cli/terminal.hpp"

namespace mmsim {

/// A table for each operation; one line instead if there are too many points for a glance.
std::string overview(const Findings& findings, const Terminal& terminal);

/// Points that differ on `main` only, in ascending order of it.
struct Series {
  std::vector<std::string> labels; ///< values of the other axes that have several, marked if a what-if
  std::vector<const Findings::Point*> points;
};
std::vector<Series> series_of(const Findings& findings);
/// The paths that Series::labels belong to.
std::vector<std::string> label_paths(const Findings& findings);
/// "munmap  kernel.tlb_flush=eager (what-if)".
std::string title_of(const Findings& findings, const Series& series, const std::string& text);
/// A title in bold, in as many lines as it needs.
std::string heading(const std::string& title, const Terminal& terminal);

} // namespace mmsim

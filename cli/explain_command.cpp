#include <cstddef>
#include <iostream>

#include <spdlog/spdlog.h>

#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/explanation.hpp"
#include "cli/findings.hpp"
#include "sim/engine/configuration.hpp"

namespace mmsim {

int explain_command(const ExplainOptions& options) {
  const Findings findings = read_findings(options.directory);
  const std::string text = explanation(findings, {options.every_point, options.locks}, terminal_of(1));
  if (text.empty() && findings.defects.none())
    throw InputError("no point has a result: see the status of each in manifest.json",
                     {options.directory.native()});
  std::cout << text << std::flush;

  std::size_t bad = 0;
  for (const Findings::Point& point : findings.points)
    bad += point.status != "done" && point.status != "unknown";
  if (bad > 0)
    spdlog::warn("{} of {} points have a violation or a fault; see manifest.json", bad,
                 findings.points.size());
  for (const std::string& note : findings.notes)
    spdlog::info("{}", note);
  for (const std::string& defect : findings.defects.lines())
    spdlog::error("{}", defect);
  if (text.empty()) spdlog::error("{}: nothing is left that can be shown", options.directory.native());
  return findings.defects.none() ? exit_done : exit_wrong_input;
}

} // namespace mmsim

#include "cli/host/host_validation_text.hpp"

#include "cli/host/kernel_calibration.hpp"
#include "cli/readable.hpp"
#include "cli/terminal_table.hpp"
#include "cli/validation/comparison.hpp"

#include <algorithm>
#include <cmath>

#include <spdlog/fmt/fmt.h>

namespace mmsim::host {
namespace {

std::string verdict_text(const HostRow& row, const Terminal& terminal) {
  const std::string given = row.calibrated ? "calibrated, " : "";
  switch (row.verdict()) {
  case HostVerdict::ok:
    return given + "ok";
  case HostVerdict::miss:
    return given + (row.calibrated ? "changed since" : terminal.red("MISS"));
  case HostVerdict::uncounted:
    return given + terminal.yellow(
                       fmt::format("not counted, cannot tell: the machine's median is known to +-{:.0f} %",
                                   100 * row.uncertainty()));
  case HostVerdict::unmeasured:
    return given + terminal.yellow("not measured: " + row.measured.how);
  }
  return {};
}

std::string percent(double share) { return fmt::format("{:+.0f} %", 100 * share); }

} // namespace

std::string table_of(const std::vector<HostRow>& rows, const Terminal& terminal) {
  using Table = TerminalTable;
  Table table({{"operation"},
               {"pages", Table::right},
               {"measured", Table::right},
               {"95 % of the median"},
               {"simulated", Table::right},
               {"error", Table::right},
               {"bound", Table::right},
               {"verdict", Table::wraps}});
  for (const HostRow& row : rows) {
    const bool measured = row.error().has_value();
    table.add_row(
        {title_of(row.operation), fmt::format("{}", row.operation.workload.pages),
         measured ? readable_nanoseconds(row.measured.median) : "-",
         measured ? readable_nanoseconds(row.measured.low) + " to " + readable_nanoseconds(row.measured.high)
                  : "-",
         readable_nanoseconds(row.simulated_ns), measured ? percent(*row.error()) : "-",
         fmt::format("{:.0f} %", 100 * row.bound), verdict_text(row, terminal)});
  }
  return table.text(terminal);
}

std::string plan_of(const std::vector<KernelOperation>& operations, const Terminal& terminal) {
  using Table = TerminalTable;
  Table table({{"operation"}, {"pages", Table::right}, {"case"}, {"role"}});
  for (const KernelOperation& operation : operations)
    table.add_row({title_of(operation), fmt::format("{}", operation.workload.pages),
                   std::string(case_of(operation)), is_calibrated(operation) ? "calibrated" : "predicted"});
  return table.text(terminal);
}

std::string summary_of(const std::vector<HostRow>& rows) {
  const auto number = [&](auto&& which) { return std::ranges::count_if(rows, which); };
  const auto counted = number([](const HostRow& row) { return row.counts(); });
  const auto held =
      number([](const HostRow& row) { return row.counts() && row.verdict() != HostVerdict::miss; });
  const auto noisy =
      number([](const HostRow& row) { return !row.calibrated && row.verdict() == HostVerdict::uncounted; });
  const auto missing =
      number([](const HostRow& row) { return !row.calibrated && row.verdict() == HostVerdict::unmeasured; });
  std::vector<double> errors;
  for (const HostRow& row : rows)
    if (row.counts()) errors.push_back(std::abs(*row.error()));
  std::string text = counted > 0 ? fmt::format("{} of {} predictions hold", held, counted)
                                 : std::string("nothing was shown: no prediction counts");
  if (const std::optional<double> median = validation::median_of(errors))
    text += fmt::format(", with a median error of {:.0f} % and {:.0f} % at the worst", 100 * *median,
                        100 * std::ranges::max(errors));
  text += '.';
  if (noisy > 0)
    text += fmt::format(
        " {} more {} not counted: half of the 95 % interval of what this machine takes is more than "
        "the bound, so neither a hit nor a miss can be told.",
        noisy, noisy == 1 ? "is" : "are");
  if (missing > 0) text += fmt::format(" {} could not be measured here.", missing);
  return text;
}

} // namespace mmsim::host

#include "cli/merged_findings.hpp"

#include "sim/record/account.hpp"

namespace mmsim {
namespace {

double nanoseconds(Duration duration) { return double(duration.count()) / 1000; }

Findings::Operation finding_of(const MergedOperation& merged) {
  Findings::Operation operation;
  operation.name = merged.name;
  operation.count = merged.latency.count();
  if (operation.count == 0) return operation;
  const auto count = double(operation.count);
  operation.mean_ns = nanoseconds(merged.latency.sum()) / count;
  operation.p99_ns = nanoseconds(merged.latency.percentile(99));
  if (const auto ci95 = merged.ci95()) operation.ci95_ns = *ci95 / 1000;
  for (std::size_t i = 0; i < account_count; ++i) {
    const Duration total = merged.accounts[i];
    if (total.count() == 0) continue;
    Findings::AccountTime& account = operation.accounts.emplace_back();
    account = {std::string(name(Account(i))), nanoseconds(total) / count, {}, std::uint64_t(total.count())};
    for (const WaitTotal& wait : merged.waits)
      if (wait.account == Account(i))
        account.waits.push_back({wait.kind, wait.whom, nanoseconds(wait.total) / count});
  }
  return operation;
}

} // namespace

Findings::Point finding_of(const MergedPoint& merged) {
  Findings::Point point;
  point.status = name(PointStatus::done);
  if (merged.seeds == 0) return point;
  for (const MergedOperation& operation : merged.operations)
    point.operations.push_back(finding_of(operation));
  point.locks = lock_stats(merged);
  return point;
}

} // namespace mmsim

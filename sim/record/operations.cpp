#include "sim/record/operations.hpp"

#include <algorithm>
#include <stdexcept>

namespace mmsim {
namespace {

std::string ps(Instant at) { return std::to_string(at.time_since_epoch().count()) + " ps"; }

} // namespace

OperationId OperationRecorder::register_operation(std::string_view name) {
  const auto known = std::find_if(results_.begin(), results_.end(),
                                  [&](const OperationResult& result) { return result.name == name; });
  const auto id = OperationId(known - results_.begin());
  if (known == results_.end()) {
    results_.emplace_back().name = name;
    waits_.emplace_back();
  }
  return id;
}

std::vector<OperationResult>
OperationRecorder::results(const std::function<std::string(WaitId)>& name_of) const {
  std::vector<OperationResult> results = results_;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::vector<WaitTotals::Row> rows = waits_[i].rows();
    for (const Account account : waiting_accounts) {
      Duration rest = results[i].accounts[index(account)]; // of which nobody has said for whom
      for (const WaitTotals::Row& row : rows) {
        const Duration total = row.of[index(account)];
        if (!name_of || !row.whom.known() || total.count() == 0) continue;
        results[i].waits.push_back({account, row.whom.kind(), name_of(row.whom), total});
        rest -= total;
      }
      if (rest.count() > 0) results[i].waits.push_back({account, WaitKind::other, {}, rest});
      if (rest.count() < 0)
        throw std::logic_error("operation " + results[i].name + " waited longer than its account " +
                               std::string(mmsim::name(account)) + " says");
    }
  }
  return results;
}

void OperationRecorder::refuse_begin(const Ledger& ledger, Instant now) {
  throw std::logic_error("operation begins at " + ps(now) + ", but its ledger is booked until " +
                         ps(ledger.booked_until()) + ": settle first");
}

void OperationRecorder::refuse_end(const OperationResult& result, const OperationStart& start,
                                   const Ledger& ledger, Instant now, Duration booked) {
  throw std::logic_error("operation " + result.name + " took " + std::to_string((now - start.began).count()) +
                         " ps (" + ps(start.began) + " to " + ps(now) + "), but its accounts sum to " +
                         std::to_string(booked.count()) + " ps, booked until " + ps(ledger.booked_until()));
}

void OperationRecorder::close(Instant now) { window_.end = std::min(window_.end, now); }

Duration OperationRecorder::measured() const {
  if (window_.end == Instant::max()) throw std::logic_error("the measured window is still open");
  return std::max(Duration(0), window_.end - window_.begin);
}

} // namespace mmsim

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
  if (known == results_.end()) results_.emplace_back().name = name;
  return id;
}

OperationStart OperationRecorder::begin(const Ledger& ledger, Instant now) {
  if (ledger.booked_until() != now)
    throw std::logic_error("operation begins at " + ps(now) + ", but its ledger is booked until " +
                           ps(ledger.booked_until()) + ": settle first");
  return {now, ledger.snapshot()};
}

void OperationRecorder::end(OperationId id, const OperationStart& start, const Ledger& ledger, Instant now) {
  OperationResult& result = results_[std::size_t(id)];
  const Duration latency = now - start.began;
  const bool completed = window_.contains(now), recorded = completed && start.began >= window_.begin;
  completed_ += completed;
  result.completed += completed;
  if (recorded) {
    result.latency.record(latency);
    result.batches.record(latency);
  }
  // The accounts come last: the ledger's latest booking is still on its way to the cache.
  AccountTotals spent;
  Duration booked{};
  for (std::size_t i = 0; i < account_count; ++i) {
    spent[i] = ledger.totals()[i] - start.books.totals[i];
    booked += spent[i];
  }
  if (ledger.booked_until() != now || booked != latency)
    throw std::logic_error("operation " + result.name + " took " + std::to_string(latency.count()) + " ps (" +
                           ps(start.began) + " to " + ps(now) + "), but its accounts sum to " +
                           std::to_string(booked.count()) + " ps, booked until " + ps(ledger.booked_until()));
  if (!recorded) return;
  for (std::size_t i = 0; i < account_count; ++i)
    result.accounts[i] += spent[i];
}

void OperationRecorder::close(Instant now) { window_.end = std::min(window_.end, now); }

Duration OperationRecorder::measured() const {
  if (window_.end == Instant::max()) throw std::logic_error("the measured window is still open");
  return std::max(Duration(0), window_.end - window_.begin);
}

} // namespace mmsim

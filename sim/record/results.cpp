#include "sim/record/results.hpp"

#include <algorithm>
#include <stdexcept>

#include "sim/record/natural_order.hpp"

namespace mmsim {
namespace {

MergedOperation& operation_named(MergedPoint& point, const std::string& name) {
  for (MergedOperation& operation : point.operations)
    if (operation.name == name) return operation;
  point.operations.emplace_back().name = name;
  return point.operations.back();
}

// Equal ones become one.
void add_up(std::vector<WaitTotal>& waits) {
  std::ranges::sort(waits, [](const WaitTotal& a, const WaitTotal& b) {
    if (a.account != b.account) return a.account < b.account;
    if (a.kind != b.kind) return a.kind < b.kind;
    return comes_before_naturally(a.whom, b.whom);
  });
  std::vector<WaitTotal> sums;
  for (WaitTotal& wait : waits)
    if (!sums.empty() && sums.back().account == wait.account && sums.back().kind == wait.kind &&
        sums.back().whom == wait.whom)
      sums.back().total += wait.total;
    else
      sums.push_back(std::move(wait));
  waits = std::move(sums);
}

} // namespace

void check_waits(const OperationResult& operation) {
  AccountTotals sums{};
  for (const WaitTotal& wait : operation.waits)
    sums[index(wait.account)] += wait.total;
  for (std::size_t i = 0; i < account_count; ++i) {
    const Duration expected = is_waiting(Account(i)) ? operation.accounts[i] : Duration(0);
    if (sums[i] != expected)
      throw std::invalid_argument(
          "operation " + operation.name + ": waits of account " + std::string(name(Account(i))) + " sum to " +
          std::to_string(sums[i].count()) + " ps, not to " + std::to_string(expected.count()) + " ps");
  }
}

double MergedPoint::per_second(const MergedOperation& operation) const {
  return measured.count() > 0 ? double(operation.completed) * 1e12 / double(measured.count()) : 0;
}

MergedPoint merge(std::span<const PointResult> seeds) {
  std::vector<const PointResult*> in_order;
  for (const PointResult& seed : seeds)
    in_order.push_back(&seed);
  std::sort(in_order.begin(), in_order.end(),
            [](const PointResult* a, const PointResult* b) { return a->seed < b->seed; });

  MergedPoint point;
  const PointResult* previous = nullptr;
  for (const PointResult* seed : in_order) {
    if (previous && previous->seed == seed->seed)
      throw std::invalid_argument("seed " + std::to_string(seed->seed) + " comes twice");
    previous = seed;
    if (seed->status != PointStatus::done) continue;
    point.seeds += 1;
    point.measured += seed->measured;
    point.counters.add(seed->counters);
    point.ipis.add(seed->ipis);
    for (const OperationResult& theirs : seed->operations) {
      MergedOperation& operation = operation_named(point, theirs.name);
      operation.completed += theirs.completed;
      operation.latency.merge(theirs.latency);
      operation.batches.push_back(theirs.batches);
      for (std::size_t i = 0; i < account_count; ++i)
        operation.accounts[i] += theirs.accounts[i];
      check_waits(theirs);
      operation.waits.insert(operation.waits.end(), theirs.waits.begin(), theirs.waits.end());
    }
  }
  for (MergedOperation& operation : point.operations)
    add_up(operation.waits);
  return point;
}

} // namespace mmsim

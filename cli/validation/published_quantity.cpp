#include "cli/validation/published_quantity.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/engine/nearest_name.hpp"

namespace mmsim::validation {
namespace {

constexpr double ps_per_ns = 1e3, ps_per_second = 1e12;

double picoseconds(Duration duration) { return double(duration.count()); }

const OperationResult& operation_of(const CaseQuantity& quantity, const PointResult& result) {
  std::vector<std::string> names;
  for (const OperationResult& each : result.operations) {
    if (each.name == quantity.operation) return each;
    names.push_back(each.name);
  }
  throw InputError("operation of [quantity]: the run has no operation \"" + quantity.operation + '"' +
                       did_you_mean(quantity.operation, names),
                   quantity.operation_origin);
}

/// "lock_wait_ns" and "zone->lock" of "lock_wait_ns.zone->lock".
std::pair<std::string, std::string> lock_counter(const std::string& counter) {
  const auto dot = counter.find('.');
  return {counter.substr(0, dot), dot == std::string::npos ? std::string() : counter.substr(dot + 1)};
}

double value_of(const LockClassStats& stats, std::string_view what) {
  if (what == "lock_acquired") return double(stats.acquired);
  if (what == "lock_contended") return double(stats.contended);
  if (what == "lock_wait_ns") return picoseconds(stats.wait) / ps_per_ns;
  if (what == "lock_hold_ns") return picoseconds(stats.hold) / ps_per_ns;
  if (what == "lock_wait_max_ns") return picoseconds(stats.wait_max) / ps_per_ns;
  if (what == "lock_hold_max_ns") return picoseconds(stats.hold_max) / ps_per_ns;
  if (what == "lock_acq_bounces") return double(stats.acq_bounces);
  if (what == "lock_con_bounces") return double(stats.con_bounces);
  throw std::logic_error("no counter of locks: " + std::string(what));
}

double sum_of(const std::vector<std::string>& counters, const Counters::Snapshot& snapshot) {
  double sum = 0;
  for (const std::string& each : counters) {
    if (const auto counter = counter_named(each)) {
      sum += double(snapshot[*counter]);
      continue;
    }
    const auto [what, lock_class] = lock_counter(each);
    sum += value_of(snapshot.lock_class(lock_class), what);
  }
  return sum;
}

double percentile(const Histogram& latency, unsigned percent) {
  return picoseconds(latency.percentile(percent)) / ps_per_ns;
}

/// Without scale; not finite if nothing completed.
double unscaled(const CaseQuantity& quantity, const PointResult& result, double cpus) {
  const double window = picoseconds(result.measured);
  if (quantity.value >= Measure::counter) {
    const double sum = sum_of(quantity.counters, result.counters);
    if (quantity.value == Measure::counter) return sum;
    if (quantity.value == Measure::counter_per_second) return sum * ps_per_second / window;
    if (quantity.value == Measure::counter_share) return 100 * sum * ps_per_ns / (cpus * window);
    return sum / double(operation_of(quantity, result).completed);
  }

  const OperationResult& operation = operation_of(quantity, result);
  const double completed = double(operation.completed);
  if (quantity.value == Measure::per_second) return completed * ps_per_second / window;
  if (quantity.value == Measure::interval) return cpus * window / ps_per_ns / completed;

  const Histogram& latency = operation.latency;
  if (latency.count() == 0) return std::nan("");
  const double all = picoseconds(latency.sum()), count = double(latency.count());
  double part = 0;
  for (const Account account : quantity.accounts)
    part += picoseconds(operation.accounts[index(account)]);
  switch (quantity.value) {
  case Measure::mean:
    return all / count / ps_per_ns;
  case Measure::p50:
    return percentile(latency, 50);
  case Measure::p90:
    return percentile(latency, 90);
  case Measure::p99:
    return percentile(latency, 99);
  case Measure::max:
    return percentile(latency, 100);
  case Measure::account:
    return part / count / ps_per_ns;
  case Measure::account_share:
    return 100 * part / all;
  default:
    throw std::logic_error("a measure without its arithmetic");
  }
}

} // namespace

std::optional<double> value_of(const CaseQuantity& quantity, const PointResult& result, std::int64_t cpus) {
  const double value = quantity.scale * unscaled(quantity, result, double(cpus));
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::vector<std::string> unknown_counters(const CaseQuantity& quantity, const PointResult& result) {
  std::vector<std::string> unknown;
  for (const std::string& each : quantity.counters) {
    if (counter_named(each)) continue;
    const std::string lock_class = lock_counter(each).second;
    const auto& classes = result.counters.lock_classes;
    if (std::ranges::find(classes, lock_class, &Counters::Snapshot::LockClass::name) == classes.end())
      unknown.push_back(each);
  }
  return unknown;
}

std::optional<double> combined(Combine combine, double value, double against) {
  if (combine == Combine::none) return value;
  if (combine == Combine::difference) return value - against;
  if (against == 0) return std::nullopt;
  return combine == Combine::ratio ? value / against : 100 * (value / against - 1);
}

} // namespace mmsim::validation

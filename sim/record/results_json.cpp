// PointResult as JSON and back.

#include "sim/record/results.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace mmsim {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 3> status_names{"done", "violation", "failed"};

PointStatus status_named(const std::string& name) {
  const auto found = std::find(status_names.begin(), status_names.end(), name);
  if (found == status_names.end()) throw std::invalid_argument("unknown status \"" + name + "\"");
  return PointStatus(found - status_names.begin());
}

// nlohmann's get() quietly turns 1.5, -1 and true into integers.
std::uint64_t count_from(const Json& json) {
  if (!json.is_number_unsigned()) throw std::invalid_argument("not a count: " + json.dump());
  return json.get<std::uint64_t>();
}

Duration picoseconds(const Json& json) {
  const std::uint64_t count = count_from(json);
  if (count > std::uint64_t(INT64_MAX)) throw std::invalid_argument("not a number of ps: " + json.dump());
  return Duration(std::int64_t(count));
}

Json to_json_value(const Histogram& histogram) {
  Json buckets = Json::array();
  for (const auto& [index, count] : histogram.buckets())
    buckets.push_back(Json::array({index, count}));
  return {{"min_ps", histogram.min().count()},
          {"max_ps", histogram.max().count()},
          {"sum_ps", histogram.sum().count()},
          {"buckets", std::move(buckets)}};
}

Histogram histogram_from(const Json& json) {
  std::vector<Histogram::Bucket> buckets;
  for (const Json& bucket : json.at("buckets"))
    buckets.push_back({std::uint32_t(std::min<std::uint64_t>(count_from(bucket.at(0)), UINT32_MAX)),
                       count_from(bucket.at(1))});
  return Histogram::restore(buckets, picoseconds(json.at("min_ps")), picoseconds(json.at("max_ps")),
                            picoseconds(json.at("sum_ps")));
}

Json to_json_value(const BatchMeans& batches) {
  const BatchMeans::State& state = batches.state();
  return {{"size", state.size},
          {"sums_ps", Json(std::vector<std::int64_t>(batches.sums().begin(), batches.sums().end()))},
          {"open_sum_ps", state.open_sum},
          {"open_count", state.open_count}};
}

BatchMeans batches_from(const Json& json) {
  BatchMeans::State state;
  const Json& sums = json.at("sums_ps");
  if (sums.size() >= BatchMeans::capacity) throw std::invalid_argument("batch means: too many batches");
  state.size = count_from(json.at("size"));
  state.full = sums.size();
  std::transform(sums.begin(), sums.end(), state.sums.begin(),
                 [](const Json& sum) { return picoseconds(sum).count(); });
  state.open_sum = picoseconds(json.at("open_sum_ps")).count();
  state.open_count = count_from(json.at("open_count"));
  return BatchMeans(state);
}

Json to_json_value(const OperationResult& operation) {
  Json accounts = Json::object();
  for (std::size_t i = 0; i < account_count; ++i)
    if (operation.accounts[i].count())
      accounts[std::string(name(Account(i)))] = operation.accounts[i].count();
  Json waits = Json::array();
  for (const WaitTotal& wait : operation.waits)
    waits.push_back(Json::array({name(wait.account), name(wait.kind), wait.whom, wait.total.count()}));
  return {{"name", operation.name},
          {"completed", operation.completed},
          {"latency", to_json_value(operation.latency)},
          {"batches", to_json_value(operation.batches)},
          {"accounts_ps", std::move(accounts)},
          {"waits", std::move(waits)}};
}

Account account_from(const std::string& name) {
  const std::optional<Account> account = account_named(name);
  if (!account) throw std::invalid_argument("unknown account \"" + name + "\"");
  return *account;
}

WaitTotal wait_from(const Json& json) {
  if (json.size() != 4) throw std::invalid_argument("not a wait: " + json.dump());
  const std::string kind_name = json.at(1).get<std::string>();
  const std::optional<WaitKind> kind = wait_kind_named(kind_name);
  if (!kind) throw std::invalid_argument("unknown kind of waits \"" + kind_name + "\"");
  return {account_from(json.at(0).get<std::string>()), *kind, json.at(2).get<std::string>(),
          picoseconds(json.at(3))};
}

OperationResult operation_from(const Json& json) {
  OperationResult operation;
  operation.name = json.at("name").get<std::string>();
  operation.completed = count_from(json.at("completed"));
  operation.latency = histogram_from(json.at("latency"));
  operation.batches = batches_from(json.at("batches"));
  const BatchMeans::State& batches = operation.batches.state();
  if (operation.latency.count() > operation.completed ||
      batches.full * batches.size + batches.open_count != operation.latency.count() ||
      std::accumulate(batches.sums.begin(), batches.sums.end(), batches.open_sum) !=
          operation.latency.sum().count())
    throw std::invalid_argument("operation " + operation.name +
                                ": completed, latencies and batches contradict");
  Duration sum{};
  for (const auto& [key, total] : json.at("accounts_ps").items()) {
    operation.accounts[index(account_from(key))] = picoseconds(total);
    sum += picoseconds(total);
  }
  if (sum != operation.latency.sum())
    throw std::invalid_argument("operation " + operation.name + ": accounts sum to " +
                                std::to_string(sum.count()) + " ps, latencies to " +
                                std::to_string(operation.latency.sum().count()) + " ps");
  for (const Json& wait : json.at("waits"))
    operation.waits.push_back(wait_from(wait));
  check_waits(operation);
  return operation;
}

Json to_json_value(const Counters::Snapshot& counters) {
  Json values = Json::object(), lock_classes = Json::array();
  for (std::size_t i = 0; i < counter_count; ++i)
    values[std::string(name(Counter(i)))] = counters.values[i];
  for (const auto& [name, stats] : counters.lock_classes)
    lock_classes.push_back({{"name", name},
                            {"acquired", stats.acquired},
                            {"contended", stats.contended},
                            {"wait_ps", stats.wait.count()},
                            {"hold_ps", stats.hold.count()},
                            {"wait_max_ps", stats.wait_max.count()},
                            {"hold_max_ps", stats.hold_max.count()},
                            {"acq_bounces", stats.acq_bounces},
                            {"con_bounces", stats.con_bounces}});
  return {{"values", std::move(values)}, {"lock_classes", std::move(lock_classes)}};
}

Counters::Snapshot counters_from(const Json& json) {
  Counters::Snapshot counters;
  for (const auto& [key, value] : json.at("values").items()) {
    const std::optional<Counter> counter = counter_named(key);
    if (!counter) throw std::invalid_argument("unknown counter \"" + key + "\"");
    counters.values[index(*counter)] = count_from(value);
  }
  for (const Json& one : json.at("lock_classes"))
    counters.lock_classes.push_back({one.at("name").get<std::string>(),
                                     {count_from(one.at("acquired")), count_from(one.at("contended")),
                                      picoseconds(one.at("wait_ps")), picoseconds(one.at("hold_ps")),
                                      picoseconds(one.at("wait_max_ps")), picoseconds(one.at("hold_max_ps")),
                                      count_from(one.at("acq_bounces")), count_from(one.at("con_bounces"))}});
  return counters;
}

// Only pairs that sent: [first CPU of the group that sends, first CPU of the group that is interrupted, how
// often].
Json to_json_value(const IpiCounts& ipis) {
  Json sent = Json::array();
  for (std::uint32_t from = 0; from < ipis.groups(); ++from)
    for (std::uint32_t to = 0; to < ipis.groups(); ++to)
      if (const std::uint64_t count = ipis.at(from, to))
        sent.push_back(Json::array({from * ipis.width(), to * ipis.width(), count}));
  return {{"cpus", ipis.cpus}, {"sent", std::move(sent)}};
}

IpiCounts ipis_from(const Json& json) {
  constexpr std::uint64_t most_cpus = UINT16_MAX; // far more than any machine has
  const std::uint64_t cpus = count_from(json.at("cpus"));
  if (cpus > most_cpus) throw std::invalid_argument("not a number of CPUs: " + std::to_string(cpus));
  IpiCounts ipis{std::uint32_t(cpus)};
  const auto group_of = [&](const Json& first) {
    const std::uint64_t cpu = count_from(first);
    if (cpu >= cpus || cpu % ipis.width() != 0)
      throw std::invalid_argument("interrupts: not the first CPU of a group: " + first.dump());
    return std::uint32_t(cpu / ipis.width());
  };
  for (const Json& pair : json.at("sent")) {
    std::uint64_t& count = ipis.at(group_of(pair.at(0)), group_of(pair.at(1)));
    if (pair.size() != 3 || count != 0 || count_from(pair.at(2)) == 0)
      throw std::invalid_argument("interrupts: a pair that comes twice or sent none: " + pair.dump());
    count = count_from(pair.at(2));
  }
  return ipis;
}

} // namespace

std::string_view name(PointStatus status) { return status_names[std::size_t(status)]; }

std::string to_json(const PointResult& result) {
  Json operations = Json::array();
  for (const OperationResult& operation : result.operations)
    operations.push_back(to_json_value(operation));
  const Json json = {{"seed", result.seed},
                     {"status", name(result.status)},
                     {"message", result.message},
                     {"simulated_ps", result.simulated.count()},
                     {"measured_ps", result.measured.count()},
                     {"events", result.events},
                     {"host_seconds", result.host_seconds},
                     {"warnings", result.warnings},
                     {"operations", std::move(operations)},
                     {"counters", to_json_value(result.counters)},
                     {"whole_run", to_json_value(result.whole_run)},
                     {"ipis", to_json_value(result.ipis)}};
  // A message may quote bytes from anywhere; JSON is UTF-8.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

PointResult point_result_from_json(std::string_view text) try {
  const Json json = Json::parse(text);
  PointResult result;
  result.seed = count_from(json.at("seed"));
  result.status = status_named(json.at("status").get<std::string>());
  result.message = json.at("message").get<std::string>();
  result.simulated = picoseconds(json.at("simulated_ps"));
  result.measured = picoseconds(json.at("measured_ps"));
  result.events = count_from(json.at("events"));
  result.host_seconds = json.at("host_seconds").get<double>();
  result.warnings = json.at("warnings").get<std::vector<std::string>>();
  for (const Json& operation : json.at("operations"))
    result.operations.push_back(operation_from(operation));
  result.counters = counters_from(json.at("counters"));
  result.whole_run = counters_from(json.at("whole_run"));
  result.ipis = ipis_from(json.at("ipis"));
  if (result.ipis.cpus != 0 && result.ipis.sum() != result.counters[Counter::ipi_sent])
    throw std::invalid_argument("interrupts by pair sum to " + std::to_string(result.ipis.sum()) +
                                ", ipi_sent is " + std::to_string(result.counters[Counter::ipi_sent]));
  return result;
} catch (const Json::exception& error) {
  throw std::invalid_argument(std::string("not a point's result: ") + error.what());
}

} // namespace mmsim

#include "cli/run_book.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "cli/seeds_needed.hpp"
#include "scenarios/scenario.hpp"

namespace mmsim {

double weight_of(const Configuration& configuration) {
  const auto run = read_parameters<RunParameters>(configuration);
  const double seconds = double((run.warmup + run.duration).count()) * 1e-12;
  return double(run.cpus) * (run.operations ? double(run.operations) : seconds);
}

std::vector<SweepRun> runs_of(const SweepPlan& plan) {
  std::vector<SweepRun> runs;
  for (const SweepPoint& point : plan.points()) {
    const Configuration configuration = plan.configuration(point);
    const auto first_seed = std::uint64_t(read_parameters<RunParameters>(configuration).seed);
    const double weight = weight_of(configuration);
    for (std::int64_t k = 0; k < plan.seeds; ++k)
      runs.push_back({point, first_seed + std::uint64_t(k), weight});
  }
  std::ranges::stable_sort(runs, std::ranges::greater{}, &SweepRun::weight);
  return runs;
}

RunBook::RunBook(const SweepPlan& plan, FindRun find_run)
    : plan_(plan), find_run_(std::move(find_run)), points_(plan.size()) {
  for (const SweepRun& run : runs_of(plan)) {
    PointBook& book = points_[run.point.index];
    book.point = run.point;
    book.weight = run.weight;
    want(book, run.seed);
  }
  for (PointBook& book : points_)
    extend(book);
}

double RunBook::waiting_weight() const {
  double weight = 0;
  for (const SweepRun& run : waiting_)
    weight += run.weight;
  return weight;
}

SweepRun RunBook::take() {
  SweepRun run = std::move(waiting_.front());
  waiting_.pop_front();
  return run;
}

bool RunBook::want(PointBook& book, std::uint64_t seed) {
  ++book.wanted;
  ++total_;
  if (auto result = find_run_(book.point.index, seed)) {
    book.seeds.emplace(seed, std::move(*result));
    ++kept_;
    return false;
  }
  const auto place =
      std::ranges::upper_bound(waiting_, book.weight, std::ranges::greater{}, &SweepRun::weight);
  waiting_.insert(place, {book.point, seed, book.weight});
  return true;
}

std::size_t RunBook::extend(PointBook& book) {
  if (!plan_.seed_rule) return 0;
  while (book.seeds.size() == book.wanted && needs_another_seed(*plan_.seed_rule, results(book.point.index)))
    if (want(book, std::prev(book.seeds.end())->first + 1)) return 1;
  return 0;
}

std::size_t RunBook::finish(const SweepRun& run, PointResult result) {
  PointBook& book = points_[run.point.index];
  book.seeds.emplace(run.seed, std::move(result));
  return extend(book);
}

std::vector<PointResult> RunBook::results(std::size_t point) const {
  std::vector<PointResult> results;
  for (const auto& [seed, result] : points_[point].seeds)
    results.push_back(result);
  return results;
}

PointToRun RunBook::to_run(std::size_t point) const {
  const PointBook& book = points_[point];
  const std::size_t least = book.wanted - book.seeds.size();
  PointToRun result{book.weight, least, least, {}};
  if (least > 0 && plan_.seed_rule) result.most = std::size_t(plan_.seed_rule->max_seeds) - book.seeds.size();
  double seconds = 0;
  for (const auto& [seed, each] : book.seeds)
    seconds += each.host_seconds;
  if (!book.seeds.empty()) result.own_seconds = seconds / double(book.seeds.size());
  return result;
}

std::size_t RunBook::done() const {
  std::size_t done = 0;
  for (const PointBook& book : points_)
    for (const auto& [seed, result] : book.seeds)
      done += result.status != PointStatus::failed;
  return done;
}

} // namespace mmsim

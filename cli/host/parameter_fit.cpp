#include "cli/host/parameter_fit.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <spdlog/fmt/fmt.h>

namespace mmsim::host {
namespace {

using Vector = std::vector<double>;
using Matrix = std::vector<Vector>;

constexpr int least_steps = 3, most_steps = 6, step_of_new_slopes = 2;
constexpr double close_enough = 0.003; // of what was measured
/// How much larger a parameter is made to see what it does.
double step_of(double ns) { return std::max(4.0, ns / 4); }

/// Solves a * x = b by elimination with the largest pivot. An unknown that nothing depends on stays 0.
Vector solve(Matrix a, Vector b) {
  const std::size_t n = b.size();
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i)
      if (std::abs(a[i][k]) > std::abs(a[pivot][k])) pivot = i;
    std::swap(a[k], a[pivot]);
    std::swap(b[k], b[pivot]);
    if (std::abs(a[k][k]) < 1e-9) continue;
    for (std::size_t i = k + 1; i < n; ++i) {
      const double factor = a[i][k] / a[k][k];
      for (std::size_t j = k; j < n; ++j)
        a[i][j] -= factor * a[k][j];
      b[i] -= factor * b[k];
    }
  }
  Vector x(n, 0);
  for (std::size_t k = n; k-- > 0;) {
    if (std::abs(a[k][k]) < 1e-9) continue;
    double rest = b[k];
    for (std::size_t j = k + 1; j < n; ++j)
      rest -= a[k][j] * x[j];
    x[k] = rest / a[k][k];
  }
  return x;
}

class Search {
 public:
  Search(const std::vector<FitTarget>& targets, const std::vector<std::string>& settings,
         const Simulator& simulator)
      : targets_(targets), settings_(settings), simulator_(simulator) {
    for (const FitTarget& target : targets)
      if (std::ranges::find(workloads_, target.from.workload) == workloads_.end())
        workloads_.push_back(target.from.workload);
  }

  /// What each target's operation takes at each of these points, simulated all together.
  Matrix answers(const Matrix& points) const {
    std::vector<SimulatedWorkload> simulations;
    for (const Vector& point : points) {
      std::vector<std::string> settings = settings_;
      for (std::size_t j = 0; j < targets_.size(); ++j)
        settings.push_back(setting_of(targets_[j].path, point[j]));
      for (const KernelWorkload& workload : workloads_)
        simulations.push_back({workload, settings});
    }
    const SimulatedTimes times = simulator_(simulations);
    Matrix result;
    for (std::size_t p = 0; p < points.size(); ++p)
      result.push_back(of_targets(times, p * workloads_.size()));
    return result;
  }

  /// slopes[i][j]: of operation i against parameter j, at `point`, where the answers are `here`.
  Matrix slopes(const Vector& point, const Vector& here) const {
    Matrix points;
    for (std::size_t j = 0; j < point.size(); ++j) {
      points.push_back(point);
      points.back()[j] += step_of(point[j]);
    }
    const Matrix there = answers(points);
    Matrix result(point.size(), Vector(point.size()));
    for (std::size_t i = 0; i < point.size(); ++i)
      for (std::size_t j = 0; j < point.size(); ++j)
        result[i][j] = (there[j][i] - here[i]) / step_of(point[j]);
    return result;
  }

  /// The next point. `given_up` becomes those that would be negative.
  Vector next(const Vector& point, const Vector& here, const Matrix& slopes,
              std::vector<bool>& given_up) const {
    given_up.assign(point.size(), false);
    for (;;) {
      const Vector moves = solve(held(slopes, given_up), wanted(point, here, given_up));
      std::size_t worst = point.size();
      for (std::size_t j = 0; j < point.size(); ++j)
        if (!given_up[j] && point[j] + moves[j] < 0 &&
            (worst == point.size() || point[j] + moves[j] < point[worst] + moves[worst]))
          worst = j;
      if (worst == point.size()) {
        Vector moved = point;
        for (std::size_t j = 0; j < point.size(); ++j)
          moved[j] = std::max(0.0, point[j] + moves[j]);
        return moved;
      }
      given_up[worst] = true;
    }
  }

  /// How far the worst answer is off, as a share of what was measured. Of a parameter that is given up the model may
  /// well take longer than the machine, but not less long: then it should not have been.
  double off(const Vector& here, const std::vector<bool>& given_up) const {
    double worst = 0;
    for (std::size_t i = 0; i < here.size(); ++i) {
      const double error = here[i] / targets_[i].measured_ns - 1;
      worst = std::max(worst, given_up[i] ? -error : std::abs(error));
    }
    return worst;
  }

 private:
  Vector of_targets(const SimulatedTimes& times, std::size_t first) const {
    Vector result;
    for (const FitTarget& target : targets_) {
      const auto workload =
          std::size_t(std::ranges::find(workloads_, target.from.workload) - workloads_.begin());
      const std::vector<std::string> names = operations_of(target.from.workload.kind);
      const auto name = std::size_t(std::ranges::find(names, target.from.operation) - names.begin());
      if (name == names.size())
        throw std::logic_error("a workload has no operation " + target.from.operation);
      result.push_back(times.at(first + workload).at(name));
    }
    return result;
  }
  /// Of a parameter that is given up the row says: it goes to 0.
  static Matrix held(Matrix slopes, const std::vector<bool>& given_up) {
    for (std::size_t i = 0; i < slopes.size(); ++i)
      if (given_up[i]) {
        std::ranges::fill(slopes[i], 0);
        slopes[i][i] = 1;
      }
    return slopes;
  }
  Vector wanted(const Vector& point, const Vector& here, const std::vector<bool>& given_up) const {
    Vector result;
    for (std::size_t i = 0; i < point.size(); ++i)
      result.push_back(given_up[i] ? -point[i] : targets_[i].measured_ns - here[i]);
    return result;
  }

  const std::vector<FitTarget>& targets_;
  const std::vector<std::string>& settings_;
  const Simulator& simulator_;
  std::vector<KernelWorkload> workloads_;
};

} // namespace

std::string setting_of(const std::string& path, double ns) {
  return fmt::format("{}={:.3f} ns", path, std::max(shortest_ns, ns));
}

bool FittedParameter::missed() const {
  return std::abs(simulated_ns - measured_ns) > fit_tolerance * measured_ns;
}

std::vector<FittedParameter> fit_parameters(const std::vector<FitTarget>& targets,
                                            const std::vector<std::string>& settings,
                                            const Simulator& simulator, const Budget& budget) {
  if (targets.empty()) return {};
  const double seconds = budget.left();
  const Search search(targets, settings, simulator);
  Vector point;
  for (const FitTarget& target : targets)
    point.push_back(target.start_ns);
  std::vector<bool> given_up(targets.size(), false);
  Vector here = search.answers({point}).front();
  Matrix slopes = search.slopes(point, here);
  struct {
    Vector point, here;
    std::vector<bool> given_up;
    double off;
  } best{point, here, given_up, search.off(here, given_up)};
  for (int step = 0; step < most_steps && best.off > close_enough && (step < least_steps || !budget.over());
       ++step) {
    if (step == step_of_new_slopes && budget.left() > seconds / 2) slopes = search.slopes(point, here);
    point = search.next(point, here, slopes, given_up);
    here = search.answers({point}).front();
    if (const double off = search.off(here, given_up); off < best.off) best = {point, here, given_up, off};
  }
  std::vector<FittedParameter> result;
  for (std::size_t i = 0; i < targets.size(); ++i)
    result.push_back(
        {best.point[i], slopes[i][i], best.here[i], bool(best.given_up[i]), targets[i].measured_ns});
  return result;
}

} // namespace mmsim::host

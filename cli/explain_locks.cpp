#include "cli/explain_locks.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>

namespace mmsim {
namespace {

// Without --locks. What waited most is what a reader looks for.
constexpr std::size_t most_lock_tables = 6, most_lock_classes = 5;

struct PlaceInSeries {
  const Series* series;
  const Findings::Point* point;
  double waited_ns = 0; // on all locks together
};

/// The points whose locks are shown, in the order of the series.
std::vector<PlaceInSeries> places_of_locks(const std::vector<Series>& all, bool every_point) {
  std::vector<PlaceInSeries> places;
  for (const Series& series : all)
    for (const Findings::Point* point : series.points) {
      const bool at_an_end = point == series.points.front() || point == series.points.back();
      if (point->locks.empty() || !(every_point || at_an_end)) continue;
      double waited = 0;
      for (const LockStat& one : point->locks)
        waited += one.wait_ns;
      places.push_back({&series, point, waited});
    }
  if (every_point || places.size() <= most_lock_tables) return places;
  std::vector<double> waits;
  for (const PlaceInSeries& place : places)
    waits.push_back(place.waited_ns);
  std::ranges::nth_element(waits, waits.begin() + most_lock_tables - 1, std::ranges::greater{});
  std::size_t shown = 0;
  std::erase_if(places, [&, least = waits[most_lock_tables - 1]](const PlaceInSeries& place) {
    return place.waited_ns < least || ++shown > most_lock_tables;
  });
  return places;
}

} // namespace

std::string explained_locks(const Findings& findings, const std::vector<Series>& all, bool everything,
                            LockStatTable& table, const Terminal& terminal) {
  std::string result;
  const auto main = findings.main_axis();
  for (const PlaceInSeries& place : places_of_locks(all, everything)) {
    const std::string text = table.text(place.point->locks, 2, everything ? SIZE_MAX : most_lock_classes);
    if (text.empty()) continue;
    const std::string at =
        main ? "  " + findings.axes[*main].path + '=' + place.point->values[*main] : std::string();
    result += heading(title_of(findings, *place.series, "locks" + at), terminal) + text + '\n';
  }
  return result;
}

} // namespace mmsim

#include "cli/bottleneck.hpp"

#include <algorithm>
#include <vector>

#include "cli/time_parts.hpp"

namespace mmsim {

std::optional<Bottleneck> bottleneck_of(const Findings::Operation& operation) {
  std::vector<Bottleneck> all; // in the order of the tables, which decides between equals
  for (const TimePart& part : parts_of(operation)) {
    std::string name = name_of(part);
    auto known = std::ranges::find(all, name, &Bottleneck::name);
    if (known == all.end()) known = all.insert(all.end(), {std::move(name), 0, 0});
    known->mean_ns += part.mean_ns;
  }
  const auto largest = std::ranges::max_element(all, {}, &Bottleneck::mean_ns);
  if (largest == all.end() || largest->mean_ns <= 0 || operation.mean_ns <= 0) return std::nullopt;
  largest->share = largest->mean_ns / operation.mean_ns;
  return *largest;
}

} // namespace mmsim

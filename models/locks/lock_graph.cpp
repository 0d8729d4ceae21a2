#include "models/locks/lock_graph.hpp"

#include <algorithm>
#include <stdexcept>

namespace mmsim {

void LockGraph::too_many() {
  throw std::logic_error(
      "lockdep has no room for so many lock classes or subclasses: raise LockGraph::nodes, or `subclasses`");
}

void LockGraph::add(Edge edge) {
  (*known_)[edge.kind][edge.from].set(edge.to);
  edges_.push_back(std::move(edge));
}

// Breadth first. A step is the edge that led to a node and the step before it; a node counts twice, as
// reached by a recursive reader and otherwise, because other edges go on from there.
std::vector<const LockGraph::Edge*> LockGraph::path(std::uint16_t start, bool recursive,
                                                    const Wanted& wanted) const {
  struct Step {
    const Edge* edge;
    std::size_t before;
    std::uint16_t node;
    bool recursive;
  };
  std::vector<Step> steps{{nullptr, 0, start, recursive}};
  std::array<std::bitset<nodes>, 2> seen;
  for (std::size_t at = 0; at < steps.size(); ++at) {
    const Step here = steps[at];
    for (const Edge& edge : edges_) {
      if (edge.from != here.node || (here.recursive && edge.from_shared())) continue;
      if (seen[edge.to_recursive()][edge.to]) continue;
      seen[edge.to_recursive()].set(edge.to);
      steps.push_back({&edge, at, edge.to, edge.to_recursive()});
      if (!wanted(edge.to, edge.to_recursive())) continue;
      std::vector<const Edge*> way;
      for (std::size_t i = steps.size() - 1; i != 0; i = steps[i].before)
        way.push_back(steps[i].edge);
      std::ranges::reverse(way);
      return way;
    }
  }
  return {};
}

} // namespace mmsim

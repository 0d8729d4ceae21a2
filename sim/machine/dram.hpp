// Memory bandwidth: a node serves page-sized transfers of all cores one after the other.
#pragma once

#include "sim/engine/strong_int.hpp"
#include "sim/engine/units.hpp"
#include "sim/machine/core.hpp"

#include <algorithm>
#include <vector>

namespace mmsim {

class Dram {
 public:
  Dram(std::uint32_t nodes, BytesPerSecond node_bandwidth)
      : busy_until_(nodes), picoseconds_per_byte_(1e12 / node_bandwidth.value()) {}

  /// The core moves `bytes`, at most a page, to or from `node`; alone it would take `alone`. It takes as long
  /// as the node needs, if that is longer. Settles first: the node sees requests in the order of their
  /// instants.
  void transfer(Core& core, NodeId node, std::uint64_t bytes, Duration alone, Account account) {
    core.settle();
    core.charge(std::max(alone, book(core, node, bytes)), account);
  }
  /// The same from one node to another, which both serve it at the same time. A node that moves nothing of it is left
  /// alone.
  void transfer(Core& core, NodeId from, std::uint64_t bytes_from, NodeId to, std::uint64_t bytes_to,
                Duration alone, Account account) {
    core.settle();
    const Duration read = bytes_from != 0 ? book(core, from, bytes_from) : Duration{};
    const Duration written = bytes_to != 0 ? book(core, to, bytes_to) : Duration{};
    core.charge(std::max({alone, read, written}), account);
  }

 private:
  // How long until the node has served it, after all that was asked of it before.
  Duration book(const Core& core, NodeId node, std::uint64_t bytes) {
    const Duration service(
        static_cast<std::int64_t>(static_cast<double>(bytes) * picoseconds_per_byte_ + 0.5));
    Instant& busy = busy_until_[node.value()];
    busy = std::max(busy, core.now()) + service;
    return busy - core.now();
  }

  std::vector<Instant> busy_until_;
  double picoseconds_per_byte_;
};

} // namespace mmsim

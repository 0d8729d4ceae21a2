// Where the cores are: sockets of dies of clusters of cores, as SimGrid net zones, hosts and links.
//
// Places are numbered through cluster by cluster, die by die, socket by socket, so every zone is an interval
// of places. Cores have the number of their place (machine.numbering = "compact"), or are numbered as Linux
// numbers x86 hyperthreads ("threads_last": the first core of every cluster, then the second of every
// cluster, and so on). Every zone has one link to its parent; the latency of a SimGrid route between two
// cores is the time that a message needs between them. Since all clusters, dies and sockets are alike, five
// routes stand for all pairs, one for each level at which two cores meet; `tests/formula` compares all pairs
// with SimGrid's routes on a small machine.
#pragma once

#include "sim/engine/engine.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/engine/strong_int.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace mmsim {

/// The level of the smallest zone that holds both cores.
enum class Distance : std::uint8_t { self, cluster, die, socket, system };
inline constexpr std::size_t distance_count = 5;

struct TopologyParameters {
  std::int64_t sockets, dies_per_socket, clusters_per_die, cores_per_cluster;
  Duration cluster, die, socket, system;
  std::string numbering;

  static void declare(Declaration& d, TopologyParameters& p) {
    d("machine.sockets", p.sockets, 1, "sockets of the machine; each has memory of its own")
        .at_least(1)
        .at_most(64);
    d("machine.dies_per_socket", p.dies_per_socket, 1, "dies in a socket").at_least(1).at_most(64);
    d("machine.clusters_per_die", p.clusters_per_die, 1, "clusters in a die").at_least(1).at_most(1024);
    d("machine.cores_per_cluster", p.cores_per_cluster, 4, "cores in a cluster").at_least(1).at_most(1024);
    d("machine.interconnect.cluster", p.cluster, "10 ns", "one way between two cores of a cluster",
      "estimate: two thirds of a Kunpeng 920 same-cluster CAS (34.5 ns, core-to-core-latency) is tag "
      "look-up");
    d("machine.interconnect.die", p.die, "15 ns", "one way between two clusters of a die",
      "estimate: mesh of a few hops at 1.5 to 2 ns a hop");
    d("machine.interconnect.socket", p.socket, "55 ns", "one way between two dies of a socket",
      "estimate: Kunpeng 920 other-die CAS (80.5 ns) less the look-up");
    d("machine.interconnect.system", p.system, "150 ns", "one way between two sockets",
      "estimate: about a socket's die-to-die distance plus a serial link of 80 to 100 ns");
    d("machine.numbering", p.numbering, "compact",
      "how cores are numbered: through cluster by cluster (compact), or the first of every cluster, then "
      "the second of every cluster (threads_last)",
      "Linux on Arm numbers through; on x86 the second hyperthreads of all cores come last")
        .one_of({"compact", "threads_last"});
  }
};
inline const DeclareParameters<TopologyParameters> declared_topology_parameters;

class Topology {
 public:
  /// Builds the zones below the engine's root zone. Throws InputError for a machine of over 1024 cores and
  /// for latencies that shrink with distance.
  Topology(Engine& engine, const TopologyParameters& parameters);

  std::uint32_t cores() const { return cores_; }
  std::uint32_t sockets() const { return sockets_; }
  NodeId node_of(CoreId core) const { return NodeId(zones_[place(core).value()].socket); }

  PlaceId place(CoreId core) const {
    const std::uint32_t n = core.value();
    return PlaceId(clusters_ == 0 ? n : n % clusters_ * cores_per_cluster_ + n / clusters_);
  }
  std::uint32_t dies() const { return cores_ / cores_per_die_; }
  std::uint32_t die_of(PlaceId place) const { return zones_[place.value()].die; }
  std::uint32_t cores_per_die() const { return cores_per_die_; }

  Distance distance(PlaceId a, PlaceId b) const {
    if (a == b) return Distance::self;
    const Zones x = zones_[a.value()], y = zones_[b.value()];
    if (x.cluster == y.cluster) return Distance::cluster;
    if (x.die == y.die) return Distance::die;
    return x.socket == y.socket ? Distance::socket : Distance::system;
  }
  Distance distance(CoreId a, CoreId b) const { return distance(place(a), place(b)); }
  /// One-way latency between cores at that distance, from SimGrid's routes.
  Duration latency(Distance distance) const { return latency_[static_cast<std::size_t>(distance)]; }
  Duration latency(PlaceId a, PlaceId b) const { return latency(distance(a, b)); }
  Duration latency(CoreId a, CoreId b) const { return latency(distance(a, b)); }
  /// The latency between the farthest cores of a die.
  Duration within_die() const { return std::max(latency(Distance::cluster), latency(Distance::die)); }
  /// The latency of SimGrid's route between these two cores: slow, for tests.
  Duration route_latency(CoreId a, CoreId b) const;

 private:
  Duration route_latency(PlaceId a, PlaceId b) const;

  /// Those of a place, of all in the machine: looked up, since divisions cost more than all else in a miss.
  struct Zones {
    std::uint16_t cluster, die, socket;
  };

  std::uint32_t cores_, sockets_, cores_per_cluster_, cores_per_die_, cores_per_socket_;
  std::uint32_t clusters_ = 0; // of the machine, where cores are not numbered by place; else 0
  std::vector<Zones> zones_;   // by place
  std::array<Duration, distance_count> latency_{};
};

} // namespace mmsim

#include "sim/machine/topology.hpp"

#include "sim/engine/simgrid_world.hpp"
#include "sim/machine/core_set.hpp"

#include <cmath>
#include <simgrid/kernel/routing/NetPoint.hpp>
#include <simgrid/s4u.hpp>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

namespace {

constexpr double unlimited_bandwidth = 1e18; // messages are latency; bandwidth that matters is Dram's

std::string host_name(std::uint32_t place) { return fmt::format("place {}", place); }

// A zone's link to its parent: half of what a route gains by going through this level, since it is crossed
// twice.
double half_in_simgrid_seconds(Duration gain) { return nanoseconds(gain) / 2.0; }

void attach(simgrid::s4u::NetZone* parent, simgrid::s4u::NetZone* child,
            simgrid::kernel::routing::NetPoint* gateway, const std::string& name, double latency) {
  auto* link = parent->create_link(name + " link", unlimited_bandwidth)->set_latency(latency)->seal();
  parent->add_route(child->get_netpoint(), nullptr, gateway, nullptr, {simgrid::s4u::LinkInRoute(link)},
                    true);
}

// Where routes enter and leave a zone of zones. The router stands in a zone of its own: SimGrid (3.32) takes
// the way from a core to a router directly in an enclosing zone for one within that zone, and leaves out the
// links below it.
simgrid::kernel::routing::NetPoint* gateway(simgrid::s4u::NetZone* zone, const std::string& name) {
  auto* own = simgrid::s4u::create_star_zone("gateway of " + name)->set_parent(zone);
  auto* router = own->create_router("router of " + name);
  own->seal();
  zone->add_route(own->get_netpoint(), nullptr, router, nullptr, std::vector<simgrid::s4u::LinkInRoute>{},
                  true);
  return router;
}

} // namespace

Topology::Topology(Engine& engine, const TopologyParameters& p)
    : sockets_(static_cast<std::uint32_t>(p.sockets)),
      cores_per_cluster_(static_cast<std::uint32_t>(p.cores_per_cluster)),
      cores_per_die_(cores_per_cluster_ * static_cast<std::uint32_t>(p.clusters_per_die)),
      cores_per_socket_(cores_per_die_ * static_cast<std::uint32_t>(p.dies_per_socket)) {
  const std::int64_t total = p.sockets * p.dies_per_socket * p.clusters_per_die * p.cores_per_cluster;
  if (total > static_cast<std::int64_t>(CoreSet::max_cores))
    throw InputError(
        fmt::format("a machine of {} cores: at most {} can be simulated", total, CoreSet::max_cores));
  cores_ = static_cast<std::uint32_t>(total);
  for (std::uint32_t place = 0; place < cores_; ++place)
    zones_.push_back({static_cast<std::uint16_t>(place / cores_per_cluster_),
                      static_cast<std::uint16_t>(place / cores_per_die_),
                      static_cast<std::uint16_t>(place / cores_per_socket_)});
  if (p.numbering != "compact") clusters_ = cores_ / cores_per_cluster_;
  const std::array<Duration, distance_count> wanted{Duration{}, p.cluster, p.die, p.socket, p.system};
  for (std::size_t level = 1; level < distance_count; ++level)
    if (wanted[level] < wanted[level - 1])
      throw InputError(
          "machine.interconnect: cluster <= die <= socket <= system is needed: nothing is nearer "
          "in a larger zone");

  using simgrid::s4u::create_star_zone;
  auto& root = engine.world().root();
  std::uint32_t core = 0;
  for (std::uint32_t s = 0; s < sockets_; ++s) {
    auto* socket = create_star_zone(fmt::format("socket {}", s))->set_parent(&root);
    auto* socket_router = gateway(socket, fmt::format("socket {}", s));
    for (std::int64_t d = 0; d < p.dies_per_socket; ++d) {
      const std::string die_name = fmt::format("die {}.{}", s, d);
      auto* die = create_star_zone(die_name)->set_parent(socket);
      auto* die_router = gateway(die, die_name);
      for (std::int64_t c = 0; c < p.clusters_per_die; ++c) {
        const std::string cluster_name = fmt::format("cluster {}.{}.{}", s, d, c);
        auto* cluster = create_star_zone(cluster_name)->set_parent(die);
        auto* cluster_router = cluster->create_router("router of " + cluster_name);
        for (std::int64_t i = 0; i < p.cores_per_cluster; ++i, ++core) {
          auto* host = cluster->create_host(host_name(core), 1.0);
          auto* link = cluster->create_link(host_name(core) + " link", unlimited_bandwidth)
                           ->set_latency(half_in_simgrid_seconds(p.cluster))
                           ->seal();
          cluster->add_route(host->get_netpoint(), nullptr, nullptr, nullptr,
                             {simgrid::s4u::LinkInRoute(link)}, true);
        }
        cluster->seal();
        attach(die, cluster, cluster_router, cluster_name, half_in_simgrid_seconds(p.die - p.cluster));
      }
      die->seal();
      attach(socket, die, die_router, die_name, half_in_simgrid_seconds(p.socket - p.die));
    }
    socket->seal();
    attach(&root, socket, socket_router, fmt::format("socket {}", s),
           half_in_simgrid_seconds(p.system - p.socket));
  }

  const std::array<std::uint32_t, distance_count> partner{0, 1, cores_per_cluster_, cores_per_die_,
                                                          cores_per_socket_};
  for (std::size_t level = 1; level < distance_count; ++level)
    if (partner[level] < cores_ && distance(PlaceId(0), PlaceId(partner[level])) ==
                                       static_cast<Distance>(level)) // else nobody is that far
      latency_[level] = route_latency(PlaceId(0), PlaceId(partner[level]));
}

Duration Topology::route_latency(CoreId a, CoreId b) const { return route_latency(place(a), place(b)); }

Duration Topology::route_latency(PlaceId a, PlaceId b) const {
  if (a == b) return Duration{};
  const auto* engine = simgrid::s4u::Engine::get_instance();
  std::vector<simgrid::s4u::Link*> links;
  double latency = 0;
  engine->host_by_name(host_name(a.value()))
      ->route_to(engine->host_by_name(host_name(b.value())), links, &latency);
  return Duration(std::llround(latency * 1000.0));
}

} // namespace mmsim

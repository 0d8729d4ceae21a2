// Which lock is taken while which is held: lockdep's graph of classes.
//
//   if (!graph.knows(from, to, kind))                     // one bit: almost always known
//     if (auto way = graph.path(to, ..., is_from); !way.empty()) ... // an inversion
//
// A node is a class with a subclass. An edge says that `to` was waited for while `from` was held, and keeps
// who did so first, for reports. Models check_noncircular() and the strong paths of kernel/locking/lockdep.c,
// 5.10: an edge that ends with a recursive reader is followed only by edges that begin with a writer, since
// such a reader does not wait for readers.
#pragma once

#include "models/locks/lock_observer.hpp"

#include <array>
#include <bitset>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mmsim {

class LockGraph {
 public:
  static constexpr std::size_t subclasses = 8; // MAX_LOCKDEP_SUBCLASSES
  static constexpr std::size_t nodes = 512;    // so that a row of bits is a cache line of the host
  /// Not a lock: a core with its irqs off. Who waits for cores waits for it; who spins with irqs off holds it.
  static constexpr std::uint16_t irqs_off = nodes - 1;

  /// Throws std::logic_error if there are more classes or subclasses than nodes for them.
  static std::uint16_t node_of(const LockRequest& request) {
    const std::size_t lock_class = static_cast<std::size_t>(request.lock_class);
    if (lock_class >= nodes / subclasses - 1 || request.subclass >= subclasses) [[unlikely]]
      too_many();
    return static_cast<std::uint16_t>(lock_class * subclasses + request.subclass);
  }
  static LockClassId class_of(std::uint16_t node) { return static_cast<LockClassId>(node / subclasses); }

  /// How a held lock and the one that is asked for meet: one of four.
  static unsigned kind_of(LockMode held, LockMode asked) {
    return 2u * (held != LockMode::exclusive) + (asked == LockMode::recursive);
  }

  struct Edge {
    std::uint16_t from, to;
    unsigned kind;
    std::string who; ///< "cpu 3, task 7 (munmap)"
    Instant held_since, asked_at;
    const char* what; ///< what waits for cores, where `to` is irqs_off
    bool from_shared() const { return kind & 2u; }
    bool to_recursive() const { return kind & 1u; }
  };

  bool knows(std::uint16_t from, std::uint16_t to, unsigned kind) const { return (*known_)[kind][from][to]; }
  /// Only for an edge that is not known.
  void add(Edge edge);

  /// A shortest strong path of at least one edge from `start` to a node that `wanted` accepts; empty if there
  /// is none. `recursive`: the way into `start` ends with a recursive reader. The same is told of the node at
  /// the end.
  using Wanted = std::function<bool(std::uint16_t node, bool recursive)>;
  std::vector<const Edge*> path(std::uint16_t start, bool recursive, const Wanted& wanted) const;

 private:
  [[noreturn]] static void too_many();

  using Rows = std::array<std::bitset<nodes>, nodes>;
  std::unique_ptr<std::array<Rows, 4>> known_ = std::make_unique<std::array<Rows, 4>>();
  std::vector<Edge> edges_;
};

} // namespace mmsim

// SimGrid's side of the engine: the platform, the clock that the world sees, and requests to its devices.
// The only headers outside the .cpp files of sim/ that know SimGrid are the ones under sim/engine and
// sim/machine that include this one's implementation; models and scenarios see Device and Topology only.
#pragma once

#include "sim/engine/time.hpp"

#include <memory>

namespace simgrid::s4u {
class NetZone;
class Disk;
class Engine;
} // namespace simgrid::s4u

namespace mmsim {

class Engine;
class Fiber;

class SimGridWorld {
 public:
  explicit SimGridWorld(Engine& engine);
  ~SimGridWorld();

  /// The root zone; the machine's topology hangs below it. Sealed by run().
  simgrid::s4u::NetZone& root();
  simgrid::s4u::Engine& simgrid();

  /// The running fiber asks `disk` for `bytes` (already scaled, see Device) and is resumed by the completion.
  void transfer(simgrid::s4u::Disk& disk, std::uint64_t scaled_bytes, bool write);

  void run();

 private:
  class MemoryModel;
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace mmsim

// A storage device: a SimGrid disk that shares its bandwidth among the requests in flight, behind a fixed
// latency.
#pragma once

#include "sim/engine/engine.hpp"
#include "sim/engine/units.hpp"

#include <string>

namespace simgrid::s4u {
class Disk;
}

namespace mmsim {

class Device {
 public:
  struct Speed {
    BytesPerSecond read;
    BytesPerSecond write;
    Duration latency; ///< from request to first byte; latencies of several requests overlap
  };
  /// Before the engine runs.
  Device(Engine& engine, const std::string& name, Speed speed);

  /// The running fiber waits until `bytes` have come or gone. Latency first, then a share of the bandwidth.
  void read(Bytes bytes) { transfer(bytes, false); }
  void write(Bytes bytes) { transfer(bytes, true); }

 private:
  void transfer(Bytes bytes, bool write);
  Engine& engine_;
  Speed speed_;
  simgrid::s4u::Disk* disk_;
};

} // namespace mmsim

#include "sim/engine/device.hpp"

#include "sim/engine/simgrid_world.hpp"

#include <cstdint>
#include <simgrid/s4u.hpp>
#include <stdexcept>

namespace mmsim {

namespace {
// SimGrid's disk rounds the bytes done at every engine step to whole ones; with bytes and bandwidth scaled up
// alike, the rounding falls below a picosecond (ENGINE.md: a lone 4.096 us read took 44.1 us beside a fiber
// stepping 0.4 ns).
constexpr std::uint64_t scale = std::uint64_t{1} << 30;
constexpr double seconds_per_simgrid_second = 1e-9;
} // namespace

Device::Device(Engine& engine, const std::string& name, Speed speed) : engine_(engine), speed_(speed) {
  auto* host = engine.world().root().create_host(name + " host", 1.0);
  const double factor = seconds_per_simgrid_second * static_cast<double>(scale);
  disk_ = host->create_disk(name, speed.read.value() * factor, speed.write.value() * factor);
  disk_->seal();
  host->seal();
}

void Device::transfer(Bytes bytes, bool write) {
  if (bytes.value() > UINT64_MAX / scale)
    throw std::invalid_argument("a request of " + to_text(bytes) +
                                ": a device carries less than 16 GiB at once");
  engine_.wait_until(engine_.now() + speed_.latency);
  engine_.world().transfer(*disk_, bytes.value() * scale, write);
}

} // namespace mmsim

// The disk below the page cache: requests go out, an interrupt comes back.
//
//   struct Read final : BlockRequest { void end_io(Core& core) override { ... wake who waits ... } };
//   disk.submit_read(core, read, Bytes(4096));   // returns at once
//
// Models a queue a CPU and an interrupt that comes to the CPU that asked (blk-mq, completion by rq_affinity =
// 1) as far as time goes: machine.work.io_submit on the core that asks; machine.disk.latency and a share of
// machine.disk.read_bandwidth (sim/engine/device.hpp); then a device interrupt on that core, whose handler
// ends all requests that have come back to it, at machine.work.io_complete each. 2.6.24 did likewise with one
// queue.
//
// Left out: plugging, merging and scheduling of requests; a queue's depth; writes.
#pragma once

#include "sim/engine/device.hpp"
#include "sim/machine/interrupt.hpp"
#include "sim/machine/machine.hpp"

#include <deque>
#include <memory>
#include <vector>

namespace mmsim {

/// struct request. Its owner keeps it until end_io().
class BlockRequest {
 public:
  virtual ~BlockRequest() = default;
  /// The device has done it: in the interrupt handler of `core`.
  virtual void end_io(Core& core) = 0;
};

class BlockDevice final : private InterruptHandler {
 public:
  /// Before the engine runs.
  explicit BlockDevice(Machine& machine);

  /// submit_bio() of a read.
  void submit_read(Core& core, BlockRequest& request, Bytes bytes);

  std::uint64_t reads() const { return reads_; }

 private:
  /// A request on its way: a fiber that waits for the device.
  struct Channel {
    Fiber* fiber = nullptr;
    BlockRequest* request = nullptr;
    CoreId from{};
    Bytes bytes;
  };
  void carry(Channel& channel);
  void handle(Core& core) override;

  Machine& machine_;
  Device device_;
  std::deque<Channel> channels_; // all that were ever needed at once
  std::vector<Channel*> idle_;
  std::vector<std::vector<BlockRequest*>> completed_; // by core: back from the device, not ended
  std::uint64_t reads_ = 0;
};

} // namespace mmsim

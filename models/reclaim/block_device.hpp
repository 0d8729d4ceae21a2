// Block devices: requests go out, an interrupt comes back.
//
//   struct Read final : BlockRequest { void end_io(Core& core, bool failed) override { ... } };
//   BlockLayer block(machine);                             // one for all devices
//   BlockDevice disk(block, "disk", speed, 0, 32);         // before the engine runs
//   disk.submit(core, read, Transfer::read, Bytes(4096));  // returns at once
//
// Models a queue a CPU and an interrupt that comes to the CPU that asked (blk-mq, completion by rq_affinity =
// 1) as far as time goes: machine.work.io_submit on the core that asks; the device's latency and a share of
// its bandwidth (sim/engine/device.hpp); then a device interrupt on that core, whose handler ends all
// requests that have come back to it, from whichever device, at machine.work.io_complete each. 2.6.24 did
// likewise with one queue.
//
// A device works on `queue_depth` requests at a time; the others wait for their turn in the order in which they were
// asked, and their latency begins when the device takes them. It shares its bandwidth among those that it has.
//
// A device fails every n-th request that it is asked (`fail_every`; 0: none), after as long as it would have
// taken. So a failing run is as reproducible as any other.
//
// A queue is congested with writes from 113 of 128 requests on until fewer than 103 are left
// (blk_queue_congestion_threshold() of 2.6.24): who waits for that is congestion.hpp's.
//
// Left out: plugging, merging and scheduling of requests (who has neighbouring pages asks for them at once);
// retries; who asks never waits in submit(), however long the queue; who writes back or out waits for room before
// (kernel.nr_requests, which the thresholds of congestion do not follow).
#pragma once

#include "sim/engine/device.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/machine/interrupt.hpp"
#include "sim/machine/machine.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace mmsim {

/// Failures on request. Speeds: machine.disk.* in the cost book, machine.swap.* with the swap areas.
struct DeviceFailureParameters {
  std::int64_t disk, swap;
  static void declare(Declaration& d, DeviceFailureParameters& p);
};
inline const DeclareParameters<DeviceFailureParameters> declared_device_failure_parameters;

/// How many requests a device takes.
struct RequestQueueParameters {
  std::int64_t nr_requests;
  static void declare(Declaration& d, RequestQueueParameters& p);
};
inline const DeclareParameters<RequestQueueParameters> declared_request_queue_parameters;

enum class Transfer : std::uint8_t { read, write };

/// struct request. Its owner keeps it until end_io().
class BlockRequest {
 public:
  virtual ~BlockRequest() = default;
  /// The device has done it, or failed to: in the interrupt handler of `core`.
  virtual void end_io(Core& core, bool failed) = 0;
};

/// What all devices of a machine share: the way back to the core that asked.
class BlockLayer final : private InterruptHandler {
 public:
  explicit BlockLayer(Machine& machine);
  Machine& machine() { return machine_; }
  /// clear_queue_congested(): how often a device's queue of writes was congested, and then no longer.
  std::uint64_t congestions_over() const { return congestions_over_; }

 private:
  friend class BlockDevice;
  struct Completed {
    BlockRequest* request;
    bool failed;
  };
  void complete(CoreId from, Completed completed);
  void handle(Core& core) override;

  Machine& machine_;
  std::vector<std::deque<Completed>> completed_; // by core: back from a device, not ended
  std::uint64_t congestions_over_ = 0;
};

class BlockDevice final {
 public:
  /// `name` is its own among all devices. Before the engine runs.
  BlockDevice(BlockLayer& block, std::string name, Device::Speed speed, std::int64_t fail_every,
              std::int64_t queue_depth = ncq_depth);

  /// submit_bio(). Counts whole pages.
  void submit(Core& core, BlockRequest& request, Transfer transfer, Bytes bytes);

  const std::string name;
  /// Whom those wait for who wait for it.
  const WaitId wait_id;
  /// Requests since the start, failed ones included.
  std::uint64_t reads() const { return asked_[0]; }
  std::uint64_t writes() const { return asked_[1]; }
  /// Requests that have been submitted and are not back yet.
  std::uint64_t in_flight(Transfer transfer) const { return in_flight_[static_cast<std::size_t>(transfer)]; }

 private:
  struct Asked {
    BlockRequest* request = nullptr;
    CoreId from{};
    Bytes bytes;
    Transfer transfer{};
    bool fails = false;
  };
  /// A request that the device has taken: a fiber that waits for it.
  struct Channel : Asked {
    Fiber* fiber = nullptr;
  };
  void carry(Channel& channel);

  BlockLayer& block_;
  Device device_;
  const std::uint64_t queue_depth_, fail_every_;
  std::deque<Asked> waiting_;    // while the device has queue_depth_ others
  std::deque<Channel> channels_; // all that were ever needed at once
  std::vector<Channel*> idle_;
  std::uint64_t asked_[2] = {}, in_flight_[2] = {}; // by Transfer
  bool congested_ = false;                          // bdi_write_congested()
};

} // namespace mmsim

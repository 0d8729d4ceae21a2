#include "models/reclaim/block_device.hpp"

#include <utility>

namespace mmsim {

void DiskParameters::declare(Declaration& d, DiskParameters& p) {
  const char* source = "data sheet of a server's NVMe drive (Intel P4510, 2017), quoted from memory";
  d("machine.disk.latency", p.latency, "80 us", "from a request to the disk to its first byte", source);
  d("machine.disk.read_bandwidth", p.read_bandwidth, "3.2 GB/s",
    "bandwidth of the disk for reads, shared by the requests under way", source);
  d("machine.disk.write_bandwidth", p.write_bandwidth, "3 GB/s", "bandwidth of the disk for writes", source);
}

namespace {
Device::Speed speed_of(const Configuration& configuration) {
  const auto disk = read_parameters<DiskParameters>(configuration);
  return {disk.read_bandwidth, disk.write_bandwidth, disk.latency};
}
} // namespace

BlockDevice::BlockDevice(Machine& machine, const Configuration& configuration)
    : machine_(machine), device_(machine.engine(), "disk", speed_of(configuration)),
      completed_(machine.cpus()) {
  machine_.set_handler(Irq::device, *this);
}

void BlockDevice::submit_read(Core& core, BlockRequest& request, Bytes bytes) {
  core.charge(core.costs().work.io_submit, Account::io);
  core.settle();
  ++reads_;
  const bool all_busy = idle_.empty();
  if (all_busy) idle_.push_back(&channels_.emplace_back());
  Channel& channel = *idle_.back();
  idle_.pop_back();
  channel.request = &request;
  channel.from = core.id();
  channel.bytes = bytes;
  if (all_busy)
    machine_.engine().spawn(
        "disk", [this, &channel] { carry(channel); }, Fiber::Kind::daemon);
  else
    machine_.engine().wake(*channel.fiber);
}

// Runs beside the cores, for as long as the machine does.
void BlockDevice::carry(Channel& channel) {
  channel.fiber = &machine_.engine().current();
  for (;;) {
    device_.read(channel.bytes);
    completed_[channel.from.value()].push_back(channel.request);
    idle_.push_back(&channel);
    machine_.core(channel.from).raise(Irq::device);
    machine_.engine().park(nullptr);
  }
}

void BlockDevice::handle(Core& core) {
  std::vector<BlockRequest*>& completed = completed_[core.id().value()];
  while (!completed.empty()) { // more may come back meanwhile
    BlockRequest* request = completed.front();
    completed.erase(completed.begin());
    core.charge(core.costs().work.io_complete, Account::interrupt);
    core.settle();
    request->end_io(core);
  }
}

} // namespace mmsim

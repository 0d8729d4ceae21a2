#include "models/reclaim/block_device.hpp"

#include <utility>

namespace mmsim {

namespace {
Device::Speed speed_of(const DiskCosts& disk) {
  return {disk.read_bandwidth, disk.write_bandwidth, disk.latency};
}
} // namespace

BlockDevice::BlockDevice(Machine& machine)
    : machine_(machine), device_(machine.engine(), "disk", speed_of(machine.costs().disk)),
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

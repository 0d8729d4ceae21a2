#include "models/reclaim/block_device.hpp"

#include <utility>

namespace mmsim {

namespace {
constexpr std::uint64_t congestion_requests = 128; // BLKDEV_MAX_RQ
constexpr std::uint64_t congestion_on = congestion_requests - congestion_requests / 8 + 1;
constexpr std::uint64_t congestion_off =
    congestion_requests - congestion_requests / 8 - congestion_requests / 16 - 1;
} // namespace

void DeviceFailureParameters::declare(Declaration& d, DeviceFailureParameters& p) {
  d("machine.disk.fail_every", p.disk, 0, "the disk fails every so many requests; 0: it never does",
    "a healthy drive")
      .at_least(0);
  d("machine.swap.fail_every", p.swap, 0, "the swap device fails every so many requests; 0: it never does",
    "a healthy drive")
      .at_least(0);
}

void RequestQueueParameters::declare(Declaration& d, RequestQueueParameters& p) {
  d("kernel.nr_requests", p.nr_requests, 128, "writes that a device's queue takes before write-back waits",
    "include/linux/blkdev.h BLKDEV_MAX_RQ, 2.6.24 and 5.10 (blk-mq with a scheduler)")
      .at_least(1);
}

BlockLayer::BlockLayer(Machine& machine) : machine_(machine), completed_(machine.cpus()) {
  machine_.set_handler(Irq::device, *this);
}

void BlockLayer::complete(CoreId from, Completed completed) {
  completed_[from.value()].push_back(completed);
  machine_.core(from).raise(Irq::device);
}

void BlockLayer::handle(Core& core) {
  std::deque<Completed>& completed = completed_[core.id().value()];
  while (!completed.empty()) { // more may come back meanwhile
    const Completed done = completed.front();
    completed.pop_front();
    if (done.failed) core.counters().add(Counter::io_error);
    core.charge(core.costs().work.io_complete, Account::interrupt);
    core.settle();
    done.request->end_io(core, done.failed);
  }
}

BlockDevice::BlockDevice(BlockLayer& block, std::string name, Device::Speed speed, std::int64_t fail_every,
                         std::int64_t queue_depth)
    : name(std::move(name)), wait_id(block.machine().wait_names().id(WaitKind::device, this->name)),
      block_(block), device_(block.machine().engine(), this->name, speed),
      queue_depth_(static_cast<std::uint64_t>(queue_depth)),
      fail_every_(static_cast<std::uint64_t>(fail_every)) {}

void BlockDevice::submit(Core& core, BlockRequest& request, Transfer transfer, Bytes bytes) {
  const auto direction = static_cast<std::size_t>(transfer);
  core.charge(core.costs().work.io_submit, Account::io, wait_id);
  core.settle();
  core.counters().add(transfer == Transfer::read ? Counter::pgpgin : Counter::pgpgout, bytes.value() / 4096);
  ++asked_[direction];
  ++in_flight_[direction];
  if (in_flight(Transfer::write) >= congestion_on) congested_ = true;
  const bool all_busy = idle_.empty();
  const bool fails = fail_every_ != 0 && (reads() + writes()) % fail_every_ == 0;
  const Asked asked{&request, core.id(), bytes, transfer, fails};
  if (all_busy && channels_.size() == queue_depth_) {
    waiting_.push_back(asked);
    return;
  }
  if (all_busy) idle_.push_back(&channels_.emplace_back());
  Channel& channel = *idle_.back();
  idle_.pop_back();
  static_cast<Asked&>(channel) = asked;
  if (all_busy)
    block_.machine().engine().spawn(
        name, [this, &channel] { carry(channel); }, Fiber::Kind::daemon);
  else
    block_.machine().engine().wake(*channel.fiber);
}

// Runs beside the cores, for as long as the machine does.
void BlockDevice::carry(Channel& channel) {
  channel.fiber = &block_.machine().engine().current();
  for (;;) {
    if (channel.transfer == Transfer::read)
      device_.read(channel.bytes);
    else
      device_.write(channel.bytes);
    --in_flight_[static_cast<std::size_t>(channel.transfer)];
    if (congested_ && in_flight(Transfer::write) < congestion_off) {
      congested_ = false;
      ++block_.congestions_over_;
    }
    idle_.push_back(&channel);
    block_.complete(channel.from, {channel.request, channel.fails});
    if (waiting_.empty()) {
      block_.machine().engine().park(nullptr);
      continue;
    }
    idle_.pop_back(); // this channel: whoever waits comes first
    static_cast<Asked&>(channel) = waiting_.front();
    waiting_.pop_front();
  }
}

} // namespace mmsim

#include "models/reclaim/swap_io.hpp"

#include "models/system.hpp"

namespace mmsim {

SwapIo::SwapIo(System& system, SwapCache& cache, const Configuration& configuration, bool device)
    : system_(system), cache_(cache),
      nr_requests_(
          static_cast<std::uint64_t>(read_parameters<RequestQueueParameters>(configuration).nr_requests)),
      waiters_(system.scheduler) {
  const SwapCosts& costs = system.machine.costs().swap;
  if (device)
    device_.emplace(system.block, "swap", Device::Speed{costs.bandwidth, costs.bandwidth, costs.latency},
                    read_parameters<DeviceFailureParameters>(configuration).swap, costs.queue_depth);
}

void SwapIo::submit(Core& core, FrameNumber frame, Transfer transfer) {
  if (unused_.empty()) unused_.push_back(&bios_.emplace_back(*this)); // get_swap_bio()
  Bio& bio = *unused_.back();
  unused_.pop_back();
  bio.page = system_.pages.links(frame).cached;
  device_->submit(core, bio, transfer, Bytes(bytes_per_frame));
}

// Each write that ends makes room for one, and wakes whoever has waited longest.
void SwapIo::get_request(Task& task) {
  task.core().settle();
  const WaitFor whom(task.ledger, device_->wait_id);
  while (device_->in_flight(Transfer::write) >= nr_requests_)
    waiters_.wait(task);
}

void SwapIo::writepage(Task& task, FrameNumber frame) {
  Core& core = task.core();
  PageWaitTable& waits = system_.page_cache.waits;
  system_.counters.add(Counter::pswpout);
  system_.pages[frame].flags &= ~std::uint32_t{PG_dirty}; // clear_page_dirty_for_io(), unless the caller has
  cache_.tag_writeback(core, frame);
  waits.set_page_writeback(core, frame);
  waits.unlock_page(core, frame);
  get_request(task);
  submit(task.core(), frame, Transfer::write);
}

void SwapIo::readpage(Core& core, FrameNumber frame) {
  system_.counters.add(Counter::pswpin);
  submit(core, frame, Transfer::read);
}

void SwapIo::Bio::end_io(Core& core, bool failed) {
  CachedPage& of = *page;
  SwapIo& owner = io;
  owner.unused_.push_back(this); // bio_put()
  const bool written = (owner.system_.pages[of.frame].flags & PG_writeback) != 0;
  if (written) owner.cache_.tag_writeback(core, of.frame);
  owner.system_.page_cache.end_io(core, of, failed);
  if (written) owner.waiters_.wake_one(core);
}

} // namespace mmsim

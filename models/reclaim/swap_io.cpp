#include "models/reclaim/swap_io.hpp"

#include "models/system.hpp"

namespace mmsim {

SwapIo::SwapIo(System& system, SwapCache& cache, bool device) : system_(system), cache_(cache) {
  if (device) device_.emplace(system.machine, BlockDevice::Kind::swap);
}

void SwapIo::submit(Core& core, FrameNumber frame, bool write) {
  if (unused_.empty()) unused_.push_back(&bios_.emplace_back(*this)); // get_swap_bio()
  Bio& bio = *unused_.back();
  unused_.pop_back();
  bio.frame = frame;
  bio.write = write;
  device_->submit(core, bio, write ? Transfer::write : Transfer::read, Bytes(bytes_per_frame));
}

void SwapIo::writepage(Core& core, FrameNumber frame) {
  Frame& of = system_.pages[frame];
  system_.counters.add(Counter::pswpout);
  cache_.tag_writeback(core, frame); // set_page_writeback()
  core.rmw(system_.pages.links(frame).cached->line);
  of.flags &= ~std::uint32_t{PG_dirty};
  of.flags |= PG_writeback;
  system_.pages.count_page(core, frame, NR_WRITEBACK, 1);
  system_.page_cache.unlock_page(core, frame);
  submit(core, frame, true);
}

void SwapIo::readpage(Core& core, FrameNumber frame) {
  system_.counters.add(Counter::pswpin);
  submit(core, frame, false);
}

void SwapIo::Bio::end_io(Core& core, bool failed) {
  const FrameNumber of = frame;
  SwapIo& owner = io;
  const bool wrote = write;
  owner.unused_.push_back(this); // bio_put()
  wrote ? owner.end_write(core, of, failed) : owner.end_read(core, of, failed);
}

// end_swap_bio_write().
void SwapIo::end_write(Core& core, FrameNumber frame, bool failed) {
  Frame& of = system_.pages[frame];
  if (failed) { // reclaim must not take it: nobody else has its contents
    core.rmw(system_.pages.links(frame).cached->line);
    of.flags |= PG_error | PG_dirty;
    of.flags &= ~std::uint32_t{PG_reclaim};
  }
  cache_.tag_writeback(core, frame);
  system_.page_cache.end_page_writeback(core, frame);
}

// end_swap_bio_read().
void SwapIo::end_read(Core& core, FrameNumber frame, bool failed) {
  Frame& of = system_.pages[frame];
  core.rmw(system_.pages.links(frame).cached->line);
  of.flags |= failed ? PG_error : PG_uptodate;
  system_.page_cache.unlock_page(core, frame);
}

} // namespace mmsim

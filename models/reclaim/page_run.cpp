#include "models/reclaim/page_run.hpp"

#include "models/reclaim/page_cache.hpp"
#include "models/reclaim/writeback.hpp"
#include "models/scheduler/task.hpp"

#include <utility>

namespace mmsim {

void PageRun::add(Task& task, CachedPage& page) {
  if (bio_ != nullptr && (page.index != next_ || bio_->pages_.size() == max_pages)) submit(task);
  if (bio_ == nullptr) bio_ = &cache_.new_bio();
  bio_->pages_.push_back(&page);
  next_ = page.index + 1;
}

void PageRun::submit(Task& task) {
  Bio* const bio = std::exchange(bio_, nullptr);
  if (bio == nullptr) return;
  if (transfer_ == Transfer::write) cache_.writeback_->get_request(task);
  cache_.disk_->submit(task.core(), *bio, transfer_, Bytes(bio->pages_.size() * bytes_per_frame));
}

void Bio::end_io(Core& core, bool failed) {
  for (CachedPage* page : pages_)
    cache_.end_io(core, *page, failed);
  pages_.clear();
  cache_.free_bio(*this);
}

} // namespace mmsim

#include "sim/engine/event_queue.hpp"

#include <stdexcept>

namespace mmsim {

Event::Event(EventQueue& queue) : queue_(queue) {
  if (!queue.free_slots_.empty()) {
    slot_ = queue.free_slots_.back();
    queue.free_slots_.pop_back();
  } else {
    if (queue.targets_.size() > EventQueue::slot_mask)
      throw std::length_error("more than 16 million events exist at once");
    slot_ = static_cast<std::uint32_t>(queue.targets_.size());
    queue.targets_.push_back(nullptr);
  }
  queue.targets_[slot_] = this;
}

Event::~Event() {
  queue_.targets_[slot_] = nullptr;
  queue_.free_slots_.push_back(slot_);
}

} // namespace mmsim

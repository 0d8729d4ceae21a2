// Lists of frames, linked through the frames themselves: list_head of the kernel in 32-bit frame numbers.
//
//   FrameList list;
//   list.push_front(frames, frame);
//   FrameNumber coldest = list.pop_back(frames);      // no_frame if it was empty
//
// A list does not know its table, so that thousands of them (one a core, a zone and a temperature) stay
// small. A frame can be on one list at a time; nothing checks that here (PageAllocator::check_invariants
// does).
#pragma once

#include "models/pages/frame.hpp"

namespace mmsim {

/// Where a list is used as a stack.
enum class ListEnd : std::uint8_t { front, back };

class FrameList {
 public:
  bool empty() const { return head_ == 0; }
  std::uint32_t size() const { return size_; }
  FrameNumber front() const { return FrameNumber(head_); }
  FrameNumber back() const { return FrameNumber(tail_); }

  void push_front(FrameTable& frames, FrameNumber frame) {
    Frame& f = frames[frame];
    f.previous = 0;
    f.next = head_;
    (head_ != 0 ? frames.at(head_).previous : tail_) = frame.value();
    head_ = frame.value();
    ++size_;
  }
  void push_back(FrameTable& frames, FrameNumber frame) {
    Frame& f = frames[frame];
    f.next = 0;
    f.previous = tail_;
    (tail_ != 0 ? frames.at(tail_).next : head_) = frame.value();
    tail_ = frame.value();
    ++size_;
  }
  /// `frame` must be on this list.
  void remove(FrameTable& frames, FrameNumber frame) {
    const Frame& f = frames[frame];
    (f.previous != 0 ? frames.at(f.previous).next : head_) = f.next;
    (f.next != 0 ? frames.at(f.next).previous : tail_) = f.previous;
    --size_;
  }
  FrameNumber pop_front(FrameTable& frames) {
    const FrameNumber frame = front();
    if (frame == no_frame) return frame;
    head_ = frames[frame].next;
    (head_ != 0 ? frames.at(head_).previous : tail_) = 0;
    --size_;
    return frame;
  }
  FrameNumber pop_back(FrameTable& frames) {
    const FrameNumber frame = back();
    if (frame == no_frame) return frame;
    tail_ = frames[frame].previous;
    (tail_ != 0 ? frames.at(tail_).next : head_) = 0;
    --size_;
    return frame;
  }

 private:
  std::uint32_t head_ = 0, tail_ = 0, size_ = 0;
};

} // namespace mmsim

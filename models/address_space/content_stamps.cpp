#include "models/address_space/content_stamps.hpp"

#include "models/reclaim/file.hpp"

#include <new>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

ContentStamps::ContentStamps(FrameNumber end)
    : frames_(static_cast<Stamp*>(std::calloc(end.value(), sizeof(Stamp)))) {
  if (frames_ == nullptr) throw std::bad_alloc();
}

// What is on the disk from the start is nobody's writing, and differs from page to page.
ContentStamps::Stamp& ContentStamps::on_disk(FilePage page) {
  const auto [at, fresh] = on_disk_.try_emplace(page, 0);
  if (fresh) at->second = ++next_on_disk_;
  return at->second;
}

ContentStamps::Stamp& ContentStamps::in_file(FilePage page) {
  const auto [at, fresh] = in_file_.try_emplace(page, 0);
  if (fresh) at->second = on_disk(page);
  return at->second;
}

ContentStamps::Stamp& ContentStamps::device(const CachedPage& page) {
  return page.mapping != nullptr ? on_disk({page.mapping, page.index}) : slots_[page.swap.word()];
}

std::string ContentStamps::history(Stamp stamp) const {
  const Stamp number = stamp & ~loose;
  if (number == 0) return "zeroes";
  if (number >= histories_.size()) return fmt::format("what was on the disk from the start ({})", number);
  const History& made = histories_[number];
  return fmt::format("what cpu {} wrote to page {:#x} of mm {} at {} ({})", made.core.value(),
                     made.page.value(), made.mm, to_text(made.when.time_since_epoch()), number);
}

void ContentStamps::read(const Core& core, const MmStruct& mm, PageNumber page, FrameNumber frame) {
  ++compared_;
  const Stamp found = of(frame);
  Stamp expected = 0;
  auto& own = private_[mm.id];
  if (const auto at = own.find(page.value()); at != own.end()) {
    if (((found | at->second) & loose) != 0) at->second = found;
    expected = at->second;
  } else {
    const Vma* vma = mm.vmas.find(page);
    if (vma == nullptr || !vma->contains(page)) return; // it is being unmapped
    if (vma->file != nullptr) {
      Stamp& there = in_file({vma->file, vma->pgoff + (page - vma->begin)});
      if (((found | there) & loose) != 0) there = found;
      expected = there;
    } else if ((found & loose) != 0) {
      return;
    }
  }
  if (found == expected) return;
  throw Violation(
      fmt::format("cpu {} reads page {:#x} of mm {} at {} in frame {}: it finds {}, but must find {}",
                  core.id().value(), page.value(), mm.id, to_text(core.now().time_since_epoch()),
                  frame.value(), history(found), history(expected)));
}

void ContentStamps::written(const Core& core, const MmStruct& mm, PageNumber page, FrameNumber frame,
                            bool current) {
  const Stamp stamp = histories_.size();
  histories_.push_back({mm.id, core.id(), page, core.now()});
  if (!current) {
    const Pte* entry = mm.tables.find(page);
    if (entry == nullptr || !entry->is_swap()) {
      of(frame) = stamp | loose;
      return;
    }
  }
  of(frame) = stamp;
  const Vma* vma = mm.vmas.find(page);
  if (vma == nullptr || !vma->contains(page)) return;
  if (vma->file != nullptr && !vma->is_private())
    in_file({vma->file, vma->pgoff + (page - vma->begin)}) = stamp;
  else
    private_[mm.id][page.value()] = stamp;
}

void ContentStamps::forked(const MmStruct& parent, const MmStruct& child, PageNumber page) {
  const auto& own = private_[parent.id];
  if (const auto at = own.find(page.value()); at != own.end()) private_[child.id][page.value()] = at->second;
}

void ContentStamps::forked_to(const MmStruct& child, PageNumber page, FrameNumber frame) {
  private_[child.id][page.value()] = of(frame);
}

void ContentStamps::moved(const MmStruct& mm, PageNumber from, PageNumber to) {
  auto& own = private_[mm.id];
  const auto at = own.find(from.value());
  if (at == own.end()) return;
  own[to.value()] = at->second;
  own.erase(at);
}

void ContentStamps::zapped(const MmStruct& mm, PageNumber begin, PageNumber end) {
  auto& own = private_[mm.id];
  own.erase(own.lower_bound(begin.value()), own.lower_bound(end.value()));
}

void ContentStamps::at_boot(const CachedPage& page) { of(page.frame) = in_file({page.mapping, page.index}); }

void ContentStamps::write_begins(FrameNumber frame) { being_written_[frame.value()] = of(frame); }

// What a device has failed to write to a file is lost: the kernel tells nobody but fsync().
void ContentStamps::write_ended(const CachedPage& page, bool failed) {
  if (!failed)
    device(page) = being_written_[page.frame.value()];
  else if (page.mapping != nullptr)
    in_file({page.mapping, page.index}) |= loose;
}

void ContentStamps::read_ended(const CachedPage& page) { of(page.frame) = device(page); }

void ContentStamps::truncated(const CachedPage& page) {
  in_file({page.mapping, page.index}) = on_disk({page.mapping, page.index});
}

} // namespace mmsim

#include "models/address_space/page_table.hpp"

#include <stdexcept>

namespace mmsim {

PageTable::Shape PageTable::Shape::of_format(std::string_view format) {
  constexpr PageNumber arm32_task_size{0xbf000}; // PAGE_OFFSET - 16 MiB, with 3 GiB for user space
  if (format == "armv7_short") return {2, 11, 2, arm32_task_size};
  if (format == "lpae") return {3, 2, 0, arm32_task_size};
  if (format == "arm64_39") return {3, 9, 0, PageNumber(std::uint64_t{1} << 27)};
  if (format == "arm64_48") return {4, 9, 0, PageNumber(std::uint64_t{1} << 36)};
  throw std::logic_error("page-table format " + std::string(format));
}

TablePage& TablePagePool::take(CoreId core, std::size_t entries, bool upper) {
  auto& free = entries != TablePage::entries ? free_roots_ : upper ? free_uppers_ : free_leaves_;
  if (TablePage* const used = free.take(core)) return *used;
  TablePage& page = pages_.emplace_back();
  page.words.resize(entries);
  if (upper) page.children.resize(entries);
  host_bytes_ += sizeof page + entries * (sizeof(Pte) + (upper ? sizeof(TablePage*) : 0));
  return page;
}

void TablePagePool::give_back(CoreId core, TablePage& page) {
  auto& free = page.words.size() != TablePage::entries ? free_roots_
               : page.children.empty()                 ? free_leaves_
                                                       : free_uppers_;
  free.put(core, page);
}

void PageTable::link(TablePage& parent, std::size_t index, TablePage& child) {
  parent.children[index] = &child;
  parent.words[index] = parent.words[index].mapped(child.frame, 0);
  ++parent.live;
}

void PageTable::unlink(TablePage& parent, std::size_t index) {
  parent.children[index] = nullptr;
  parent.words[index] = parent.words[index].cleared();
  --parent.live;
}

} // namespace mmsim

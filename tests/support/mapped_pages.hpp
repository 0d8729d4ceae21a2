// What one thread believes of its part of an address space: which pages are mapped, how, and what is in them.
//
// The contents of a page are known by its frame, which no operation but a write changes; unless reclaim takes pages, or
// they are a file's: then it is not this that looks at contents (run.checks does).
#pragma once

#include "models/operations/map.hpp"
#include "tests/support/kernel_world.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>

#include <spdlog/fmt/fmt.h>

namespace mmsim::tests {

class MappedPages {
 public:
  enum class Contents : std::uint8_t { stay, may_move };
  explicit MappedPages(Contents contents = Contents::stay) : contents_(contents) {}

  struct Page {
    std::uint32_t prot;
    std::optional<FrameNumber> frame; ///< nothing: not touched yet
    bool of_file = false, shared = false;
    bool zero = false;       ///< only read so far: the zero page, which fork need not hand on
    std::uint64_t index = 0; ///< linear_page_index(): by which the reverse map finds it, wherever it is
  };

  bool contains(PageNumber page) const { return pages_.contains(page); }
  const Page* find(PageNumber page) const {
    const auto at = pages_.find(page);
    return at == pages_.end() ? nullptr : &at->second;
  }
  /// The pages of the range up to the first hole.
  std::uint64_t mapped_from(PageNumber first, std::uint64_t pages) const {
    std::uint64_t n = 0;
    while (n < pages && contains(first + n))
      ++n;
    return n;
  }
  std::uint64_t mapped_in(PageNumber first, std::uint64_t pages) const {
    std::uint64_t n = 0;
    for (std::uint64_t i = 0; i < pages; ++i)
      n += contains(first + i);
    return n;
  }

  void map(PageNumber first, std::uint64_t pages, std::uint32_t prot, bool of_file = false,
           bool shared = false) {
    for (std::uint64_t i = 0; i < pages; ++i)
      pages_.insert_or_assign(first + i, Page{prot, {}, of_file, shared});
  }
  void unmap(PageNumber first, std::uint64_t pages) {
    for (std::uint64_t i = 0; i < pages; ++i)
      pages_.erase(first + i);
  }
  void protect(PageNumber first, std::uint64_t pages, std::uint32_t prot) {
    for (std::uint64_t i = 0; i < pages; ++i)
      pages_.at(first + i).prot = prot;
  }
  void empty(PageNumber first, std::uint64_t pages) {
    for (std::uint64_t i = 0; i < pages; ++i)
      if (const auto at = pages_.find(first + i); at != pages_.end()) at->second.frame.reset();
  }
  /// The last pages of a longer range are new.
  void move(PageNumber from, std::uint64_t old_pages, PageNumber to, std::uint64_t new_pages) {
    const Page& old = pages_.at(from);
    const Page fresh{old.prot, {}, old.of_file, old.shared};
    std::map<PageNumber, Page> moved;
    for (std::uint64_t i = 0; i < old_pages; ++i)
      moved.emplace(to + i, pages_.extract(from + i).mapped());
    for (std::uint64_t i = old_pages; i < new_pages; ++i)
      moved.emplace(to + i, fresh);
    pages_.merge(moved);
  }
  void touched(MmStruct& mm, PageNumber page) {
    if (!entry(mm, page).present()) return empty(page, 1); // reclaim has been faster
    const Vma& vma = *mm.vmas.find(page);
    pages_.at(page).frame = entry(mm, page).frame();
    pages_.at(page).zero = entry(mm, page).special();
    pages_.at(page).index = vma.pgoff + (page - vma.begin);
  }

  const std::map<PageNumber, Page>& all() const { return pages_; }

  /// Throws Violation if areas or page tables say something else of [first, first + pages), or of the pages
  /// that are mapped elsewhere.
  void check(MmStruct& mm, PageNumber first, std::uint64_t pages) const {
    for (std::uint64_t i = 0; i < pages; ++i)
      if (!contains(first + i)) check_hole(mm, first + i);
    for (const auto& [page, expected] : pages_)
      check_page(mm, page, expected);
  }

 private:
  static Pte entry(const MmStruct& mm, PageNumber page) {
    const Pte* const found = mm.tables.find(page);
    return found != nullptr ? *found : Pte();
  }
  static const Vma* area_of(MmStruct& mm, PageNumber page) {
    const Vma* const vma = mm.vmas.find(page);
    return vma != nullptr && vma->contains(page) ? vma : nullptr;
  }
  static void check_hole(MmStruct& mm, PageNumber page) {
    if (area_of(mm, page) != nullptr || entry(mm, page).present())
      throw Violation(fmt::format("page {:#x} should not be mapped", page.value()));
  }
  void check_page(MmStruct& mm, PageNumber page, const Page& expected) const {
    const auto wrong = [&](const char* what) {
      throw Violation(fmt::format("page {:#x}: {}", page.value(), what));
    };
    const Vma* const vma = area_of(mm, page);
    if (vma == nullptr) wrong("no area has it");
    if ((vma->flags & (VM_READ | VM_WRITE | VM_EXEC)) != calc_vm_prot_bits(expected.prot))
      wrong("its area has another protection");
    if (vma->has(VM_SHARED) != expected.shared || (vma->file != nullptr) != expected.of_file)
      wrong("its area is of another kind");
    if (vma->has(VM_WRITE) && !vma->has(VM_ACCOUNT) && !expected.shared)
      wrong("it is writable and was not promised");
    const Pte found = entry(mm, page);
    if (found.present() && found.writable() && (expected.prot & PROT_WRITE) == 0)
      wrong("the hardware may write to it");
    if (contents_ == Contents::may_move || expected.of_file) return;
    if (expected.zero && !found.present()) return; // copy_page_range() passes over areas without an anon_vma
    if (found.present() != expected.frame.has_value())
      wrong(expected.frame ? "its contents are gone" : "it has contents that nobody wrote");
    if (!expected.frame) return;
    if (found.frame() != *expected.frame) wrong("it has other contents");
    if (!found.special() && vma->anon_vma == nullptr) wrong("its area has no anon_vma");
    if (!found.special() && vma->pgoff + (page - vma->begin) != expected.index)
      wrong("the reverse map would look for it elsewhere");
    if (found.valid() != (expected.prot != PROT_NONE)) wrong("the hardware sees it, or does not");
  }

  Contents contents_;
  std::map<PageNumber, Page> pages_;
};

} // namespace mmsim::tests

// Content stamps: is what a read finds what was last written there? On with run.checks.
//
//   if (ContentStamps* stamps = pages.stamps) stamps->copied(from, to);   // every path that moves contents says so
//
// Each write of user code gives the page that it goes to a stamp that nobody else has. The stamps travel as the
// contents do: with copies (COW, fork of pinned pages), to a device and back, and a cleared page has stamp 0. Beside
// that stands what each address space must find: at a private page the last stamp that it has written there (or
// inherited at fork), else at a page of a file what was last written to the file, else 0. Every read compares; a
// difference ends the run (Violation) with both stamps' histories. So a page that is lost, doubled, or comes back from
// swap with another's contents is noticed by the first who reads it.
//
// A core that uses a translation that the table no longer has (legal while its flush is under way) may read what is no
// longer there: not compared. What it writes there is compared loosely from then on (the next reader takes it as it
// is): a fork may or may not see it. Where the entry is a swap entry meanwhile the write must not be lost, and counts.
//
// Costs no simulated time, and one branch an access while it is off. Left out: what devices write to pinned pages; the
// kernel's own memory.
#pragma once

#include "models/address_space/mm_struct.hpp"
#include "models/pages/frame.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/machine/core.hpp"

#include <cstdint>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

namespace mmsim {

class CachedPage;
class File;

struct CheckParameters {
  bool checks;
  static void declare(Declaration& d, CheckParameters& p) {
    d("run.checks", p.checks, false,
      "every page carries a stamp of its contents, which every read compares with what was last written "
      "there");
  }
};
inline const DeclareParameters<CheckParameters> declared_check_parameters;

class ContentStamps {
 public:
  /// Of frames below `end`. Throws std::bad_alloc.
  explicit ContentStamps(FrameNumber end);

  // Frames.

  void cleared(FrameNumber frame) { of(frame) = 0; }
  void copied(FrameNumber from, FrameNumber to) { of(to) = of(from); }

  // Accesses of user code by `core`.

  /// `mm` reads `page` in `frame`. Not for translations that are out of date. Throws Violation.
  void read(const Core& core, const MmStruct& mm, PageNumber page, FrameNumber frame);
  /// It writes; `current`: the translation is the table's.
  void written(const Core& core, const MmStruct& mm, PageNumber page, FrameNumber frame, bool current);

  // Entries, with their table's lock.

  /// The child has got what the parent has at `page`.
  void forked(const MmStruct& parent, const MmStruct& child, PageNumber page);
  /// The child has got a copy of its own, in `frame`.
  void forked_to(const MmStruct& child, PageNumber page, FrameNumber frame);
  void moved(const MmStruct& mm, PageNumber from, PageNumber to);
  /// [begin, end) was zapped.
  void zapped(const MmStruct& mm, PageNumber begin, PageNumber end);

  // Devices.

  /// The page of a file that is in memory when the machine starts.
  void at_boot(const CachedPage& page);
  /// set_page_writeback(): what `frame` holds now is what is written.
  void write_begins(FrameNumber frame);
  void write_ended(const CachedPage& page, bool failed);
  void read_ended(const CachedPage& page);
  /// A page of a file was truncated, written back or not.
  void truncated(const CachedPage& page);

  std::uint64_t compared() const { return compared_; }

 private:
  using Stamp = std::uint64_t;
  static constexpr Stamp loose = Stamp{1} << 63; // whoever reads it takes it as it is
  using FilePage = std::pair<const File*, std::uint64_t>;
  struct History {
    std::uint32_t mm;
    CoreId core;
    PageNumber page;
    Instant when;
  };
  struct Free {
    void operator()(Stamp* stamps) const { std::free(stamps); }
  };

  Stamp& of(FrameNumber frame) { return frames_[frame.value()]; }
  Stamp& on_disk(FilePage page);
  Stamp& in_file(FilePage page);
  Stamp& device(const CachedPage& page);
  std::string history(Stamp stamp) const;

  std::unique_ptr<Stamp[], Free> frames_; // host memory only where it was touched
  std::unordered_map<std::uint32_t, std::map<std::uint64_t, Stamp>> private_; // by mm, by page
  std::map<FilePage, Stamp> in_file_, on_disk_;
  std::unordered_map<std::uint32_t, Stamp> slots_;         // by SwapEntry::word()
  std::unordered_map<std::uint32_t, Stamp> being_written_; // by frame
  std::deque<History> histories_{{}};                      // by stamp
  Stamp next_on_disk_ = Stamp{1} << 62;                    // stamps that nobody has written
  std::uint64_t compared_ = 0;
};

} // namespace mmsim

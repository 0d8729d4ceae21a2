// Read-ahead: what else is read of a file when a page of it is.
//
//   page_cache_sync_readahead(task, file, pgoff, 1); // the page is not in memory, and will be asked for next
//   if (flags & PG_reclaim)                          // PG_readahead: the reader has come to the last window
//     page_cache_async_readahead(task, file, *page, pgoff, 1);
//   read_around(task, file, pgoff); // a fault that tells nothing of what comes next
//
// Models mm/readahead.c of 5.10 (ondemand_readahead(), which is 2.6.24's with a little more) and the
// read-around of filemap_fault(). A window of pages is read at a time, in as few requests as there are runs
// of missing pages. A page in it is marked (PG_readahead, the bit of PG_reclaim); who meets the mark has the
// next window read while he works on this one. Windows grow by 4 and 2 up to ra_pages (kernel.readahead).
//
// Differences of 2.6.24 that are kept: it asks for one page where 5.10 asks for ra_pages
// (operations/filemap.cpp), and remembers where the last fault was (prev_pos). That its ondemand_readahead()
// had neither try_context_readahead() nor the merging of two windows is left out, and so are
// max_sane_readahead(), the optimal I/O size of a device, and the check for congestion.
#pragma once

#include <cstdint>

namespace mmsim {

class CachedPage;
class File;
class Task;

/// struct file_ra_state, in pages.
struct FileRaState {
  std::uint64_t start = 0, size = 0,
                async_size = 0;           ///< the last window, and how much of it is left at the mark
  std::uint64_t ra_pages = 0;             ///< the largest window; 0: no read-ahead
  std::uint64_t mmap_miss = 0;            ///< faults that missed, less those that hit
  std::uint64_t prev = ~std::uint64_t{0}; ///< prev_pos: the page of the last access
};

inline constexpr std::uint64_t mmap_lotsamiss = 100; ///< MMAP_LOTSAMISS

/// page_cache_sync_readahead(): `pgoff` is missing, and `wanted` pages from there on are asked for.
void page_cache_sync_readahead(Task& task, File& file, std::uint64_t pgoff, std::uint64_t wanted);
/// page_cache_async_readahead() of a page with PG_readahead, which it loses.
void page_cache_async_readahead(Task& task, File& file, CachedPage& page, std::uint64_t pgoff,
                                std::uint64_t wanted);
/// The read-around of a fault: ra_pages, `pgoff` in the middle.
void read_around(Task& task, File& file, std::uint64_t pgoff);
/// force_page_cache_readahead(): 2 MiB at a time, whatever ra_pages says.
void force_page_cache_readahead(Task& task, File& file, std::uint64_t pgoff, std::uint64_t pages);

} // namespace mmsim

// From a page to the entries that map it: the reverse map, in the four generations that Linux has had.
//
//   if (!system.rmap->anon_vma_prepare(core, mm, vma)) ... no memory      // before an area's first anonymous page
//   system.rmap->page_add_anon(core, frame, {mm, vma, page, table, index}); // with the table's lock
//   system.rmap->for_each_mapping(task, frame, [&](const Mapping& m) { ...; return Walk::go_on; });
//
// What a generation keeps, and what its upkeep and its walk cost, is its own file (kernel.rmap): scan.cpp,
// pte_chain.cpp, anon_vma.cpp, anon_vma_chain.cpp. Areas of files are found through the file (reclaim/file.hpp) in all
// but the first two.
#pragma once

#include "models/address_space/mm_struct.hpp"
#include "sim/engine/function_ref.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/engine/registry.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mmsim {

class System;
class Task;

/// An entry of a last-level table, and whose it is.
struct Mapping {
  MmStruct& mm;
  Vma& vma;
  PageNumber page;
  TablePage& table;
  std::size_t index;
  Pte entry() const { return table.words[index]; }
};

enum class Walk : std::uint8_t { go_on, stop };

class ReverseMap {
 public:
  static constexpr std::string_view registry_path = "kernel.rmap";
  using Factory = std::function<std::unique_ptr<ReverseMap>(System&)>;

  virtual ~ReverseMap() = default;

  /// The page's entries, one after the other, each with its table's lock held, until `visit` says stop. What keeps the
  /// map from changing is held meanwhile. Nothing for who finds no mappings from a page (scan). May sleep.
  virtual void for_each_mapping(Task& task, FrameNumber frame, FunctionRef<Walk(const Mapping&)> visit) = 0;
  /// False: a page's mappings cannot be found, only met by swap_out().
  virtual bool finds_mappings() const { return true; }
  /// swap_out() of 2.4: walks address spaces and unmaps what it meets that was not used lately, `wanted` pages at most.
  /// How many were unmapped.
  virtual std::uint64_t swap_out(Task& task, int priority, std::uint64_t wanted) {
    (void)task, (void)priority, (void)wanted;
    return 0;
  }
  /// Bytes that it occupies now, what it adds to struct page and vm_area_struct included.
  virtual std::uint64_t bytes() const = 0;
};

struct ReverseMapParameters {
  std::string generation;
  static void declare(Declaration& d, ReverseMapParameters& p) {
    d("kernel.rmap", p.generation, "anon_vma_chain", "how the entries that map a page are found",
      "scan to 2.5.26, pte_chain to 2.6.6, anon_vma to 2.6.33, anon_vma_chain since")
        .registered<ReverseMap>();
  }
};
inline const DeclareParameters<ReverseMapParameters> declared_reverse_map_parameters;

} // namespace mmsim

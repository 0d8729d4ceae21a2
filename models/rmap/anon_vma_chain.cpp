// SKELETON: the room of rmap.
#include "models/rmap/reverse_map.hpp"

namespace mmsim {
namespace {

class AnonVmaChainMap final : public ReverseMap {
 public:
  explicit AnonVmaChainMap(System&) {}
  void for_each_mapping(Task&, FrameNumber, FunctionRef<Walk(const Mapping&)>) override {}
  std::uint64_t bytes() const override { return 0; }
};

const Registered<ReverseMap> anon_vma_chain{
    "anon_vma_chain", "an anon_vma a process, linked both ways by chains (2.6.34)",
    [](System& system) { return std::make_unique<AnonVmaChainMap>(system); }};

} // namespace
} // namespace mmsim

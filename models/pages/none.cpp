// No per-CPU lists: every page takes zone->lock, as in kernels up to 2.4.
#include "models/pages/pcp.hpp"

namespace mmsim {
namespace {

class None final : public PerCpuLists {
 public:
  explicit None(Zone& zone) : zone_(zone) {}

  FrameNumber take(Core& core, const Wish& wish) override {
    return zone_.take(core, 0, wish.type, {.no_fragment = wish.no_fragment});
  }
  void put(Core& core, FrameNumber frame, Temperature) override { zone_.put(core, frame, 0); }
  void drain(Core&) override {}
  void for_each_list(const Visit&) const override {}
  std::vector<Pageset> pageset(CoreId) const override { return {}; }

 private:
  Zone& zone_;
};

const Registered<PerCpuLists> none{
    "none", "no lists: every page takes zone->lock (2.4)",
    [](Zone& zone, std::uint32_t, const PcpListParameters&) { return std::make_unique<None>(zone); }};

} // namespace
} // namespace mmsim

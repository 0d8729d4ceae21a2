// Two lists a core, hot and cold: buffered_rmqueue() and free_hot_cold_page() of mm/page_alloc.c, 2.6.24.
//
// Both are used as stacks and drained from the other end. Frames of all migrate types share a list, which an
// allocation searches for one of its type; if there is none, a batch of that type comes on top. If the zone has none
// either, the frame on top is given, whatever its type: so 2.6.24 did it.
//
// Costs: machine.work.pcp_alloc, pcp_free; line.hit a frame that the search passes over.
#include "models/pages/pcp.hpp"
#include "sim/machine/core.hpp"

#include <array>
#include <vector>

namespace mmsim {
namespace {

class HotCold final : public PerCpuLists {
 public:
  HotCold(Zone& zone, std::uint32_t cpus)
      : zone_(zone), limits_{zone.limits().hot, zone.limits().cold}, pagesets_(cpus) {}

  FrameNumber take(Core& core, const Wish& wish) override {
    FrameTable& frames = zone_.frames();
    FrameList& list = pagesets_[core.id().value()][index(wish.temperature)];
    const std::uint32_t batch = limits_[index(wish.temperature)].batch;
    if (list.empty() && zone_.refill(core, list, batch, ListEnd::front, wish.type, wish.no_fragment) == 0)
      return no_frame;

    FrameNumber frame = list.front();
    std::int64_t passed_over = 0;
    while (frame != no_frame && frames[frame].flags != mmsim::index(wish.type)) {
      frame = FrameNumber(frames[frame].next);
      ++passed_over;
    }
    core.charge(core.costs().work.pcp_alloc + passed_over * core.costs().line.hit, Account::alloc);
    if (frame == no_frame) {
      FrameList fresh;
      zone_.refill(core, fresh, batch, ListEnd::front, wish.type, wish.no_fragment);
      while (!fresh.empty())
        list.push_front(frames, fresh.pop_back(frames));
      frame = list.front();
    }
    list.remove(frames, frame);
    return frame;
  }

  void put(Core& core, FrameNumber frame, Temperature temperature) override {
    FrameList& list = pagesets_[core.id().value()][index(temperature)];
    const PcpLimits& limits = limits_[index(temperature)];
    Frame& f = zone_.frames()[frame];
    f.state = FrameState::per_cpu;
    f.flags = static_cast<std::uint32_t>(zone_.buddy().pageblocks().type_of(frame));
    list.push_front(zone_.frames(), frame);
    core.charge(core.costs().work.pcp_free, Account::alloc);
    if (list.size() >= limits.high) zone_.drain(core, list, limits.batch);
  }

  void drain(Core& core) override {
    for (FrameList& list : pagesets_[core.id().value()])
      if (!list.empty()) zone_.drain(core, list, UINT32_MAX);
  }

  void for_each_list(const Visit& visit) const override {
    for (std::uint32_t cpu = 0; cpu < pagesets_.size(); ++cpu)
      for (std::size_t i = 0; i < 2; ++i)
        visit(CoreId(cpu), {pagesets_[cpu][i], limits_[i], std::nullopt});
  }

  std::vector<Pageset> pageset(CoreId core) const override {
    const auto& lists = pagesets_[core.value()];
    return {{lists[0].size(), limits_[0]}, {lists[1].size(), limits_[1]}};
  }

 private:
  static std::size_t index(Temperature temperature) { return temperature == Temperature::cold; }

  Zone& zone_;
  const std::array<PcpLimits, 2> limits_;
  std::vector<std::array<FrameList, 2>> pagesets_; // by cpu
};

const Registered<PerCpuLists> hot_cold{"hot_cold", "a list of hot and a list of cold pages (2.6.24)",
                                       [](Zone& zone, std::uint32_t cpus, const PcpListParameters&) {
                                         return std::make_unique<HotCold>(zone, cpus);
                                       }};

} // namespace
} // namespace mmsim

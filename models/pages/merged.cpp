// One list a core, hot pages at its head and cold ones at its tail: 2.6.25 and later.
//
// Models rmqueue_pcplist() and free_unref_page_commit() of mm/page_alloc.c, 5.10, with one migrate type.
// There nobody says cold any more (__GFP_COLD went in 4.15); requests that do are served from the tail as in
// 2.6.25 to 4.14.
#include "models/pages/pcp.hpp"
#include "sim/machine/core.hpp"

#include <vector>

namespace mmsim {
namespace {

class Merged final : public PerCpuLists {
 public:
  Merged(Zone& zone, std::uint32_t cpus, const PcpParameters& p)
      : zone_(zone), lists_(cpus), high_(static_cast<std::uint32_t>(p.high)), batch_(static_cast<std::uint32_t>(p.batch)) {}

  FrameNumber take(Core& core, Temperature temperature) override {
    FrameList& list = lists_[core.id().value()];
    const ListEnd end = temperature == Temperature::hot ? ListEnd::front : ListEnd::back;
    if (list.empty() && zone_.refill(core, list, batch_, end) == 0) return no_frame;
    const FrameNumber frame =
        end == ListEnd::front ? list.pop_front(zone_.frames()) : list.pop_back(zone_.frames());
    core.charge(core.costs().work.pcp_alloc, Account::alloc);
    return frame;
  }

  void put(Core& core, FrameNumber frame, Temperature temperature) override {
    FrameList& list = lists_[core.id().value()];
    zone_.frames()[frame].state = FrameState::per_cpu;
    if (temperature == Temperature::hot)
      list.push_front(zone_.frames(), frame);
    else
      list.push_back(zone_.frames(), frame);
    core.charge(core.costs().work.pcp_free, Account::alloc);
    if (list.size() >= high_) zone_.drain(core, list, batch_);
  }

  void drain(Core& core) override {
    FrameList& list = lists_[core.id().value()];
    if (!list.empty()) zone_.drain(core, list, UINT32_MAX);
  }

  void for_each_list(const Visit& visit) const override {
    for (std::uint32_t cpu = 0; cpu < lists_.size(); ++cpu)
      visit(CoreId(cpu), lists_[cpu]);
  }

 private:
  Zone& zone_;
  std::vector<FrameList> lists_; // by cpu
  const std::uint32_t high_, batch_;
};

const Registered<PerCpuLists> merged{
    "merged", "one list, hot pages at its head and cold ones at its tail (2.6.25 and later)",
    [](Zone& zone, std::uint32_t cpus, const PcpParameters& p) {
      return std::make_unique<Merged>(zone, cpus, p);
    }};

} // namespace
} // namespace mmsim

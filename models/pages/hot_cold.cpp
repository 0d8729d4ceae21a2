// Two lists a core, hot and cold: buffered_rmqueue() and free_hot_cold_page() of mm/page_alloc.c, 2.6.24.
//
// Both are used as stacks and drained from the other end. setup_pageset() gives the cold list a third of the
// length and half the batch of the hot one.
#include "models/pages/pcp.hpp"
#include "sim/machine/core.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace mmsim {
namespace {

class HotCold final : public PerCpuLists {
 public:
  HotCold(Zone& zone, std::uint32_t cpus, const PcpParameters& p) : zone_(zone), pagesets_(cpus) {
    const auto batch = static_cast<std::uint32_t>(p.batch);
    limits_ = {Limits{static_cast<std::uint32_t>(p.high), batch}, Limits{2 * batch, std::max(1U, batch / 2)}};
  }

  FrameNumber take(Core& core, Temperature temperature) override {
    FrameList& list = pagesets_[core.id().value()][index(temperature)];
    if (list.empty() && zone_.refill(core, list, limits_[index(temperature)].batch, ListEnd::front) == 0)
      return no_frame;
    const FrameNumber frame = list.pop_front(zone_.frames());
    core.charge(core.costs().work.pcp_alloc, Account::alloc);
    return frame;
  }

  void put(Core& core, FrameNumber frame, Temperature temperature) override {
    FrameList& list = pagesets_[core.id().value()][index(temperature)];
    const Limits& limits = limits_[index(temperature)];
    zone_.frames()[frame].state = FrameState::per_cpu;
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
      for (const FrameList& list : pagesets_[cpu])
        visit(CoreId(cpu), list);
  }

 private:
  struct Limits {
    std::uint32_t high, batch;
  };
  static std::size_t index(Temperature temperature) { return temperature == Temperature::cold; }

  Zone& zone_;
  std::vector<std::array<FrameList, 2>> pagesets_; // by cpu
  std::array<Limits, 2> limits_;
};

const Registered<PerCpuLists> hot_cold{"hot_cold", "a list of hot and a list of cold pages (2.6.24)",
                                       [](Zone& zone, std::uint32_t cpus, const PcpParameters& p) {
                                         return std::make_unique<HotCold>(zone, cpus, p);
                                       }};

} // namespace
} // namespace mmsim

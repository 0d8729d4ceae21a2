// A list a migrate type under one count, hot pages at the head and cold ones at the tail: 2.6.25 and later.
//
// Models rmqueue_pcplist(), rmqueue_bulk(), free_unref_page_commit() and free_pcppages_bulk() of mm/page_alloc.c,
// 5.10. There nobody says cold any more (__GFP_COLD went in 4.15); requests that do are served from the tail, and
// cold frames come to it, as in 2.6.25 to 4.14. A drain takes frames off the tails of the lists in turn, more from one
// list the more empty ones it has met, then looks at their buddies (prefetch_buddy(), since 4.18), then takes the lock.
//
// Left out: that types shared one list, searched as in 2.6.24, up to 2.6.32; that prefetches overlap.
//
// Costs: machine.work.pcp_alloc, pcp_free; what struct_page_miss.hpp says for each buddy that is prefetched.
#include "models/pages/pcp.hpp"
#include "models/pages/struct_page_miss.hpp"
#include "sim/machine/core.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace mmsim {
namespace {

constexpr std::size_t pcp_types = 3; // MIGRATE_PCPTYPES

class Merged final : public PerCpuLists {
 public:
  Merged(Zone& zone, std::uint32_t cpus, bool prefetch_buddy)
      : zone_(zone), limits_(zone.limits().hot), prefetch_buddy_(prefetch_buddy), pagesets_(cpus) {}

  FrameNumber take(Core& core, const Wish& wish) override {
    Lists& pcp = pagesets_[core.id().value()];
    FrameList& list = pcp.lists[index(wish.type)];
    const ListEnd end = wish.temperature == Temperature::hot ? ListEnd::front : ListEnd::back;
    if (list.empty()) {
      pcp.count += zone_.refill(core, list, limits_.batch, end, wish.type, wish.no_fragment);
      if (list.empty()) return no_frame;
    }
    --pcp.count;
    const FrameNumber frame =
        end == ListEnd::front ? list.pop_front(zone_.frames()) : list.pop_back(zone_.frames());
    core.charge(core.costs().work.pcp_alloc, Account::alloc);
    return frame;
  }

  void put(Core& core, FrameNumber frame, Temperature temperature) override {
    Lists& pcp = pagesets_[core.id().value()];
    Frame& f = zone_.frames()[frame];
    const MigrateType type = zone_.buddy().pageblocks().type_of(frame);
    f.state = FrameState::per_cpu;
    f.flags = static_cast<std::uint32_t>(type);
    // Frames of MIGRATE_HIGHATOMIC count as movable, so that their pageblocks can be had back.
    FrameList& list = pcp.lists[type == MigrateType::reserve ? index(MigrateType::movable) : index(type)];
    if (temperature == Temperature::hot)
      list.push_front(zone_.frames(), frame);
    else
      list.push_back(zone_.frames(), frame);
    ++pcp.count;
    core.charge(core.costs().work.pcp_free, Account::alloc);
    if (pcp.count >= limits_.high) free_bulk(core, pcp, limits_.batch);
  }

  void drain(Core& core) override {
    Lists& pcp = pagesets_[core.id().value()];
    if (pcp.count != 0) free_bulk(core, pcp, pcp.count);
  }

  void for_each_list(const Visit& visit) const override {
    for (std::uint32_t cpu = 0; cpu < pagesets_.size(); ++cpu)
      for (std::size_t type = 0; type < pcp_types; ++type)
        visit(CoreId(cpu), {pagesets_[cpu].lists[type], limits_, static_cast<MigrateType>(type)});
  }

  std::vector<Pageset> pageset(CoreId core) const override {
    return {{pagesets_[core.value()].count, limits_}};
  }

 private:
  struct Lists {
    std::array<FrameList, pcp_types> lists;
    std::uint32_t count = 0;
  };

  // free_pcppages_bulk().
  void free_bulk(Core& core, Lists& pcp, std::uint32_t count) {
    count = std::min(count, pcp.count);
    pcp.count -= count;
    FrameTable& frames = zone_.frames();
    FrameList head;
    const std::uint32_t fetched = prefetch_buddy_ ? std::min(limits_.batch, count) : 0;
    std::uint32_t prefetches = fetched;
    Duration prefetched{};
    std::uint32_t batch_free = 0;
    std::size_t type = 0;
    while (count > 0) {
      do {
        ++batch_free;
        type = type + 1 == pcp_types ? 0 : type + 1;
      } while (pcp.lists[type].empty());
      if (batch_free == pcp_types) batch_free = count; // the only list that is not empty
      FrameList& list = pcp.lists[type];
      do {
        const FrameNumber frame = list.pop_back(frames);
        if (prefetches != 0) {
          --prefetches;
          const FrameNumber buddy(frame.value() ^ 1);
          if (buddy != head.back() && buddy != list.back())
            prefetched += struct_page_miss(core, frames[buddy]);
        }
        head.push_back(frames, frame);
      } while (--count != 0 && --batch_free != 0 && !list.empty());
    }
    core.charge(prefetched, Account::alloc);
    zone_.drain_prepared(core, head, fetched); // those at its front
  }

  Zone& zone_;
  const PcpLimits limits_;
  const bool prefetch_buddy_;
  std::vector<Lists> pagesets_; // by cpu
};

const Registered<PerCpuLists> merged{
    "merged", "a list a migrate type, hot pages at its head and cold ones at its tail (2.6.25 and later)",
    [](Zone& zone, std::uint32_t cpus, const PcpListParameters& p) {
      return std::make_unique<Merged>(zone, cpus, p.prefetch_buddy);
    }};

} // namespace
} // namespace mmsim

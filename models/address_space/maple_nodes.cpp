#include "models/address_space/maple_nodes.hpp"

#include "models/locks/rcu.hpp"
#include "models/pages/slab.hpp"

#include <utility>

namespace mmsim {

// mt_free_rcu() and mt_free_walk().
void MapleNode::run(Core& core) {
  for (MapleNode* node = this; node != nullptr;) {
    MapleNode* next = std::exchange(node->dies_with_, nullptr);
    if (const SlabObject object = std::exchange(node->object_, no_object); object != no_object) {
      --home_->with_memory_;
      home_->cache_->free(core, object);
    }
    home_->free_.push_back(node);
    node = next;
  }
}

void MapleNodes::prealloc(Core& core, MapleReserve& reserve, int nodes) {
  while (static_cast<int>(reserve.objects.size()) < nodes) {
    const SlabObject object = cache_->alloc(core, GFP_KERNEL);
    if (object == no_object) return;
    reserve.objects.push_back(object);
  }
}

MapleNode& MapleNodes::take(MapleReserve& reserve, bool leaf) {
  if (free_.empty()) {
    free_.push_back(&all_.emplace_back());
    free_.back()->home_ = this;
  }
  MapleNode& node = *free_.back();
  free_.pop_back();
  node.leaf = leaf;
  node.slots = 0;
  if (!reserve.objects.empty()) {
    node.object_ = reserve.objects.back();
    reserve.objects.pop_back();
    ++with_memory_;
  }
  return node;
}

void MapleNodes::settle(Core& core, Rcu& rcu, MapleReserve& reserve, bool together) {
  for (; !reserve.objects.empty(); reserve.objects.pop_back())
    cache_->free(core, reserve.objects.back());
  std::vector<MapleNode*>& retired = reserve.retired;
  if (together)
    for (std::size_t i = 0; i + 1 < retired.size(); ++i)
      retired[i]->dies_with_ = retired[i + 1];
  for (MapleNode* node : retired) {
    rcu.call(core, *node);
    if (together) break;
  }
  retired.clear();
}

} // namespace mmsim

#include "sim/machine/tlb.hpp"

#include <algorithm>

namespace mmsim {

Tlb::Array::Array(std::int64_t entries, std::int64_t ways_wanted)
    : ways(static_cast<std::size_t>(std::min(ways_wanted, entries))) {
  sets = std::max<std::size_t>(1, static_cast<std::size_t>(entries) / ways);
  tags.resize(sets * ways);
  translations.resize(sets * ways);
  next_victim.resize(sets);
}

int Tlb::Array::find(std::uint64_t tag, PageNumber page) {
  if (tags[last] == tag) return static_cast<int>(last);
  const std::size_t first = first_way(page);
  for (std::size_t i = first; i < first + ways; ++i)
    if (tags[i] == tag) {
      last = i;
      return static_cast<int>(i);
    }
  return -1;
}

void Tlb::Array::put(std::uint64_t tag, PageNumber page, const Translation& translation) {
  int at = find(tag, page);
  if (at < 0) {
    const std::size_t set = page.value() % sets;
    at = static_cast<int>(set * ways + next_victim[set]);
    next_victim[set] = (next_victim[set] + 1) % static_cast<std::uint32_t>(ways);
  }
  tags[at] = tag;
  translations[at] = translation;
}

bool Tlb::Array::erase(std::uint64_t tag, PageNumber page) {
  const int at = find(tag, page);
  if (at >= 0) tags[at] = 0;
  return at >= 0;
}

bool Tlb::Array::holds(std::uint64_t tag, PageNumber page, const std::uint64_t* source) const {
  const std::size_t first = first_way(page);
  for (std::size_t i = first; i < first + ways; ++i)
    if (tags[i] == tag && translations[i].source == source) return true;
  return false;
}

bool Tlb::Array::erase_between(std::uint64_t first_tag, std::uint64_t last_tag) {
  bool dropped = false;
  for (std::uint64_t& tag : tags)
    if (first_tag <= tag && tag <= last_tag) {
      tag = 0;
      dropped = true;
    }
  return dropped;
}

Tlb::Tlb(const TlbCosts& costs)
    : first_(costs.l1_entries, costs.l1_ways), second_(costs.l2_entries, costs.l2_ways),
      walks_(static_cast<std::size_t>(costs.walk_cache_entries)) {}

std::uint64_t Tlb::tag_base(Asid asid) const {
  const auto found = eras_.find(asid.value());
  const std::uint64_t era = found == eras_.end() ? 0 : found->second;
  return valid | (era & ((1u << era_bits) - 1)) << (page_bits + asid_bits) |
         std::uint64_t{asid.value()} << page_bits;
}

void Tlb::use(Asid asid) {
  asid_ = asid;
  base_ = tag_base(asid);
}

Tlb::Hit Tlb::look_up_tag(std::uint64_t tag, PageNumber page) {
  if (const int at = first_.find(tag, page); at >= 0) return {Level::first, &first_.translations[at]};
  if (const int at = second_.find(tag, page); at >= 0) {
    first_.put(tag, page, second_.translations[at]);
    (void)first_.find(tag, page);
    return {Level::second, &first_.translations[first_.last]};
  }
  return {Level::miss, nullptr};
}

void Tlb::insert_tag(std::uint64_t tag, PageNumber page, const Translation& translation) {
  first_.put(tag, page, translation);
  second_.put(tag, page, translation);
}

bool Tlb::holds(Asid asid, PageNumber page, const std::uint64_t* source) const {
  const std::uint64_t tag = tag_base(asid) | page.value();
  return first_.holds(tag, page, source) || second_.holds(tag, page, source);
}

bool Tlb::invalidate_page(Asid asid, PageNumber page, bool last_level) {
  const std::uint64_t tag = tag_base(asid) | page.value();
  bool dropped = first_.erase(tag, page);
  dropped |= second_.erase(tag, page);
  if (last_level) return dropped;
  const PageNumber region(page.value() >> 9);
  Entry& walk = walks_[region.value() % walks_.size()];
  if (walk.tag == (tag_base(asid) | region.value())) {
    walk.tag = 0;
    dropped = true;
  }
  return dropped;
}

// Page by page, unless the whole TLB has fewer entries than that: tags of a base lie next to each other.
bool Tlb::erase_range(std::uint64_t base, PageNumber first, std::uint64_t pages) {
  bool dropped = false;
  if (pages <= second_.tags.size() / second_.ways) {
    for (std::uint64_t tag = base | first.value(); tag < (base | first.value()) + pages; ++tag) {
      const PageNumber page(tag - base);
      dropped |= first_.erase(tag, page);
      dropped |= second_.erase(tag, page);
    }
    return dropped;
  }
  const std::uint64_t begin = base | first.value(), last = base | (first.value() + pages - 1);
  dropped = first_.erase_between(begin, last);
  dropped |= second_.erase_between(begin, last);
  return dropped;
}

bool Tlb::invalidate_range(Asid asid, PageNumber first, std::uint64_t pages, bool last_level) {
  const std::uint64_t base = tag_base(asid);
  bool dropped = erase_range(base, first, pages);
  if (last_level) return dropped;
  const std::uint64_t begin = base | first.value() >> 9, last = base | (first.value() + pages - 1) >> 9;
  for (Entry& walk : walks_)
    if (begin <= walk.tag && walk.tag <= last) {
      walk.tag = 0;
      dropped = true;
    }
  return dropped;
}

bool Tlb::invalidate_global(PageNumber first, std::uint64_t pages) {
  return erase_range(global_base, first, pages);
}

void Tlb::new_era(Asid asid) {
  const std::uint32_t era = ++eras_[asid.value()];
  if ((era & ((1u << era_bits) - 1)) == 0) {
    // Eras repeat from here: entries of the oldest must really go.
    const auto is_of = [asid](std::uint64_t tag) {
      return (tag & global_base) == valid && asid_of(tag) == asid;
    };
    for (Array* array : {&first_, &second_})
      for (std::uint64_t& tag : array->tags)
        if (is_of(tag)) tag = 0;
    for (Entry& entry : walks_)
      if (is_of(entry.tag)) entry.tag = 0;
  }
}

void Tlb::invalidate_asid(Asid asid) {
  new_era(asid);
  base_ = tag_base(asid_);
}

void Tlb::invalidate_all() {
  // Everything goes: eras may start again from a clean slate.
  std::fill(first_.tags.begin(), first_.tags.end(), 0);
  std::fill(second_.tags.begin(), second_.tags.end(), 0);
  for (Entry& entry : walks_)
    entry.tag = 0;
}

Tlb::Translation* Tlb::walk_cached(PageNumber page) {
  const PageNumber region(page.value() >> 9);
  Entry& entry = walks_[region.value() % walks_.size()];
  return entry.tag == (base_ | region.value()) ? &entry.translation : nullptr;
}

bool Tlb::may_walk(std::uint64_t word) const {
  for (const Entry& entry : walks_)
    if (entry.translation.word == word && (entry.tag & era_and_asid) == base_) return true;
  return false;
}

bool Tlb::holds(Asid asid) const {
  const auto is_live = [base = tag_base(asid)](std::uint64_t tag) { return (tag & era_and_asid) == base; };
  return std::ranges::any_of(first_.tags, is_live) || std::ranges::any_of(second_.tags, is_live);
}

void Tlb::remember_walk(PageNumber page, Translation translation) {
  const PageNumber region(page.value() >> 9);
  walks_[region.value() % walks_.size()] = {base_ | region.value(), translation};
}

} // namespace mmsim

// A set of cores (a cpumask), by number or by place: a fixed array of bits.
#pragma once

#include "sim/engine/strong_int.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace mmsim {

template <class Id>
class IdSet {
 public:
  static constexpr std::size_t max_cores = 1024;

  bool contains(Id core) const { return words_[word(core)] >> bit(core) & 1; }
  void insert(Id core) { words_[word(core)] |= std::uint64_t{1} << bit(core); }
  void erase(Id core) { words_[word(core)] &= ~(std::uint64_t{1} << bit(core)); }
  void clear() { words_.fill(0); }
  bool empty() const {
    for (const std::uint64_t word : words_)
      if (word != 0) return false;
    return true;
  }
  std::size_t size() const {
    std::size_t total = 0;
    for (const std::uint64_t word : words_)
      total += static_cast<std::size_t>(std::popcount(word));
    return total;
  }
  /// Calls `visit(Id)` for each member, lowest first. The set may change meanwhile; `visit` sees a copy
  /// of each word.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t i = 0; i < words_.size(); ++i)
      for (std::uint64_t rest = words_[i]; rest != 0; rest &= rest - 1)
        visit(Id(static_cast<std::uint32_t>(i * 64 + static_cast<std::size_t>(std::countr_zero(rest)))));
  }
  /// True if a member lies in [from, from + count). `count` > 0.
  bool any_in(Id from, std::uint32_t count) const {
    const Id last(from.value() + count - 1);
    const std::uint64_t head = ~std::uint64_t{0} << bit(from), tail = ~std::uint64_t{0} >> (63 - bit(last));
    if (word(from) == word(last)) return (words_[word(from)] & head & tail) != 0;
    if ((words_[word(from)] & head) != 0 || (words_[word(last)] & tail) != 0) return true;
    for (std::size_t i = word(from) + 1; i < word(last); ++i)
      if (words_[i] != 0) return true;
    return false;
  }
  /// The lowest and the highest member. The set must not be empty.
  Id lowest() const {
    std::size_t i = 0;
    while (words_[i] == 0)
      ++i;
    return Id(static_cast<std::uint32_t>(i * 64 + static_cast<std::size_t>(std::countr_zero(words_[i]))));
  }
  Id highest() const {
    std::size_t i = words_.size() - 1;
    while (words_[i] == 0)
      --i;
    return Id(
        static_cast<std::uint32_t>(i * 64 + 63 - static_cast<std::size_t>(std::countl_zero(words_[i]))));
  }
  IdSet& operator|=(const IdSet& other) {
    for (std::size_t i = 0; i < words_.size(); ++i)
      words_[i] |= other.words_[i];
    return *this;
  }
  static IdSet first(std::uint32_t cores) {
    IdSet set;
    for (std::uint32_t i = 0; i < cores; ++i)
      set.insert(Id(i));
    return set;
  }
  friend IdSet operator&(IdSet a, const IdSet& b) {
    for (std::size_t i = 0; i < a.words_.size(); ++i)
      a.words_[i] &= b.words_[i];
    return a;
  }
  bool operator==(const IdSet&) const = default;

 private:
  static std::size_t word(Id core) { return core.value() / 64; }
  static unsigned bit(Id core) { return core.value() % 64; }
  std::array<std::uint64_t, max_cores / 64> words_{};
};

using CoreSet = IdSet<CoreId>;
using PlaceSet = IdSet<PlaceId>;

} // namespace mmsim

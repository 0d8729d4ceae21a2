// A set of cores (a cpumask): a fixed array of bits.
#pragma once

#include "sim/engine/strong_int.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace mmsim {

class CoreSet {
 public:
  static constexpr std::size_t max_cores = 1024;

  bool contains(CoreId core) const { return words_[word(core)] >> bit(core) & 1; }
  void insert(CoreId core) { words_[word(core)] |= std::uint64_t{1} << bit(core); }
  void erase(CoreId core) { words_[word(core)] &= ~(std::uint64_t{1} << bit(core)); }
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
  /// Calls `visit(CoreId)` for each member, lowest first. The set may change meanwhile; `visit` sees a copy
  /// of each word.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t i = 0; i < words_.size(); ++i)
      for (std::uint64_t rest = words_[i]; rest != 0; rest &= rest - 1)
        visit(CoreId(static_cast<std::uint32_t>(i * 64 + static_cast<std::size_t>(std::countr_zero(rest)))));
  }
  static CoreSet first(std::uint32_t cores) {
    CoreSet set;
    for (std::uint32_t i = 0; i < cores; ++i)
      set.insert(CoreId(i));
    return set;
  }
  friend CoreSet operator&(CoreSet a, const CoreSet& b) {
    for (std::size_t i = 0; i < a.words_.size(); ++i)
      a.words_[i] &= b.words_[i];
    return a;
  }
  bool operator==(const CoreSet&) const = default;

 private:
  static std::size_t word(CoreId core) { return core.value() / 64; }
  static unsigned bit(CoreId core) { return core.value() % 64; }
  std::array<std::uint64_t, max_cores / 64> words_{};
};

} // namespace mmsim

#pragma once
// Interrupts between cores, counted by who sends to whom.
//
// Cores are counted in groups of equal width, at most 64 of them, so that the matrix of 1024 cores takes 32
// KiB and one increment an interrupt, and fits on a page. With up to 64 cores a group is one core.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mmsim {

/// A copy of the counts, to be subtracted from a later one or added to those of another seed.
struct IpiCounts {
  static constexpr std::uint32_t most_groups = 64;

  std::uint32_t cpus = 0; ///< 0: nothing was counted
  /// groups() rows, one a group of senders, of groups() columns, one a group of targets; empty without cpus.
  std::vector<std::uint64_t> counts{};

  IpiCounts() = default;
  explicit IpiCounts(std::uint32_t number_of_cpus);

  /// CPUs a group; the last may have fewer.
  std::uint32_t width() const { return (cpus + most_groups - 1) / most_groups; }
  std::uint32_t groups() const { return cpus == 0 ? 0 : (cpus + width() - 1) / width(); }
  /// Of two groups, by number.
  std::uint64_t& at(std::uint32_t from, std::uint32_t to) {
    return counts[std::size_t(from) * groups() + to];
  }
  std::uint64_t at(std::uint32_t from, std::uint32_t to) const {
    return counts[std::size_t(from) * groups() + to];
  }
  std::uint64_t sum() const;
  /// Of another run of the same point. Throws std::invalid_argument if it had another number of CPUs.
  void add(const IpiCounts& other);
  bool operator==(const IpiCounts&) const = default;
};

/// What was counted between two instants of one run.
IpiCounts difference(const IpiCounts& later, const IpiCounts& earlier);

class IpiMatrix {
 public:
  explicit IpiMatrix(std::uint32_t cpus);
  /// CPU `from` sends an interrupt to CPU `to`.
  void count(std::uint32_t from, std::uint32_t to) { ++counts_.counts[row_of_[from] + column_of_[to]]; }
  const IpiCounts& snapshot() const { return counts_; }

 private:
  IpiCounts counts_;
  std::vector<std::uint16_t> row_of_, column_of_; // by CPU: where its group's row begins, its group's column
};

} // namespace mmsim

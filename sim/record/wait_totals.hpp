#pragma once
// How long an operation has waited for whom, all its executions together: a row for each WaitId that occurred.

#include <cstdint>
#include <vector>

#include "sim/record/ledger.hpp"

namespace mmsim {

class WaitTotals {
 public:
  struct Row {
    WaitId whom;
    AccountTotals of{};
  };

  void add(const WaitLog::Entry& entry) {
    if (row_of_.empty()) row_of_.resize(std::size_t(UINT16_MAX) + 1);
    std::uint16_t& row = row_of_[entry.whom.value()];
    if (row == 0) {
      rows_.push_back({entry.whom, {}});
      row = std::uint16_t(rows_.size());
    }
    rows_[row - 1u].of[index(entry.account)] += entry.length;
  }

  /// In increasing order of WaitId, whatever the order in which they came.
  std::vector<Row> rows() const;

 private:
  std::vector<std::uint16_t> row_of_; // by WaitId, from 1; 0: none. Empty until something is added
  std::vector<Row> rows_;
};

} // namespace mmsim

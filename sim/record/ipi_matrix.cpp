#include "sim/record/ipi_matrix.hpp"

#include <numeric>
#include <stdexcept>
#include <string>

namespace mmsim {

IpiCounts::IpiCounts(std::uint32_t number_of_cpus) : cpus(number_of_cpus) {
  counts.resize(std::size_t(groups()) * groups());
}

std::uint64_t IpiCounts::sum() const {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t(0));
}

void IpiCounts::add(const IpiCounts& other) {
  if (other.cpus == 0) return;
  if (cpus == 0) *this = IpiCounts(other.cpus);
  if (cpus != other.cpus)
    throw std::invalid_argument("interrupts of runs with " + std::to_string(cpus) + " and with " +
                                std::to_string(other.cpus) + " CPUs cannot be added");
  for (std::size_t i = 0; i < counts.size(); ++i)
    counts[i] += other.counts[i];
}

IpiCounts difference(const IpiCounts& later, const IpiCounts& earlier) {
  IpiCounts between = later;
  for (std::size_t i = 0; i < earlier.counts.size(); ++i)
    between.counts[i] -= earlier.counts[i];
  return between;
}

IpiMatrix::IpiMatrix(std::uint32_t cpus) : counts_(cpus) {
  for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) {
    const std::uint32_t group = cpu / counts_.width();
    row_of_.push_back(std::uint16_t(group * counts_.groups()));
    column_of_.push_back(std::uint16_t(group));
  }
}

} // namespace mmsim

#include "sim/record/tables.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "sim/record/atomic_file.hpp"
#include "sim/record/table_rows.hpp"

namespace mmsim {
namespace {

struct Table {
  std::string_view file;
  std::string_view columns; // after the axes; none: no header
  void (*add)(std::string& text, const PointRows& rows);
};

constexpr std::array<Table, table_names.size()> all{{
    {"latency.csv", "operation,count,mean_ns,ci95_ns,p50_ns,p90_ns,p99_ns,p999_ns,max_ns,per_second",
     add_latencies},
    {"histogram.csv", "operation,low_ns,high_ns,count", add_histograms},
    {"account.csv", "operation,account,mean_ns,total_ps", add_accounts},
    {"wait.csv", "operation,account,kind,whom,mean_ns,total_ps", add_waits},
    {"folded.txt", "", add_stacks},
    {"counter.csv", "counter,value", add_counters},
    {"ipi.csv", "from,to,width,count", add_ipis},
    {"point.csv", "seed,status,simulated_ns,host_s,events,warnings", add_runs},
}};
static_assert(std::ranges::equal(all, table_names, {}, &Table::file));

bool holds_file(const std::filesystem::path& file, const std::string& contents) {
  std::ifstream stream(file, std::ios::binary);
  return stream && std::string(std::istreambuf_iterator<char>(stream), {}) == contents;
}

} // namespace

std::vector<ResultFile> table_files(const ResultTables& tables) {
  std::vector<ResultFile> files;
  for (const Table& table : all)
    files.push_back(
        {std::string(table.file), table.columns.empty() ? "" : header_row(tables, table.columns)});
  for (const ResultTables::Point& point : tables.points) {
    const PointRows rows(tables, point); // merging seeds is what takes time: once for all tables
    for (std::size_t i = 0; i < all.size(); ++i)
      all[i].add(files[i].contents, rows);
  }
  return files;
}

std::string table_named(std::string_view name, const ResultTables& tables) {
  for (ResultFile& file : table_files(tables))
    if (file.name == name) return std::move(file.contents);
  throw std::logic_error("there is no table " + std::string(name));
}

bool holds(const std::filesystem::path& directory, const std::vector<ResultFile>& files) {
  return std::ranges::all_of(
      files, [&](const ResultFile& file) { return holds_file(directory / file.name, file.contents); });
}

void write_files(const std::filesystem::path& directory, const std::vector<ResultFile>& files) {
  std::vector<StagedFile> staged;
  for (const ResultFile& file : files)
    staged.emplace_back(directory / file.name, file.contents);
  for (StagedFile& file : staged)
    file.publish();
}

} // namespace mmsim

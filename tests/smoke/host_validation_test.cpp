// mmsim validate --host: what it makes of measurements, and the fit of the kernel's costs against a machine whose
// costs are known because it is simulated. Nothing here measures the host.
#include "cli/host/host_validation.hpp"
#include "cli/host/host_validation_files.hpp"
#include "cli/host/host_validation_text.hpp"
#include "cli/host/kernel_calibration.hpp"
#include "cli/host/kernel_fit.hpp"
#include "cli/host/machine_settings.hpp"
#include "sim/engine/configuration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace mmsim::host {
namespace {

using testing::HasSubstr;
using testing::Not;
using Kind = KernelWorkload::Kind;

const KernelOperation fork_512{{Kind::fork, 512}, "fork"};

Measurement measured(double median, double low, double high, double spread) {
  return {"it", "ns", median, low, high, spread, 9, "median of 9 rounds"};
}
HostRow row(double simulated, const Measurement& measurement, double bound = 0.15) {
  return {fork_512, measurement, simulated, bound};
}

TEST(HostValidation, a_row_holds_within_its_bound_of_the_median) {
  const Measurement quiet = measured(1000, 990, 1010, 0.05);
  EXPECT_EQ(row(1149, quiet).verdict(), HostVerdict::ok);
  EXPECT_EQ(row(851, quiet).verdict(), HostVerdict::ok);
  EXPECT_EQ(row(1180, quiet).verdict(), HostVerdict::miss);
  EXPECT_EQ(row(820, quiet).verdict(), HostVerdict::miss);
  EXPECT_NEAR(*row(1180, quiet).error(), 0.18, 1e-9);
}

TEST(HostValidation, a_row_that_holds_only_by_the_interval_of_the_median_says_so) {
  const Measurement wide = measured(1000, 900, 1100, 0.1);
  EXPECT_EQ(row(1250, wide).verdict(), HostVerdict::ok_by_interval);
  EXPECT_EQ(row(1270, wide).verdict(), HostVerdict::miss);
  EXPECT_EQ(row(770, wide).verdict(), HostVerdict::ok_by_interval);
}

TEST(HostValidation, a_row_whose_machine_differs_from_itself_by_more_than_the_bound_does_not_count) {
  const Measurement noisy = measured(1000, 700, 1500, 0.4);
  EXPECT_EQ(row(5000, noisy).verdict(), HostVerdict::uncounted);
  EXPECT_FALSE(row(5000, noisy).counts());
  EXPECT_TRUE(row(1000, measured(1000, 990, 1010, 0.05)).counts());
  const HostRow missing = row(1000, {});
  EXPECT_EQ(missing.verdict(), HostVerdict::unmeasured);
  EXPECT_FALSE(missing.error().has_value());
}

TEST(HostValidation, fork_is_held_to_15_percent_and_all_else_to_25) {
  for (const KernelOperation& operation : validation_operations())
    EXPECT_EQ(bound_of(operation), operation.operation == "fork" ? 0.15 : 0.25) << title_of(operation);
}

TEST(HostValidation, what_calibration_has_used_is_no_prediction) {
  std::size_t predicted = 0;
  for (const KernelOperation& operation : validation_operations())
    predicted += !is_calibrated(operation);
  EXPECT_GE(predicted, 20u);
  for (const Calibration& one : kernel_calibrations())
    EXPECT_TRUE(is_calibrated(one.from));
  EXPECT_FALSE(is_calibrated(fork_512));
}

TEST(HostValidation, there_are_no_more_parameters_than_measured_operations) {
  std::vector<KernelOperation> operations;
  std::vector<std::string_view> paths;
  for (const Calibration& one : kernel_calibrations()) {
    EXPECT_EQ(std::ranges::count(operations, one.from), 0) << title_of(one.from) << " fixes two parameters";
    EXPECT_EQ(std::ranges::count(paths, one.path), 0) << one.path;
    operations.push_back(one.from);
    paths.push_back(one.path);
  }
}

TEST(HostValidation, the_table_has_both_sides_and_says_why_a_row_does_not_count) {
  const std::vector<HostRow> rows{row(1100, measured(1000, 990, 1010, 0.05)),
                                  row(2000, measured(1000, 990, 1010, 0.05)),
                                  row(2000, measured(1000, 700, 1500, 0.4))};
  const std::string table = table_of(rows, Terminal{});
  EXPECT_THAT(table, HasSubstr("fork of written pages"));
  EXPECT_THAT(table, HasSubstr("990 ns to 1.01 us"));
  EXPECT_THAT(table, HasSubstr("+10 %"));
  EXPECT_THAT(table, HasSubstr("MISS"));
  EXPECT_THAT(table, HasSubstr("spread is 40 %"));
  EXPECT_THAT(summary_of(rows), HasSubstr("1 of 2 predictions hold"));
}

TEST(HostValidation, the_files_have_uncounted_rows_and_leave_out_what_was_not_measured) {
  HostMachine machine;
  machine.model = "a machine";
  const std::vector<HostRow> rows{row(1100, measured(1000, 990, 1010, 0.05)),
                                  row(2000, measured(1000, 700, 1500, 0.4)), row(1, {})};
  const std::vector<ResultFile> files = host_validation_files(rows, machine, "mmsim validate --host", 1);
  ASSERT_EQ(files.size(), 3u);
  EXPECT_THAT(files[0].contents, HasSubstr("host-fork,512,1000,1100,0.1"));
  EXPECT_THAT(files[0].contents, HasSubstr(",predicted,uncounted,host,ns,absolute\n"));
  EXPECT_EQ(std::ranges::count(files[0].contents, '\n'), 3);
  EXPECT_THAT(files[1].contents, HasSubstr("\"verdict\": \"ok\""));
}

// A small machine of the simulator stands for the real one: its costs are known, its operations are "measured" by
// simulating them, and the fit, which begins elsewhere, must find the costs again.
TEST(HostValidation, the_fit_finds_the_costs_of_a_simulated_machine_again) {
  const std::vector<std::pair<std::string, double>> truth{
      {"work.task_create", 31'000}, {"work.task_exit", 22'000}, {"work.fault_handle", 410},
      {"work.pcp_alloc", 140},      {"work.munmap", 830},       {"work.mprotect", 555},
      {"tlbi.page", 121},           {"work.vma_dup", 333}};
  const std::vector<std::string> known{"kernel.base=host-x86", "machine.memory=1 GiB",
                                       "machine.tlb.broadcast=false", "machine.sockets=1",
                                       "machine.clusters_per_die=1"};
  std::vector<std::string> machine = known;
  for (const auto& [path, ns] : truth)
    machine.push_back(setting_of("machine." + path, ns));
  std::vector<MeasuredOperation> answers;
  for (const auto& [path, ns] : truth) {
    const auto one = std::ranges::find(kernel_calibrations(), path, &Calibration::path);
    ASSERT_NE(one, kernel_calibrations().end()) << path;
    const MeanTimes times = simulate({{one->from.workload, machine}});
    const std::vector<std::string> names = operations_of(one->from.workload.kind);
    const double is = times[0][std::size_t(std::ranges::find(names, one->from.operation) - names.begin())];
    answers.push_back({one->from, measured(is, is, is, 0.01)});
  }
  const std::vector<MachineValue> values = fit_to(answers, known, simulate);
  for (const auto& [path, ns] : truth) {
    const MachineValue* const value = find_value(values, path);
    ASSERT_NE(value, nullptr) << path;
    EXPECT_NEAR(value->median, ns, 0.03 * ns) << path << ": " << value->how;
  }
  const auto other = std::ranges::find(values, "ipi.deliver", &MachineValue::path);
  ASSERT_NE(other, values.end());
  EXPECT_FALSE(other->known()); // it takes a second thread, which nobody has measured here
}

TEST(HostValidation, a_cost_that_would_have_to_be_negative_is_nothing_and_the_others_are_found_without_it) {
  // Operation 1 takes a + 100, operation 2 takes a + b + 500; b would have to be -450.
  const KernelOperation one{{Kind::map, 1}, "munmap"}, two{{Kind::map, 2}, "munmap"};
  const Simulator linear = [](const std::vector<SimulatedWorkload>& simulations) {
    MeanTimes times;
    for (const SimulatedWorkload& s : simulations) {
      const auto at = [&](std::size_t i) {
        return std::stod(s.settings[i].substr(s.settings[i].find('=') + 1));
      };
      times.push_back({0, s.workload.pages == 1 ? at(0) + 100 : at(0) + at(1) + 500});
    }
    return times;
  };
  const auto fitted = fit_parameters({{"a", 10, one, 150}, {"b", 10, two, 100}}, {}, linear);
  EXPECT_NEAR(fitted[0].ns, 50, 0.01);
  EXPECT_FALSE(fitted[0].given_up);
  EXPECT_EQ(fitted[1].ns, 0);
  EXPECT_TRUE(fitted[1].given_up);
}

TEST(HostValidation, the_cache_is_as_large_as_the_faults_say_that_get_slower) {
  const auto faults = [](double hot, double warm, double cold) {
    std::vector<MeasuredOperation> all;
    for (const auto& [pages, ns] : {std::pair(hot_pages, hot), {warm_pages, warm}, {cold_pages, cold}})
      all.push_back({{{Kind::map, pages}, "demand_fault"}, measured(ns, ns, ns, 0.01)});
    return all;
  };
  EXPECT_EQ(cache_from_faults(faults(1000, 1500, 2000))->value,
            "\"4096 KiB\""); // half of the way: 1024 pages
  EXPECT_EQ(cache_from_faults(faults(1000, 1000, 2000))->value, "\"8192 KiB\"");
  EXPECT_FALSE(cache_from_faults(faults(1000, 1000, 1010)).has_value());
}

TEST(HostValidation, a_machine_file_with_an_unknown_key_is_refused_at_its_place) {
  const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "host_validation_mine.toml";
  std::ofstream(file) << "clock = \"2 GHz\"\nline.atmoic = \"5 ns\"\n";
  try {
    machine_settings(file);
    FAIL() << "an unknown key was taken";
  } catch (const InputError& error) {
    EXPECT_THAT(std::string(error.what()), HasSubstr("mine.toml:2:6"));
    EXPECT_THAT(std::string(error.what()), HasSubstr("line.atomic"));
  }
}

} // namespace
} // namespace mmsim::host

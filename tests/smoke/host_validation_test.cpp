// mmsim validate --host: what it makes of measurements, and the fit of the kernel's costs against a machine whose
// costs are known because it is simulated. Nothing here measures the host.
#include "cli/configuration_files.hpp"
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

namespace mmsim::host::host_validation_test {
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

TEST(HostValidation, the_interval_of_the_median_does_not_widen_the_bound) {
  const Measurement wide = measured(1000, 870, 1130, 0.1);
  EXPECT_EQ(row(1149, wide).verdict(), HostVerdict::ok);
  EXPECT_EQ(row(1160, wide).verdict(), HostVerdict::miss);
  EXPECT_EQ(row(840, wide).verdict(), HostVerdict::miss);
}

TEST(HostValidation, a_row_whose_median_is_not_known_to_within_the_bound_tells_nothing_and_does_not_count) {
  const Measurement noisy = measured(1000, 700, 1500, 0.1);
  EXPECT_EQ(row(5000, noisy).verdict(), HostVerdict::uncounted);
  EXPECT_EQ(row(1000, noisy).verdict(), HostVerdict::uncounted); // nor is it a hit
  EXPECT_FALSE(row(5000, noisy).counts());
  // What single rounds differ by is no excuse if the median is known.
  EXPECT_EQ(row(5000, measured(1000, 990, 1010, 0.4)).verdict(), HostVerdict::miss);
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

TEST(HostValidation, a_kernel_from_before_per_vma_locks_gets_none) {
  HostMachine machine;
  const auto has_locks = [&](const char* architecture, const char* release) {
    machine.architecture = architecture;
    machine.kernel = release;
    const Configuration configuration = load_configuration({}, {"kernel.base=" + host_kernel(machine)});
    const Entry* const lock = configuration.find("kernel.vma_lock");
    return lock != nullptr && to_text(lock->value) == "true";
  };
  EXPECT_TRUE(has_locks("x86_64", "6.18.44-fc"));
  EXPECT_TRUE(has_locks("x86_64", "6.4.0"));
  EXPECT_FALSE(has_locks("x86_64", "6.1.0-13-amd64"));
  EXPECT_FALSE(has_locks("x86_64", "5.15.0-91-generic"));
  EXPECT_TRUE(has_locks("aarch64", "6.10.1"));
  EXPECT_FALSE(has_locks("aarch64", "6.2.0"));
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
  EXPECT_THAT(table, HasSubstr("+-40 %"));
  EXPECT_THAT(summary_of(rows), HasSubstr("1 of 2 predictions hold, with a median error of 55 %"));
  EXPECT_THAT(summary_of({rows[2]}), HasSubstr("nothing was shown"));
}

TEST(HostValidation, the_files_have_uncounted_rows_and_leave_out_what_was_not_measured) {
  HostMachine machine;
  machine.model = "a machine";
  const std::vector<HostRow> rows{row(1100, measured(1000, 990, 1010, 0.05)),
                                  row(2000, measured(1000, 700, 1500, 0.4)), row(1, {})};
  const std::vector<ResultFile> files =
      host_validation_files(rows, machine, "mmsim validate --host", 1, true);
  ASSERT_EQ(files.size(), 3u);
  EXPECT_THAT(files[0].contents, HasSubstr("host-fork,512,1000,1100,0.1"));
  EXPECT_THAT(files[0].contents, HasSubstr(",predicted,uncounted,host,ns,absolute\n"));
  EXPECT_EQ(std::ranges::count(files[0].contents, '\n'), 3);
  EXPECT_THAT(files[1].contents, HasSubstr("\"verdict\": \"ok\""));
  EXPECT_THAT(files[2].contents, HasSubstr("\"complete\": true"));
  const std::vector<ResultFile> part =
      host_validation_files({rows[1]}, machine, "mmsim validate --host", 1, false);
  EXPECT_THAT(part[1].contents, HasSubstr("\"verdict\": \"uncounted\""));
  EXPECT_THAT(part[1].contents, HasSubstr("\"median\": null"));
  EXPECT_THAT(part[2].contents, HasSubstr("\"complete\": false"));
}

// A small machine of the simulator stands for the real one: its costs are known, its operations are "measured" by
// simulating them, and the fit, which begins elsewhere, must find the costs again.
TEST(HostValidation, the_fit_finds_the_costs_of_a_simulated_machine_again) {
  const std::vector<std::pair<std::string, double>> truth{
      {"work.task_create", 31'000}, {"work.task_exit", 22'000}, {"work.fault_handle", 410},
      {"work.pcp_alloc", 140},      {"work.munmap", 830},       {"work.mprotect", 555},
      {"work.call_queue", 90},      {"work.vma_dup", 333}};
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
    const SimulatedTimes times = simulate({{one->from.workload, machine}});
    const std::vector<std::string> names = operations_of(one->from.workload.kind);
    const double is = times[0][std::size_t(std::ranges::find(names, one->from.operation) - names.begin())];
    answers.push_back({one->from, measured(is, is, is, 0.01)});
  }
  const auto [values, remarks] = fit_to(answers, known, simulate, Budget(60));
  EXPECT_THAT(remarks, testing::IsEmpty());
  for (const auto& [path, ns] : truth) {
    const MachineValue* const value = find_value(values, path);
    ASSERT_NE(value, nullptr) << path;
    EXPECT_NEAR(value->median, ns, 0.03 * ns) << path << ": " << value->how;
  }
  const auto other = std::ranges::find(values, "work.pte_copy", &MachineValue::path);
  ASSERT_NE(other, values.end());
  EXPECT_FALSE(other->known()); // nobody has measured here what it takes
}

TEST(HostValidation, a_cost_that_would_have_to_be_negative_is_nothing_and_the_others_are_found_without_it) {
  // Operation 1 takes a + 100, operation 2 takes a + b + 500; b would have to be -450.
  const KernelOperation one{{Kind::map, 1}, "munmap"}, two{{Kind::map, 2}, "munmap"};
  const Simulator linear = [](const std::vector<SimulatedWorkload>& simulations) {
    SimulatedTimes times;
    for (const SimulatedWorkload& s : simulations) {
      const auto at = [&](std::size_t i) {
        return std::stod(s.settings[i].substr(s.settings[i].find('=') + 1));
      };
      times.push_back({0, s.workload.pages == 1 ? at(0) + 100 : at(0) + at(1) + 500});
    }
    return times;
  };
  const auto fitted = fit_parameters({{"a", 10, one, 150}, {"b", 10, two, 100}}, {}, linear, Budget(1));
  EXPECT_NEAR(fitted[0].ns, 50, 0.01);
  EXPECT_FALSE(fitted[0].given_up);
  EXPECT_EQ(fitted[1].ns, 0);
  EXPECT_TRUE(fitted[1].given_up);
  EXPECT_FALSE(fitted[0].missed());
  EXPECT_TRUE(fitted[1].missed()); // and the file says so: the model takes 550, the machine 100
}

TEST(HostValidation, a_cost_that_one_step_gave_up_comes_back_when_the_next_has_room_for_it) {
  // Operation 1 takes a + a^2 / 200: from 10, a straight line goes to 41 where 38 is right. Operation 2 takes 4 a + b, so
  // that b, which is 5, would have to be negative beside an a of 41.
  const KernelOperation one{{Kind::map, 1}, "munmap"}, two{{Kind::map, 2}, "munmap"};
  const Simulator curved = [](const std::vector<SimulatedWorkload>& simulations) {
    SimulatedTimes times;
    for (const SimulatedWorkload& s : simulations) {
      const auto at = [&](std::size_t i) {
        return std::stod(s.settings[i].substr(s.settings[i].find('=') + 1));
      };
      times.push_back({0, s.workload.pages == 1 ? at(0) + at(0) * at(0) / 200 : 4 * at(0) + at(1)});
    }
    return times;
  };
  const auto fitted = fit_parameters({{"a", 10, one, 38 + 38 * 38 / 200.0}, {"b", 10, two, 4 * 38 + 5}}, {},
                                     curved, Budget(1));
  EXPECT_NEAR(fitted[0].ns, 38, 0.5);
  EXPECT_NEAR(fitted[1].ns, 5, 2);
  EXPECT_FALSE(fitted[1].given_up);
  EXPECT_FALSE(fitted[1].missed());
}

TEST(HostValidation, a_fitted_value_says_what_measured_value_it_replaces) {
  std::vector<MachineValue> values{told_value("line.dram", "\"131 ns\"", "chase")};
  replace_with_fitted(
      values, {told_value("line.dram", "\"258 ns\"", "munmap"), told_value("work.munmap", "\"1 ns\"", "")});
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(values[0].value, "\"258 ns\"");
  EXPECT_THAT(values[0].how, HasSubstr("in the place of \"131 ns\" (chase)"));
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
    machine_setting(file);
    FAIL() << "an unknown key was taken";
  } catch (const InputError& error) {
    EXPECT_THAT(std::string(error.what()), HasSubstr("mine.toml:2:"));
    EXPECT_THAT(std::string(error.what()), HasSubstr("line.atomic"));
  }
}

TEST(HostValidation, a_machine_file_knows_its_machine_and_its_base_lies_beside_it) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "host_validation_bases";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "below.toml") << "ipi.send = \"77 ns\"\n";
  std::ofstream(folder / "mine.toml") << "# A (R) CPU, of old, 2 CPUs, as mmsim calibrate measured it\n"
                                      << "base = \"./below.toml\"\nline.atomic = \"5 ns\"\n";
  const Configuration configuration = load_configuration({}, {machine_setting(folder / "mine.toml")});
  EXPECT_EQ(to_text(configuration.find("machine.ipi.send")->value), "\"77 ns\"");
  EXPECT_EQ(calibrated_model(folder / "mine.toml"), "A (R) CPU, of old");
  EXPECT_EQ(calibrated_model(folder / "below.toml"), "");
}

} // namespace
} // namespace mmsim::host::host_validation_test

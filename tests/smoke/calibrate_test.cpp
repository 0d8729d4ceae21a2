// Do samples become the right numbers, numbers the right parameters, and parameters a machine file that
// loads? Nothing here asserts how long anything takes on the machine of the test.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/configuration_files.hpp"
#include "cli/host/hardware.hpp"
#include "cli/host/host_topology.hpp"
#include "cli/host/machine_file.hpp"
#include "cli/host/measurement.hpp"
#include "cli/host/translation_values.hpp"
#include "cli/host/trial_groups.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/machine/cost_book.hpp"
#include "sim/machine/topology.hpp"
#include "tests/smoke/command_fixture.hpp"

namespace mmsim::tests::calibrate_test {
using namespace mmsim::host;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

std::vector<double> one_to(int n) {
  std::vector<double> result;
  for (int i = n; i >= 1; --i)
    result.push_back(i);
  return result;
}

Measurement always(const std::string& name, double ns) {
  return measurement_of(name, std::vector<double>(20, ns), "by hand");
}

HostMachine machine_of(int cpus) {
  HostMachine machine;
  machine.model = "Test 9000";
  machine.architecture = "x86_64";
  machine.kernel = "6.18";
  machine.memory_bytes = std::uint64_t(8) << 30;
  machine.online_cpus = cpus;
  machine.caches = {{1, "Data", 32 << 10, {0}}, {2, "Unified", 1 << 20, {0}}};
  for (int i = 0; i < cpus; ++i)
    machine.cpus.push_back({i, 0, 0, i, i});
  count_levels(machine, machine.cpus);
  return machine;
}

std::vector<MachineParameter> all_parameters() {
  std::vector<MachineParameter> result;
  for (const ParameterInfo& info : ParameterCatalogue::instance().parameters())
    if (info.path.starts_with("machine.")) result.push_back({info.path.substr(8), info.default_text()});
  return result;
}

Configuration loaded(const TestFolder& folder, const std::string& text) {
  return load_configuration({}, {"machine.base=" + folder.write("machine.toml", text)});
}

} // namespace

TEST(Calibrate, a_median_has_its_interval_from_order_statistics) {
  const Measurement eleven = measurement_of("x", one_to(11), "");
  EXPECT_EQ(eleven.median, 6);
  EXPECT_EQ(eleven.low, 2); // P(fewer than 2 of 11 below) = 12 / 2048, fewer than 3: 67 / 2048
  EXPECT_EQ(eleven.high, 10);
  EXPECT_DOUBLE_EQ(eleven.spread, 5.0 / 6);
  const Measurement hundred = measurement_of("x", one_to(100), "");
  EXPECT_EQ(hundred.median, 50.5);
  EXPECT_EQ(hundred.low, 40); // as tables have it
  EXPECT_EQ(hundred.high, 61);
}

TEST(Calibrate, few_samples_have_their_range_as_interval_and_none_measure_nothing) {
  const Measurement four = measurement_of("x", {3, no_sample, 1, 2, 10}, "");
  EXPECT_EQ(four.repetitions, 4u);
  EXPECT_EQ(four.median, 2.5);
  EXPECT_EQ(four.low, 1);
  EXPECT_EQ(four.high, 10);
  EXPECT_FALSE(measurement_of("x", {no_sample}, "").measured());
}

TEST(Calibrate, trials_take_turns_and_the_first_round_does_not_count) {
  std::string turns;
  int samples = 0;
  const std::vector<Trial> trials{{"a", "", [&] { return turns += 'a', double(samples++); }},
                                  {"b", "", [&] { return turns += 'b', 7.0; }}};
  const std::vector<Measurement> measured = interleaved(trials, Budget(0), {.least = 3, .most = 9});
  EXPECT_EQ(turns, "abababab");
  EXPECT_EQ(measured[0].median, 2); // of 1, 2, 3
  EXPECT_EQ(measured[1].repetitions, 3u);
}

TEST(Calibrate, a_remote_swap_is_the_sum_of_its_three_parts) {
  HostMachine machine = machine_of(4);
  machine.cpus[2].socket = machine.cpus[3].socket = 1;
  machine.cpus[2].die = machine.cpus[3].die = 1;
  count_levels(machine, machine.cpus);
  const Measurements measured({always("line.hit", 1), always("line.own_atomic", 7),
                               always("line.pair.0-1", 47), always("line.pair.0-2", 140),
                               always("line.pair.1-3", 142)});
  const auto values = hardware_values(machine, measured, {{"interconnect.cluster", 10}});
  const auto ns = [&](const char* path) {
    const MachineValue* value = find_value(values, path);
    return value ? value->median : -1;
  };
  EXPECT_EQ(ns("line.atomic"), 6);
  EXPECT_EQ(ns("line.transfer"), 31); // 47 less 6 and 10
  EXPECT_EQ(find_value(values, "interconnect.cluster")->value, "\"10.0 ns\"");
  EXPECT_EQ(ns("interconnect.system"), 141 - 6 - 31);                         // the median of the far pairs
  EXPECT_EQ(find_value(values, "interconnect.socket")->value, "\"10.0 ns\""); // a socket is a die
  EXPECT_EQ(find_value(values, "sockets")->value, "2");
  EXPECT_EQ(find_value(values, "cores_per_cluster")->value, "2");
}

TEST(Calibrate, what_two_cpus_take_falls_to_its_default_on_one_with_the_reason) {
  const auto values =
      hardware_values(machine_of(1), Measurements({always("line.hit", 1), always("line.own_atomic", 7)}), {});
  for (const char* path : {"line.transfer", "ipi.send", "irq.entry", "idle.exit"}) {
    EXPECT_EQ(find_value(values, path), nullptr) << path;
    EXPECT_NE(std::ranges::find(values, path, &MachineValue::path), values.end()) << path;
  }
  EXPECT_THAT(hardware_remarks(machine_of(1), Measurements({})), ElementsAre(HasSubstr("one CPU")));
  HostMachine loose = machine_of(2);
  loose.can_pin = false;
  EXPECT_THAT(hardware_remarks(loose, Measurements({})), ElementsAre(HasSubstr("cannot be pinned")));
}

TEST(Calibrate, the_machine_file_loads_with_its_values_and_names_the_defaults_that_stand_in) {
  MachineFile file{"2026-11-22 20:00 UTC", "mmsim calibrate", 61.2, {}, {"a remark"}};
  file.values = {measured_value("line.transfer", always("", 35.25)),
                 told_value("cores_per_cluster", "7", "told"), told_value("tlb.broadcast", "false", "told"),
                 not_measured("ipi.send", "nobody answers"), not_measured("entry.fault", "as yet")};
  replace_values(file.values,
                 {measured_value("entry.fault", always("", 812)), not_measured("line.transfer", "no")});
  const std::string text = machine_file_text(machine_of(7), file, all_parameters());
  EXPECT_THAT(text, HasSubstr("# Test 9000, 7 CPUs, as mmsim calibrate measured it\n"));
  EXPECT_THAT(text, HasSubstr("\n# - a remark\n"));
  EXPECT_THAT(text, HasSubstr("\n# ipi.send = \"80 ns\""));
  EXPECT_THAT(text, HasSubstr("nobody answers"));
  EXPECT_THAT(text, Not(HasSubstr("as yet")));
  for (std::size_t from = 0, to; (to = text.find('\n', from)) != std::string::npos; from = to + 1)
    EXPECT_LE(to - from, 110u) << text.substr(from, to - from);

  const TestFolder folder;
  const Configuration configuration = loaded(folder, text);
  const auto book = read_parameters<CostBook>(configuration);
  EXPECT_EQ(book.line.transfer, Duration(35'200)); // as written, three digits
  EXPECT_EQ(book.entry.fault, Duration(812'000));
  EXPECT_EQ(book.irq.send, Duration(80'000)); // the default
  EXPECT_EQ(read_parameters<TopologyParameters>(configuration).cores_per_cluster, 7);
}

TEST(Calibrate, hyperthreads_are_clusters_and_unlike_cores_make_one_die) {
  HostMachine machine;
  for (int i = 0; i < 8; ++i) // two sockets of two cores, the second hyperthreads last
    machine.cpus.push_back({i, i / 2 % 2, i / 2 % 2, i % 2, i % 2});
  count_levels(machine, machine.cpus);
  EXPECT_TRUE(machine.regular && machine.threads_last);
  EXPECT_THAT((std::vector{machine.sockets, machine.dies_per_socket, machine.cores_per_die,
                           machine.threads_per_core}),
              ElementsAre(2, 1, 2, 2));
  machine.cpus.pop_back();
  count_levels(machine, machine.cpus);
  EXPECT_FALSE(machine.regular);
  EXPECT_EQ(machine.cores_per_die, 7);
}

TEST(Calibrate, an_edge_is_told_only_where_it_is_clear) {
  EXPECT_EQ(clear_edge({{32, 0}, {64, 0}, {96, 4}, {128, 4}}, 0, 4), 64);
  // Six ways: with 104 pages half of 16 sets have one too many.
  EXPECT_NEAR(clear_edge({{80, 0}, {96, 0}, {104, 1.3}, {112, 2.6}, {128, 2.6}}, 0, 2.6), 96, 0.1);
  EXPECT_EQ(clear_edge({{1024, 0}, {1280, 1}, {1536, 6}, {2048, 7}, {2304, 11}, {4096, 14}}, 0, 14), 0);
  EXPECT_EQ(clear_edge({{32, 0}, {64, 1}, {128, 2}, {512, 3}, {1024, 4}}, 0, 4), 0);
}

TEST(Calibrate, cpus_sweep_parts_that_hold_a_piece_and_lie_within_the_block) {
  constexpr std::size_t piece = 256 << 10;
  for (const std::size_t bytes :
       {std::size_t(0), piece - 1, piece, std::size_t(4) << 20, std::size_t(32) << 20})
    for (const std::size_t cpus : {1, 2, 17, 192, 1000}) {
      const auto [parts, bytes_of_each] = sweep_parts(bytes, cpus, piece);
      EXPECT_EQ(parts, std::min({cpus, bytes / piece, std::size_t(256)})) << bytes << ", " << cpus;
      EXPECT_LE(parts * bytes_of_each, bytes);
      EXPECT_EQ(bytes_of_each >= piece, parts > 0) << bytes << ", " << cpus;
    }
}

TEST(Calibrate, a_difference_that_drowns_in_its_spread_is_not_told) {
  const Measurement processes = measurement_of("switch.processes", {1900, 2000, 2100, 2200, 2300, 2400}, "");
  const auto told = [&](double threads) {
    const auto values = hardware_values(
        machine_of(1),
        Measurements({processes, always("switch.threads", threads), always("pipe.alone", 100)}), {});
    return *std::ranges::find(values, "entry.switch_mm", &MachineValue::path);
  };
  EXPECT_THAT(told(2100).how, HasSubstr("comes out at 50 ns, while repetitions differ by 250 ns"));
  EXPECT_FALSE(told(2100).known());
  EXPECT_EQ(told(1150).value, "\"1000 ns\"");
  EXPECT_DOUBLE_EQ(told(1150).spread, 0.25); // of the difference
  EXPECT_FALSE(difference_value("x", 10, -1, 12, processes, "").known());
  EXPECT_FALSE(difference_value("x", 10, 4, 15, processes, "").known());
}

TEST(Calibrate, a_sum_that_is_split_is_split_with_its_interval) {
  HostMachine arm = machine_of(1);
  arm.architecture = "aarch64";
  Measurement spread = always("flush.spread", 1550);
  spread.low = 1520;
  spread.high = 1610;
  const auto values = hardware_values(arm, Measurements({always("flush.pages", 500), spread}), {});
  const MachineValue* channel = find_value(values, "tlbi.broadcast_channel");
  ASSERT_NE(channel, nullptr);
  EXPECT_DOUBLE_EQ(channel->median, 25); // of 35 a page
  EXPECT_DOUBLE_EQ(channel->low, 34.0 * 25 / 35);
  EXPECT_DOUBLE_EQ(channel->high, 37.0 * 25 / 35);
}

TEST(Calibrate, one_cpu_is_measured_for_real_and_its_file_loads) {
  HostMachine machine = this_machine();
  machine.cpus.resize(1);
  machine.caches = {{2, "Unified", 256 << 10, {0}}}; // so that little memory is swept
  const HardwareReport report = measure_hardware(machine, {}, Budget(0), [](const std::string&) {});
  EXPECT_NE(find_value(report.values, "line.hit"), nullptr);
  EXPECT_NE(find_value(report.values, "page.zero"), nullptr);
  EXPECT_EQ(find_value(report.values, "line.transfer"), nullptr);
  const TestFolder folder;
  loaded(folder,
         machine_file_text(machine, {"today", "test", 1, report.values, report.remarks}, all_parameters()));
}

TEST(Calibrate, a_file_that_somebody_wrote_by_hand_is_left_alone) {
  const TestFolder folder;
  folder.write("mine.toml", "# My own numbers\nclock = \"1 GHz\"\n");
  const Ended ended = mmsim_command(folder, {"calibrate", "--quick", "--out", "mine.toml"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.err, HasSubstr("mine.toml exists and mmsim calibrate has not written it"));
  EXPECT_EQ(contents_of(folder / "mine.toml"), "# My own numbers\nclock = \"1 GHz\"\n");
}

} // namespace mmsim::tests::calibrate_test

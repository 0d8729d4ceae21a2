// Is a trace what Trace Event JSON asks for, and do its slices say what the tables say, to the picosecond?

#include "tests/smoke/command_fixture.hpp"
#include "tests/support/points.hpp"
#include "tests/support/traced.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace mmsim::tests::trace_test {
namespace {

using nlohmann::json;
using Sums = std::map<std::string, std::int64_t>; // ps by account

constexpr int cores = 1, tasks = 2, machine = 3;
constexpr int first_task = 10000;

bool is_slice(const TracedEvent& event) { return event.ph == 'X'; }
bool is_flow(const TracedEvent& event) { return event.ph == 's' || event.ph == 'f'; }

/// Each event has what its phase needs, and nothing else has a phase.
void expect_grammar(const json& trace) {
  EXPECT_EQ(trace.at("displayTimeUnit"), "ns");
  for (const json& event : trace.at("traceEvents")) {
    const std::string ph = event.at("ph");
    std::set<std::string> needs{"name", "ph", "pid", "tid"};
    if (ph == "X") needs.insert({"cat", "ts", "dur"});
    if (ph == "s") needs.insert({"cat", "ts", "id"});
    if (ph == "f") needs.insert({"cat", "ts", "id", "bp"});
    if (ph == "C") needs.insert({"ts", "args"});
    if (ph == "M") needs.insert("args");
    ASSERT_THAT(ph, testing::AnyOf("X", "s", "f", "C", "M")) << event;
    for (const std::string& key : needs)
      ASSERT_TRUE(event.contains(key)) << key << " in " << event;
    if (ph == "X") {
      ASSERT_GE(event.at("dur").get<double>(), 0) << event;
    }
    if (ph == "C" || ph == "X") {
      ASSERT_EQ(event.at("pid").get<int>() == machine, ph == "C") << event;
    }
  }
}

/// Every thread that has an event has a name.
void expect_names(const json& trace, const std::vector<TracedEvent>& events) {
  std::set<TraceTrack> named;
  for (const json& event : trace.at("traceEvents"))
    if (event.at("name") == "thread_name") named.emplace(event.at("pid"), event.at("tid"));
  for (const TracedEvent& event : events)
    if (event.ph != 'C') {
      ASSERT_TRUE(named.contains(event.track)) << event.track.first << ' ' << event.track.second;
    }
}

/// An operation on a task's track, or a part of one that was handed on.
struct Operation {
  std::int64_t begin = 0, end = 0;
  Sums said; // in its args
  Sums seen; // in the slices that lie inside it
  bool whole = true;
};

/// Walks through the tracks as a viewer does: what is open nests.
class Reader {
 public:
  explicit Reader(const std::vector<TracedEvent>& events) : events_(events) {}

  void read() {
    for (const TracedEvent& event : events_)
      if (is_slice(event) && event.cat == "operation" && event.track.first == tasks) add(event);
    const TracedEvent* previous = nullptr;
    for (const TracedEvent& event : events_) {
      if (event.ph == 'C') continue;
      if (previous == nullptr || previous->track != event.track) {
        ASSERT_TRUE(seen_.insert(event.track).second) << "a track in two pieces";
        open_.clear();
      } else {
        ASSERT_GE(event.begin, previous->begin) << "time goes back: " << event.name;
      }
      previous = &event;
      read(event);
    }
  }

  std::map<std::pair<int, std::string>, std::vector<Operation>> operations; // by thread and name

 private:
  void add(const TracedEvent& event) {
    Operation operation{event.begin, event.end, {}, {}, event.args.contains("accounts_ps")};
    std::int64_t sum = 0;
    if (operation.whole) {
      for (const auto& [account, ps] : event.args.at("accounts_ps").items())
        sum += operation.said[account] = ps;
      EXPECT_EQ(sum, event.end - event.begin) << event.name << " at " << event.begin;
      EXPECT_FALSE(event.args.contains("clipped"));
    } else {
      EXPECT_TRUE(event.args.contains("clipped") || event.args.contains("unfinished")) << event.args;
    }
    operations[{event.track.second, event.name}].push_back(operation);
  }

  void read(const TracedEvent& event) {
    if (is_flow(event)) {
      while (!open_.empty() && open_.back()->end < event.begin)
        open_.pop_back();
      ASSERT_FALSE(open_.empty()) << event.name << " at " << event.begin << " ps is in no slice";
      return;
    }
    while (!open_.empty() && open_.back()->end <= event.begin)
      open_.pop_back();
    if (!open_.empty()) {
      ASSERT_LE(event.end, open_.back()->end)
          << event.name << " at " << event.begin << " does not nest in " << open_.back()->name;
      ASSERT_FALSE(is_account(*open_.back()) && event.end > event.begin)
          << event.name << " at " << event.begin << " is inside " << open_.back()->name;
    }
    if (is_account(event)) book(event);
    open_.push_back(&event);
  }

  static bool is_account(const TracedEvent& event) {
    return event.cat == "account" || event.cat == "off_core" || event.cat == "interrupt";
  }

  // Its operations are open around it: on a core they name themselves, and the run says whose they are.
  void book(const TracedEvent& event) {
    int thread = event.track.second;
    for (const TracedEvent* outer : open_)
      if (outer->cat == "task") thread = first_task + outer->args.at("pid").get<int>();
    for (const TracedEvent* outer : open_) {
      if (outer->cat != "operation") continue;
      auto& known = operations[{thread, outer->name}];
      auto after = std::upper_bound(known.begin(), known.end(), event.begin,
                                    [](std::int64_t at, const Operation& o) { return at < o.begin; });
      ASSERT_NE(after, known.begin()) << outer->name << " is on a core, but not on its task";
      Operation& operation = *--after;
      ASSERT_LE(event.end, operation.end) << outer->name;
      operation.seen[event.args.at("account")] += event.end - event.begin;
    }
  }

  const std::vector<TracedEvent>& events_;
  std::set<TraceTrack> seen_;
  std::vector<const TracedEvent*> open_;
};

/// Each arrow has one start and one end, later, and IPIs end where a handler begins.
void expect_flows_pair_up(const std::vector<TracedEvent>& events) {
  std::map<std::uint64_t, const TracedEvent*> starts, ends;
  std::set<std::pair<TraceTrack, std::int64_t>> handlers;
  for (const TracedEvent& event : events) {
    if (event.cat == "interrupt") handlers.emplace(event.track, event.begin);
    if (!is_flow(event)) continue;
    EXPECT_TRUE((event.ph == 's' ? starts : ends).emplace(event.id, &event).second) << event.id;
  }
  EXPECT_EQ(starts.size(), ends.size());
  for (const auto& [id, start] : starts) {
    ASSERT_TRUE(ends.contains(id)) << id;
    const TracedEvent& end = *ends.at(id);
    EXPECT_GE(end.begin, start->begin);
    EXPECT_EQ(std::pair(end.name, end.cat), std::pair(start->name, start->cat));
    EXPECT_NE(end.track, start->track);
    if (end.cat == "ipi") {
      EXPECT_TRUE(handlers.contains({end.track, end.begin})) << "no handler begins where its IPI ends";
    }
  }
}

Reader expect_well_formed(const TracedRun& run, std::vector<TracedEvent>& events) {
  const json trace = json::parse(run.text);
  expect_grammar(trace);
  events = traced_events(trace);
  expect_names(trace, events);
  Reader reader(events);
  reader.read();
  expect_flows_pair_up(events);
  for (const TracedEvent& event : events) {
    EXPECT_GE(event.begin, run.window.from.time_since_epoch().count());
    EXPECT_LE(event.end, run.window.to.time_since_epoch().count());
  }
  // At the edges of the window bookings may be missing, but no operation there has totals.
  for (const auto& [of, operations] : reader.operations)
    for (const Operation& operation : operations)
      if (operation.whole) {
        EXPECT_EQ(operation.seen, operation.said)
            << of.second << " of " << of.first << " at " << operation.begin;
      }
  return reader;
}

const std::vector<std::string> short_run{"run.warmup=50 us", "run.duration=500 us", "machine.memory=256 MiB"};
const std::vector<std::string> four_threads =
    short_run + std::vector<std::string>{"scenario.name=munmap", "scenario.pages=2", "run.cpus=4",
                                         "kernel.tlb_flush=eager"};

std::size_t count(const std::vector<TracedEvent>& events, const std::string& cat, char ph) {
  return std::size_t(std::ranges::count_if(
      events, [&](const TracedEvent& event) { return event.cat == cat && event.ph == ph; }));
}

class TraceOf : public testing::TestWithParam<NamedScenario> {};

TEST_P(TraceOf, SaysWhatTheTablesSay) {
  const TracedRun run = traced_run(
      short_run + std::vector<std::string>{"run.cpus=4", "kernel.tlb_flush=eager"} + GetParam().settings);
  ASSERT_EQ(run.result.status, PointStatus::done) << run.result.message;
  std::vector<TracedEvent> events;
  const Reader reader = expect_well_formed(run, events);
  if (GetParam().name == "context_switch" || GetParam().name == "lazy_tlb")
    return; // handed on: a latency is two slices, and the time between them is the waiting of both

  const json other = json::parse(run.text.substr(0, run.text.find(",\"traceEvents\"")) + '}').at("otherData");
  const auto from = std::llround(other.at("measured_from_us").get<double>() * 1e6),
             until = std::llround(other.at("measured_until_us").get<double>() * 1e6);
  std::map<std::string, Sums> traced;
  for (const auto& [of, operations] : reader.operations)
    for (const Operation& operation : operations)
      if (operation.whole && operation.begin >= from && operation.end < until)
        for (const auto& [account, ps] : operation.seen)
          traced[of.second][account] += ps;
  for (const OperationResult& operation : run.result.operations) {
    Sums measured;
    for (std::size_t i = 0; i < account_count; ++i)
      if (operation.accounts[i].count() != 0)
        measured[std::string(name(Account(i)))] = operation.accounts[i].count();
    EXPECT_EQ(traced[operation.name], measured) << operation.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Scenarios, TraceOf, testing::ValuesIn(scenarios),
                         [](const auto& info) { return info.param.name; });

TEST(Trace, ArrowsLeadFromAnInterruptsSenderToItsHandlerAndBack) {
  const TracedRun run = traced_run(four_threads);
  std::vector<TracedEvent> events;
  expect_well_formed(run, events);
  std::set<std::pair<TraceTrack, std::int64_t>> reached;
  for (const TracedEvent& event : events)
    if (event.ph == 'f' && event.name == "call_function") reached.emplace(event.track, event.begin);
  std::size_t handlers = 0;
  for (const TracedEvent& event : events)
    if (event.cat == "interrupt" && event.name == "call_function") {
      ++handlers;
      EXPECT_TRUE(reached.contains({event.track, event.begin}));
    }
  EXPECT_GT(handlers, 100u);
  // Each request is answered, and each answer awaited; some need no interrupt of their own.
  std::size_t calls = 0;
  for (const TracedEvent& event : events)
    calls += event.ph == 's' && event.name == "call_function";
  EXPECT_GE(count(events, "answer", 's'), calls);
  EXPECT_LE(count(events, "answer", 's'), run.result.whole_run[Counter::ipi_requested]);
}

TEST(Trace, WaitingSaysForWhom) {
  const TracedRun run = traced_run(
      short_run + std::vector<std::string>{"scenario.name=lock", "run.cpus=4", "scenario.lines=1"});
  std::size_t spins = 0;
  for (const TracedEvent& event : traced_events(json::parse(run.text)))
    if (event.cat == "account" && event.args.at("account") == "lock_spin") {
      ++spins;
      EXPECT_EQ(event.args.at("kind"), "lock");
      EXPECT_EQ(event.name, "lock_spin: " + event.args.at("whom").get<std::string>());
    }
  EXPECT_GT(spins, 100u);
}

TEST(Trace, WaitingForAnotherCoreIsSplitIntoTheInterruptsWayAndTheHandler) {
  const TracedRun run = traced_run(four_threads);
  std::map<std::string, std::int64_t> waited; // by kind
  for (const TracedEvent& event : traced_events(json::parse(run.text)))
    if (event.cat == "account" && event.args.at("account") == "tlb_remote")
      waited[event.args.value("kind", "other")] += event.end - event.begin;
  EXPECT_GT(waited["ipi"], 0);
  EXPECT_GT(waited["handler"], 0);
  EXPECT_GT(waited["handler"], waited["other"]);
}

TEST(Trace, CountersFollowWhatIsThere) {
  std::map<std::string, std::vector<std::int64_t>> values;
  std::int64_t previous = -1'000'000;
  for (const TracedEvent& event : traced_events(json::parse(traced_run(four_threads).text)))
    if (event.ph == 'C') {
      values[event.name].push_back(event.args.at(event.name));
      if (event.name == "free pages") {
        EXPECT_GE(event.begin - previous, 1'000'000) << "at most one a microsecond";
        previous = event.begin;
      }
    }
  ASSERT_GT(values["free pages"].size(), 10u);
  EXPECT_LE(std::ranges::max(values["free pages"]), 256 << 8);
  EXPECT_GE(std::ranges::max(values["runnable tasks"]), 4);
}

TEST(Trace, WithoutAWindowIsOfTheMeasuredOne) {
  const TracedRun run = traced_run(four_threads, std::nullopt);
  std::vector<TracedEvent> events;
  const Reader reader = expect_well_formed(run, events);
  EXPECT_EQ(run.window.to - run.window.from, run.result.measured);
  std::size_t whole = 0, completed = 0;
  for (const auto& [of, operations] : reader.operations)
    whole += std::size_t(std::ranges::count_if(operations, &Operation::whole));
  for (const OperationResult& operation : run.result.operations)
    completed += operation.latency.count();
  EXPECT_EQ(whole, completed);
}

TEST(Trace, OfAWindowClipsWhatReachesOverItsEdgesAndSaysSo) {
  const TraceWindow window{Instant(std::chrono::microseconds(200)), Instant(std::chrono::microseconds(220))};
  const TracedRun run = traced_run(four_threads, window);
  EXPECT_EQ(run.window, window);
  std::vector<TracedEvent> events;
  expect_well_formed(run, events);
  std::map<std::string, std::size_t> clipped;
  for (const TracedEvent& event : events) {
    const std::string says = event.args.is_object() ? event.args.value("clipped", "") : "";
    ++clipped[says];
    if (says == "begin" || says == "begin and end") {
      EXPECT_EQ(event.begin, 200'000'000);
    }
    if (says == "end" || says == "begin and end") {
      EXPECT_EQ(event.end, 220'000'000);
    }
  }
  EXPECT_GE(clipped["begin"] + clipped["begin and end"], 4u); // the four cores' tasks
  EXPECT_GE(clipped["end"] + clipped["begin and end"], 4u);
  EXPECT_GT(clipped[""], 50u);
}

TEST(Trace, BehindTheEndOfTheRunIsEmptyAndWellFormed) {
  const Instant late{std::chrono::seconds(5)};
  std::vector<TracedEvent> events;
  expect_well_formed(traced_run(four_threads, TraceWindow{late, Instant::max()}), events);
  EXPECT_EQ(events.size(), 0u);
}

TEST(Trace, OfTenMillisecondsOn64CoresStopsWhereItIsFull) {
  constexpr std::uint64_t limit = 4 << 20;
  const TracedRun run = traced_run({"scenario.name=munmap", "machine.base=kunpeng920-128", "run.cpus=64",
                                    "run.duration=10 ms", "kernel.tlb_flush=eager"},
                                   std::nullopt, limit);
  EXPECT_TRUE(run.full);
  EXPECT_LE(run.text.size(), limit);
  EXPECT_GT(run.text.size(), limit * 9 / 10);
  EXPECT_LT(run.window.to - run.window.from, run.result.measured);
  std::vector<TracedEvent> events;
  expect_well_formed(run, events);
  EXPECT_GT(count(events, "ipi", 's'), 100u);
}

class TraceCommand : public testing::Test {
 protected:
  Ended run(const std::vector<std::string>& more) {
    std::vector<std::string> words{"run"};
    for (const std::string& setting : four_threads)
      words.insert(words.end(), {"--set", setting});
    words.insert(words.end(), more.begin(), more.end());
    return mmsim_command(folder, words);
  }
  void expect_refused(const std::vector<std::string>& more, const std::string& part) {
    const Ended ended = run(more);
    EXPECT_EQ(ended.status, 2) << ended.err;
    EXPECT_EQ(std::ranges::count(ended.err, '\n'), 1) << ended.err;
    EXPECT_THAT(ended.err, testing::HasSubstr(part));
    EXPECT_EQ(ended.out, "");
    EXPECT_FALSE(std::filesystem::exists(folder / "t.json"));
  }
  TestFolder folder;
};

TEST_F(TraceCommand, WritesAFileThatIsJsonAndNothingElse) {
  const Ended ended = run({"--trace", "t.json", "--trace-window", "100 us..0.2 ms"});
  ASSERT_EQ(ended.status, 0) << ended.err;
  EXPECT_GT(json::parse(contents_of(folder / "t.json")).at("traceEvents").size(), 100u);
  for (const auto& [name, contents] : tree_of(folder.path()))
    EXPECT_THAT(name, testing::AnyOf("t.json", ".stdout", ".stderr"));
}

TEST_F(TraceCommand, SaysThatAWindowBehindTheRunsEndHoldsNothing) {
  const Ended ended = run({"--trace", "t.json", "--trace-window", "5 s.."});
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.err, testing::HasSubstr("--trace-window begins at 5 s, but the run ended at "));
  EXPECT_THAT(ended.err, testing::HasSubstr("nothing was traced"));
  EXPECT_TRUE(json::accept(contents_of(folder / "t.json")));
}

TEST_F(TraceCommand, RefusesAWindowThatIsNoneBeforeTheRun) {
  expect_refused({"--trace", "t.json", "--trace-window", "2 ms"}, "there is no \"..\"");
  expect_refused({"--trace", "t.json", "--trace-window", ".."}, "neither FROM nor TO");
  expect_refused({"--trace", "t.json", "--trace-window", "2 ms..2 ms"}, "FROM is not before TO");
  expect_refused({"--trace", "t.json", "--trace-window", "3 ms..2 ms"}, "FROM is not before TO");
  expect_refused({"--trace", "t.json", "--trace-window", "2..3 ms"}, "--trace-window \"2..3 ms\"");
  expect_refused({"--trace", "t.json", "--trace-window", "2 parsecs.."}, "e.g. \"2 ms..2.5 ms\"");
  expect_refused({"--trace-window", "2 ms.."}, "needs --trace FILE");
}

TEST_F(TraceCommand, RefusesAFileThatCannotBeWrittenBeforeTheRun) {
  std::filesystem::create_directory(folder / "dir");
  expect_refused({"--trace", "dir"}, "it is a folder");
  expect_refused({"--trace", "nowhere/t.json"}, "there is no folder nowhere");
  expect_refused({"--trace", "/dev/null"}, "it is no regular file");
  expect_refused({"--trace", "/proc/t.json"}, "--trace /proc/t.json: cannot be written");
  expect_refused({"--trace", ""}, "an empty name is no file");
}

TEST_F(TraceCommand, IsForOneRunNotForASweep) {
  folder.write("sweep.toml", small_sweep());
  const Ended ended = mmsim_command(folder, {"sweep", "sweep.toml", "--trace", "t.json"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.err, testing::HasSubstr("--trace is for mmsim run"));
}

} // namespace
} // namespace mmsim::tests::trace_test

#include "sim/engine/simgrid_world.hpp"

#include "sim/engine/engine.hpp"

#include <algorithm>
#include <cmath>
#include <simgrid/kernel/Timer.hpp>
#include <simgrid/kernel/resource/Model.hpp>
#include <simgrid/s4u.hpp>
#include <spdlog/fmt/fmt.h>
#include <xbt/config.hpp>

namespace mmsim {

namespace {

// One SimGrid second stands for one simulated nanosecond.
double simgrid_clock_of(Instant t) { return static_cast<double>(t.time_since_epoch().count()) / 1000.0; }

// Beyond this a double no longer tells two neighbouring picoseconds apart (ENGINE.md, "Two clocks").
constexpr double last_exact_clock = 4e12;

// The one place where SimGrid's double becomes an instant. Completions round up to the next picosecond; a
// clock within its own rounding error of a whole picosecond is that picosecond: half a unit in the last
// place, and what the steps of SimGrid's clock and of its disk (2^-31 bytes each) have summed up to. The
// threshold is no fraction that fair sharing makes, so that two runs whose errors differ round alike.
Instant completion_instant(double clock) {
  const double picoseconds = clock * 1000.0;
  const double error = 0.0309 + picoseconds * 1.2e-16;
  return Instant(Duration(static_cast<std::int64_t>(std::ceil(picoseconds - error))));
}

// The last instant before SimGrid's own next event. Events that fibers post for the instant of a completion
// come after it, whichever side of the whole picosecond the double lies on.
Instant horizon_instant(double clock) {
  return completion_instant(std::min(clock, last_exact_clock)) - Duration(1);
}

constexpr const char* precision_key = "surf/precision"; // precision/timing from SimGrid 3.34
constexpr double precision = 1e-4;                      // of a nanosecond: well below a picosecond

} // namespace

struct SimGridWorld::State {
  struct Request {
    simgrid::s4u::Disk* disk;
    std::uint64_t bytes;
    bool write;
    Fiber* fiber;
  };
  Engine* engine;
  simgrid::s4u::Engine* simgrid;
  simgrid::s4u::NetZone* root;
  std::vector<Request> asked; // in the order of asking, started once the clocks agree
  std::vector<std::pair<simgrid::s4u::IoPtr, Fiber*>> flying; // few: one a waiting fiber
  std::vector<simgrid::s4u::IoPtr>
      landed; // kept one round: dropping an IoPtr in its own callback is a use after free
};

class SimGridWorld::MemoryModel final : public simgrid::kernel::resource::Model {
 public:
  explicit MemoryModel(State& state) : Model("mmsim memory"), state_(state) {}

  // Runs the fibers up to SimGrid's horizon. Returns nanoseconds until SimGrid's clock must stand still
  // again, or -1.
  double next_occurring_event(double now) override {
    Engine& engine = *state_.engine;
    state_.landed.clear();
    if (!state_.asked.empty()) {
      const double ahead = simgrid_clock_of(engine.now()) - now;
      if (ahead > precision) return ahead; // SimGrid stopped on its way
      // The devices' next events of this round were asked for before: they do not know of the new requests.
      // Come back.
      start_io();
      return 0;
    }
    for (;;) {
      const double other = others(now);
      Instant horizon = horizon_instant(other < 0 ? last_exact_clock : other);
      if (!engine.run_ahead()) {
        if (engine.queue().empty()) return other < 0 ? -1 : other - now;
        horizon = std::min(horizon, engine.queue().next_time());
      }
      engine.run_events(horizon);
      if (!state_.asked.empty()) return std::max(0.0, simgrid_clock_of(engine.now()) - now);
      if (engine.stopped()) return -1;
      if (!engine.queue().empty() &&
          engine.queue().next_time() <= horizon_instant(other < 0 ? last_exact_clock : other)) {
        // Only with running ahead switched off: bring SimGrid's clock to the next instant, then come back.
        return std::max(0.0, simgrid_clock_of(engine.queue().next_time()) - now);
      }
      // A disk's last unit may take less than what a double can add to the clock: the disk needs it all the
      // same.
      if (other >= 0) return other == now ? shortest_ : std::max(0.0, other - now);
      if (!engine.queue().empty())
        throw std::runtime_error(
            "simulated time beyond 4e12 ns: SimGrid's clock no longer resolves picoseconds");
      return -1;
    }
  }
  void update_actions_state(double, double) override {}

 private:
  double others(double now) {
    double earliest = simgrid::kernel::timer::Timer::next();
    shortest_ = 0;
    for (auto* model : state_.simgrid->get_all_models()) {
      if (model == this) continue;
      const double delta = model->next_occurring_event(now);
      if (delta < 0 || (earliest >= 0 && earliest <= now + delta)) continue;
      earliest = now + delta;
      shortest_ = delta;
    }
    return earliest;
  }
  void start_io() {
    for (const State::Request& request : state_.asked) {
      auto io = request.disk->io_init(request.bytes, request.write ? simgrid::s4u::Io::OpType::WRITE
                                                                   : simgrid::s4u::Io::OpType::READ);
      state_.flying.emplace_back(io, request.fiber);
      io->start();
    }
    state_.asked.clear();
  }
  State& state_;
  double shortest_ = 0; // what others() last said from now on, before a double swallows it
};

SimGridWorld::SimGridWorld(Engine& engine) : state_(std::make_unique<State>()) {
  static int argc = 2;
  static char name[] = "mmsim", quiet[] = "--log=root.thres:critical";
  static char* argv[] = {name, quiet, nullptr};
  if (simgrid::s4u::Engine::has_instance()) throw std::logic_error("SimGrid allows one engine a process");
  state_->engine = &engine;
  state_->simgrid = new simgrid::s4u::Engine(&argc, argv);
  simgrid::s4u::Engine::set_config(precision_key, precision);
  if (simgrid::config::get_value<double>(precision_key) != precision)
    throw std::runtime_error(fmt::format("SimGrid did not take {} = {}", precision_key, precision));
  state_->root = simgrid::s4u::create_star_zone("machine");
  state_->simgrid->add_model(std::make_shared<MemoryModel>(*state_));
  simgrid::s4u::Activity::on_completion_cb([state = state_.get()](const simgrid::s4u::Activity& activity) {
    const auto found = std::find_if(state->flying.begin(), state->flying.end(),
                                    [&](const auto& entry) { return entry.first.get() == &activity; });
    if (found == state->flying.end()) return;
    Engine& engine = *state->engine;
    const Instant done = completion_instant(simgrid::s4u::Engine::get_clock());
    engine.wake_at(*found->second, std::max(done, engine.now()));
    state->landed.push_back(found->first);
    state->flying.erase(found);
  });
}

SimGridWorld::~SimGridWorld() = default;

simgrid::s4u::NetZone& SimGridWorld::root() { return *state_->root; }
simgrid::s4u::Engine& SimGridWorld::simgrid() { return *state_->simgrid; }

void SimGridWorld::transfer(simgrid::s4u::Disk& disk, std::uint64_t scaled_bytes, bool write) {
  Engine& engine = *state_->engine;
  state_->asked.push_back({&disk, scaled_bytes, write, &engine.current()});
  engine.hand_over();
  engine.park(nullptr);
}

void SimGridWorld::run() {
  state_->root->seal();
  state_->simgrid->run();
}

} // namespace mmsim

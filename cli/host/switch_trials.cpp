// Context switches: a byte through two pipes to and fro, between two who share a CPU, or who have one each.
#include <unistd.h>

#include <memory>

#include "cli/host/clock.hpp"
#include "cli/host/partner.hpp"
#include "cli/host/trial_groups.hpp"

namespace mmsim::host {
namespace {

constexpr int warm_rounds = 5, rounds = 50;

class Pipe {
 public:
  Pipe() {
    if (pipe(ends_) != 0) ends_[0] = ends_[1] = -1;
  }
  ~Pipe() {
    for (const int end : ends_)
      if (end >= 0) close(end);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  bool put() const {
    const char byte = 0;
    return write(ends_[1], &byte, 1) == 1;
  }
  bool get() const {
    char byte;
    return read(ends_[0], &byte, 1) == 1;
  }

 private:
  int ends_[2];
};

struct Pipes {
  Pipe there, back;

  bool round_trip() const { return there.put() && back.get(); }
  /// The other side, for exactly the rounds that measure() makes.
  void answer() const {
    for (int i = 0; i < warm_rounds + rounds; ++i)
      if (!there.get() || !back.put()) return;
  }
  double measure() const {
    bool good = true;
    for (int i = 0; i < warm_rounds; ++i)
      good = good && round_trip();
    const double ns = ns_of([&] {
      for (int i = 0; i < rounds; ++i)
        good = good && round_trip();
    });
    return good ? ns / (2 * rounds) : no_sample;
  }
};

double alone() {
  const Pipe pipe;
  bool good = true;
  const double ns = ns_of([&] {
    for (int i = 0; i < rounds; ++i)
      good = good && pipe.put() && pipe.get();
  });
  return good ? ns / rounds : no_sample;
}

double between_threads(int cpu) {
  const Pipes pipes;
  const Partner partner(cpu, [&](const std::atomic<bool>&) { pipes.answer(); });
  return partner.pinned() ? pipes.measure() : (pipes.measure(), no_sample);
}

double between_processes(int cpu) {
  const Pipes pipes;
  const PartnerProcess partner(cpu, [&] { pipes.answer(); });
  return partner.started() ? pipes.measure() : no_sample;
}

} // namespace

std::vector<Trial> switch_trials(const Places& places) {
  const int cpu = places.cpu;
  std::vector<Trial> trials{{"pipe.alone", "a byte into a pipe and out again, nobody waits", alone},
                            {"switch.threads",
                             "a byte through two pipes, two threads of a process on one CPU, one way",
                             [cpu] { return between_threads(cpu); }},
                            {"switch.processes", "the same between two processes on one CPU",
                             [cpu] { return between_processes(cpu); }}};
  if (places.partner >= 0)
    trials.push_back({"wake.idle", "the same between two threads with a CPU each, which idles meanwhile",
                      [places] { return between_threads(places.partner); }});
  return trials;
}

} // namespace mmsim::host

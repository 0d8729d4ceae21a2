// Context switches: a byte through two pipes to and fro, between two who share a CPU, or who have one each.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "cli/host/clock.hpp"
#include "cli/host/partner.hpp"
#include "cli/host/trial_groups.hpp"

namespace mmsim::host {
namespace {

constexpr int warm_rounds = 5, rounds = 50;

class Pipe {
 public:
  enum End { reading, writing };

  Pipe() {
    if (pipe2(ends_, O_CLOEXEC) != 0) ends_[reading] = ends_[writing] = -1;
  }
  ~Pipe() {
    close_end(reading);
    close_end(writing);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  bool put() const {
    const char byte = 0;
    ssize_t written;
    while ((written = write(ends_[writing], &byte, 1)) < 0 && errno == EINTR) {
    }
    return written == 1;
  }
  /// False once nobody can write any more.
  bool get() const {
    char byte;
    ssize_t taken;
    while ((taken = read(ends_[reading], &byte, 1)) < 0 && errno == EINTR) {
    }
    return taken == 1;
  }
  /// Who reads from a pipe waits as long as anybody has its writing end.
  void close_end(End end) {
    if (ends_[end] >= 0) close(ends_[end]);
    ends_[end] = -1;
  }

 private:
  int ends_[2];
};

struct Pipes {
  Pipe there, back;

  bool round_trip() const { return there.put() && back.get(); }
  /// The other side, for exactly the rounds that measure() makes. If it ends early, measure() must not wait
  /// for it: it was the only one to write the way back, or a thread whose process closes that end with it.
  void answer() {
    for (int i = 0; i < warm_rounds + rounds && there.get() && back.put(); ++i) {
    }
    back.close_end(Pipe::writing);
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
  Pipes pipes;
  const Partner partner(cpu, [&](const std::atomic<bool>&) { pipes.answer(); });
  const double ns = pipes.measure();
  pipes.there.close_end(Pipe::writing); // if measure() gave up, the partner still waits
  return partner.pinned() ? ns : no_sample;
}

double between_processes(int cpu) {
  Pipes pipes;
  // Each side keeps the ends that it uses, so that it sees when the other is gone; but the parent also the
  // reading end of the way there: to write where nobody can read would end it by SIGPIPE.
  const PartnerProcess partner(cpu, [&] {
    pipes.there.close_end(Pipe::writing);
    pipes.back.close_end(Pipe::reading);
    pipes.answer();
  });
  if (!partner.started()) return no_sample;
  pipes.back.close_end(Pipe::writing);
  return pipes.measure();
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

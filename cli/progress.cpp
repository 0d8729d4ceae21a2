#include "cli/progress.hpp"

#include <algorithm>
#include <cstdio>

#include <spdlog/fmt/fmt.h>

#include "cli/readable.hpp"

namespace mmsim {
namespace {

constexpr auto between_drawings = std::chrono::milliseconds(100);

void write(const std::string& text) {
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

} // namespace

Progress::Progress(Terminal terminal, std::size_t runs, std::size_t kept, double weight, unsigned processes,
                   bool open_ended)
    : terminal_(terminal), runs_(runs), done_(kept), weight_left_(weight), processes_(processes),
      open_ended_(open_ended) {}

void Progress::added(double weight) {
  ++runs_;
  weight_left_ += weight;
}

void Progress::finished(double weight, double host_seconds, bool good) {
  ++done_;
  bad_ += !good;
  weight_done_ += weight;
  weight_left_ -= weight;
  seconds_done_ += host_seconds;
}

double Progress::seconds_left() const { return weight_left_ * seconds_done_ / weight_done_ / processes_; }

std::string Progress::line() const {
  const std::string counts = fmt::format("{}{}{} runs", done_, open_ended_ ? " of at least " : "/", runs_);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - started_;
  std::string facts = counts + "  " + readable_seconds(elapsed.count());
  if (weight_done_ > 0)
    facts += (open_ended_ ? "  ETA at least " : "  ETA ") + readable_seconds(std::max(seconds_left(), 0.0));
  if (bad_ > 0) facts += fmt::format("  {} failed", bad_);
  constexpr std::size_t most = 30;
  if (terminal_.width < facts.size() + 12) return facts.substr(0, terminal_.width - 1);
  const std::size_t width = std::min(most, terminal_.width - facts.size() - 6);
  const std::size_t full = runs_ ? width * done_ / runs_ : width;
  return '[' + std::string(full, '#') + std::string(width - full, '.') + "]  " + facts;
}

void Progress::show() {
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_.interactive || (visible_ && now - drawn_ < between_drawings)) return;
  drawn_ = now;
  visible_ = true;
  write("\r" + line() + "\033[K");
}

void Progress::clear() {
  if (visible_) write("\r\033[K");
  visible_ = false;
}

} // namespace mmsim

#include "cli/defects.hpp"

#include <algorithm>

namespace mmsim {
namespace {

/// One line, whatever a damaged file had in its fields.
std::string in_one_line(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return text;
}

} // namespace

void Defects::add(const std::filesystem::path& file, int line, const std::string& reason,
                  const std::string& advice) {
  const auto known = std::ranges::find(files_, file, &OfFile::file);
  if (known != files_.end()) {
    ++known->more;
    return;
  }
  const std::string place = file.native() + (line > 0 ? ':' + std::to_string(line) : std::string());
  files_.push_back({file, place + ": " + reason, advice});
}

bool Defects::in(const std::filesystem::path& file) const {
  return std::ranges::find(files_, file, &OfFile::file) != files_.end();
}

std::vector<std::string> Defects::lines() const {
  std::vector<std::string> lines;
  for (const OfFile& each : files_)
    lines.push_back(in_one_line(
        each.first + (each.more > 0 ? " (and " + std::to_string(each.more) + " more)" : std::string()) +
        each.advice));
  return lines;
}

} // namespace mmsim

#include "cli/validation/publication.hpp"

#include <string_view>

namespace mmsim::validation {

std::string publication_of(const std::string& source) {
  std::string result;
  int brackets = 0, commas = 0;
  for (const char c : source) {
    brackets += (c == '[') - (c == ']');
    if (brackets > 0 || c == ']' || c == '"') continue;
    commas += c == ',';
    if (c == ':' || c == ';' || commas == 2) break;
    const bool blank = c == ' ' || c == '\n' || c == '\t';
    if (!blank)
      result += c;
    else if (!result.empty() && !result.ends_with(' '))
      result += ' ';
  }
  while (result.ends_with(' '))
    result.pop_back();
  return result;
}

Group group_of(const Case& one) {
  if (publication_of(one.source).starts_with("the project's own measurements")) return Group::own;
  return one.seen_before.empty() ? Group::published : Group::published_seen;
}

std::string title_of(Group group) {
  switch (group) {
  case Group::published:
    return "published, first run after the freeze";
  case Group::published_seen:
    return "published, seen before the freeze";
  case Group::own:
    break;
  }
  return "own measurements (host.csv)";
}

} // namespace mmsim::validation

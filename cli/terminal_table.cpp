#include "cli/terminal_table.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace mmsim {
namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t narrowest = 16; // of a column that wraps

std::string padded(const std::string& text, std::size_t width, bool to_the_right) {
  const std::string spaces(width - std::min(width, columns_of(text)), ' ');
  return to_the_right ? spaces + text : text + spaces;
}

/// Bytes that the first `columns` code points take.
std::size_t bytes_of(std::string_view text, std::size_t columns) {
  std::size_t bytes = 0;
  while (bytes < text.size() && columns > 0) {
    ++bytes;
    while (bytes < text.size() && (text[bytes] & 0xC0) == 0x80)
      ++bytes;
    --columns;
  }
  return bytes;
}

} // namespace

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  width = std::max<std::size_t>(width, 1);
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    std::size_t space = text.find_first_of(" \n");
    if (text.substr(std::min(space, text.size())).starts_with(" %") &&
        columns_of(text.substr(0, space + 2)) <= width) // it belongs to its number
      space = text.find_first_of(" \n", space + 1);
    std::string_view word = text.substr(0, space);
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
    if (word.empty()) continue;
    if (!lines.back().empty()) {
      if (columns_of(lines.back()) + 1 + columns_of(word) <= width) {
        lines.back().append(" ").append(word);
        continue;
      }
      lines.emplace_back();
    }
    while (columns_of(word) > width) {
      const std::size_t bytes = bytes_of(word, width);
      lines.back() = word.substr(0, bytes);
      lines.emplace_back();
      word.remove_prefix(bytes);
    }
    lines.back() = word;
  }
  return lines;
}

TerminalTable::TerminalTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

void TerminalTable::add_heading(std::vector<std::string> cells) {
  if (cells.size() != columns_.size()) throw std::logic_error("a heading needs a cell for each column");
  headings_.push_back(std::move(cells));
}

void TerminalTable::add_row(std::vector<std::string> cells) {
  if (cells.size() != columns_.size()) throw std::logic_error("a row needs a cell for each column");
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> TerminalTable::natural_widths() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = columns_of(columns_[i].title);
    for (const auto* lines : {&headings_, &rows_})
      for (const auto& cells : *lines)
        width = std::max(width, columns_of(cells[i]));
    widths.push_back(width);
  }
  return widths;
}

std::size_t TerminalTable::natural_width() const {
  const auto widths = natural_widths();
  return std::accumulate(widths.begin(), widths.end(), gap * (columns_.size() - 1));
}

std::string TerminalTable::text(const Terminal& terminal, std::size_t indent) const {
  std::vector<std::size_t> widths = natural_widths();
  std::size_t total = natural_width() + indent;
  while (total > terminal.width) { // the widest column that can wrap gives way
    std::size_t widest = columns_.size();
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (columns_[i].kind == wraps && widths[i] > narrowest &&
          (widest == columns_.size() || widths[i] > widths[widest]))
        widest = i;
    if (widest == columns_.size()) break;
    --widths[widest];
    --total;
  }

  std::string result;
  const auto line = [&](const std::vector<std::string>& cells, bool bold) {
    std::string text(indent, ' ');
    for (std::size_t i = 0; i < cells.size(); ++i)
      text += padded(cells[i], widths[i], columns_[i].kind == right) + std::string(gap, ' ');
    text.resize(text.find_last_not_of(' ') + 1);
    result += (bold ? terminal.bold(text) : text) + '\n';
  };
  for (const auto& cells : headings_)
    line(cells, true);
  std::vector<std::string> titles;
  for (const Column& column : columns_)
    titles.push_back(column.title);
  if (std::ranges::any_of(titles, [](const std::string& title) { return !title.empty(); }))
    line(titles, true);

  for (const auto& cells : rows_) {
    std::vector<std::vector<std::string>> lines;
    std::size_t height = 1;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      lines.push_back(columns_[i].kind == wraps ? wrapped(cells[i], widths[i])
                                                : std::vector<std::string>{cells[i]});
      height = std::max(height, lines.back().size());
    }
    for (std::size_t k = 0; k < height; ++k) {
      std::vector<std::string> parts;
      for (const auto& each : lines)
        parts.push_back(k < each.size() ? each[k] : std::string());
      line(parts, false);
    }
  }
  return result;
}

} // namespace mmsim

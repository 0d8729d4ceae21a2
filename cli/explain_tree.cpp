#include "cli/explain_tree.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "cli/merged_findings.hpp"
#include "cli/readable.hpp"
#include "cli/terminal_table.hpp"
#include "cli/time_parts.hpp"

namespace mmsim {
namespace {

constexpr double least_share = 0.01;
constexpr std::size_t narrowest = 12; // columns of a name, whatever the terminal

struct Branch {
  std::string name;
  double mean_ns = 0;
  std::vector<Branch> below{};
};

/// The largest first; those below `least` are one, named after them where there are few.
std::vector<Branch> gathered(std::vector<Branch> branches, double least) {
  std::ranges::stable_sort(branches, std::ranges::greater{}, &Branch::mean_ns);
  const auto small = std::ranges::find_if(branches, [&](const Branch& each) { return each.mean_ns < least; });
  if (branches.end() - small < 2) return branches;
  Branch other{"other: ", 0};
  for (auto each = small; each != branches.end(); ++each) {
    if (each != small) other.name += ", ";
    other.name += each->name;
    other.mean_ns += each->mean_ns;
  }
  if (branches.end() - small > 3) other.name = "other (" + std::to_string(branches.end() - small) + ')';
  branches.erase(small, branches.end());
  branches.push_back(std::move(other));
  return branches;
}

/// " (cpu 3 most: 5 %)", behind CPUs of one kind.
std::string which_cpu(const TimePart& part, double mean_ns) {
  if (part.cpus == 0) return {};
  if (part.cpus == 1) return " (" + part.most + ')';
  return " (" + part.most + " most: " + readable_share(part.most_ns / mean_ns) + ')';
}

std::vector<Branch> branches_of(const Findings::Operation& operation) {
  const double least = least_share * operation.mean_ns;
  std::vector<Branch> accounts;
  for (const Findings::AccountTime& account : operation.accounts) {
    Branch& branch = accounts.emplace_back(account.account, account.mean_ns);
    std::vector<Branch> waits;
    for (const TimePart& part : waits_of(account))
      waits.push_back({part.kind == WaitKind::other
                           ? std::string("nobody in particular")
                           : name_below_account(part) + which_cpu(part, operation.mean_ns),
                       part.mean_ns});
    branch.below = gathered(std::move(waits), least);
  }
  return gathered(std::move(accounts), least);
}

/// Pieces of the drawing: of a branch that others follow and of the last one, and what is under each.
struct Pieces {
  std::string fork, last, under_fork, under_last;
};
const Pieces ascii{"|- ", "`- ", "|  ", "   "};
const Pieces boxes{"\u251c\u2500 ", "\u2514\u2500 ", "\u2502  ", "   "};

struct Line {
  std::string share, mean;
  std::string drawing;       // before the first line of the name
  std::string under_drawing; // before the others
  std::string name;
};

void add_lines(const std::vector<Branch>& branches, double whole, const std::string& before,
               const Pieces& pieces, std::vector<Line>& lines) {
  for (const Branch& branch : branches) {
    const bool last = &branch == &branches.back();
    const std::string under = before + (last ? pieces.under_last : pieces.under_fork);
    lines.push_back({readable_share(branch.mean_ns / whole), readable_nanoseconds(branch.mean_ns),
                     before + (last ? pieces.last : pieces.fork),
                     under + (branch.below.empty() ? std::string() : pieces.under_fork), branch.name});
    add_lines(branch.below, whole, under, pieces, lines);
  }
}

std::string to_the_right(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, columns_of(text)), ' ') + text;
}

} // namespace

std::string time_tree(const Findings::Operation& operation, const std::string& title,
                      const Terminal& terminal, std::size_t indent) {
  const Pieces& pieces = terminal.box_drawing ? boxes : ascii;
  std::vector<Line> lines{{"share", "mean", "", "", title}};
  if (operation.accounts.empty())
    lines.push_back({"", readable_nanoseconds(operation.mean_ns), pieces.last, pieces.under_last,
                     "its accounts are not known"});
  else
    add_lines(branches_of(operation), operation.mean_ns, "", pieces, lines);
  std::size_t share_width = 0, mean_width = 0;
  for (const Line& line : lines) {
    share_width = std::max(share_width, columns_of(line.share));
    mean_width = std::max(mean_width, columns_of(line.mean));
  }
  const std::size_t before = indent + share_width + 2 + mean_width + 2;
  std::string text;
  for (const Line& line : lines) {
    const bool heading = &line == &lines.front();
    std::string drawing = std::string(indent, ' ') + to_the_right(line.share, share_width) + "  " +
                          to_the_right(line.mean, mean_width) + "  " + line.drawing;
    const std::size_t taken = columns_of(drawing);
    const std::size_t left = terminal.width > taken ? terminal.width - taken : 0;
    for (const std::string& part : wrapped(line.name, std::max(left, narrowest))) {
      text += heading ? terminal.bold(drawing + part) : drawing + part;
      text += '\n';
      drawing = std::string(before, ' ') + line.under_drawing;
    }
  }
  return text;
}

std::string time_trees(const MergedPoint& point, const Terminal& terminal) {
  std::string text;
  for (const Findings::Operation& operation : finding_of(point).operations)
    if (operation.count > 0) text += time_tree(operation, operation.name, terminal);
  return text;
}

} // namespace mmsim

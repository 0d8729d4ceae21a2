#include "cli/validation/case_file.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <regex>
#include <utility>

#include "cli/manifest.hpp"
#include "cli/toml_file.hpp"
#include "cli/validation/case_checks.hpp"
#include "cli/validation/quantity_section.hpp"
#include "cli/validation/table_reader.hpp"
#include "sim/engine/nearest_name.hpp"

namespace mmsim::validation {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t most_seeds = 100;

/// Settings as in a configuration file, of the four sections that one has.
Configuration read_settings(const toml::table& table, const std::string& file) {
  for (const auto& [key, value] : table)
    if (key.str() == "sweep")
      throw InputError("a case has points, and no sweep", toml_file::at(key.source(), file));
  Configuration settings = toml_file::read_sections(table, file);
  if (settings.find("run.seed"))
    throw InputError("run.seed is not for a case: its seeds are 1 to `seeds`",
                     settings.origin_of("run.seed"));
  return settings;
}

/// "kernel.rmap" = "..", or kernel.rmap = "..".
Configuration read_point_settings(const toml::table& table, const std::string& file) {
  Configuration settings;
  toml_file::add_keys(settings, table, "", file);
  const std::vector<std::string> known(toml_file::sections.begin(), toml_file::sections.end());
  for (const auto& [path, entry] : settings.entries()) {
    const std::string section = path.substr(0, path.find('.'));
    if (std::ranges::find(known, section) == known.end() || section == path)
      throw InputError("set: \"" + path + "\" is no path of a section" + did_you_mean(section, known),
                       entry.origin);
    if (path == "run.seed")
      throw InputError("run.seed is not for a case: its seeds are 1 to `seeds`", entry.origin);
  }
  return settings;
}

CasePoint read_point(const toml::table& table, const std::string& file) {
  const TableReader reader(table, "a point", file, {"x", "y", "calibrated", "set"});
  CasePoint point;
  point.origin = toml_file::at(table.source(), file);
  if (!reader.has("x")) reader.refuse("x", " is missing");
  const auto x = toml_file::scalar(*reader.node("x"));
  if (!x) reader.refuse("x", " is no number and no text");
  point.x = *x;
  point.label = table_text(*x);
  if (point.label.empty()) reader.refuse("x", " is empty");
  const auto y = reader.number("y");
  if (!y) reader.refuse("y", " is missing: what was published");
  point.y = *y;
  point.calibrated = reader.flag("calibrated").value_or(false);
  if (const toml::table* set = reader.table("set")) point.set = read_point_settings(*set, file);
  return point;
}

std::string read_date(const TableReader& reader) {
  const std::string date = reader.required_text("on", "the day, as \"YYYY-MM-DD\"");
  static const std::regex form("[0-9]{4}-[0-9]{2}-[0-9]{2}");
  if (!std::regex_match(date, form)) reader.refuse("on", " is \"" + date + "\", no day as \"YYYY-MM-DD\"");
  return date;
}

/// May be empty: not frozen yet.
std::string read_hash(const TableReader& reader) {
  const auto hash = reader.text("hash");
  if (!hash) reader.refuse("hash", " is missing; mmsim validate --dry-run shows it, and \"\" is for not yet");
  static const std::regex form("([0-9a-f]{16})?");
  if (!std::regex_match(*hash, form))
    reader.refuse("hash", " is \"" + *hash + "\", which is not 16 hex digits");
  return *hash;
}

void read_freezes(Case& one, const TableReader& reader) {
  const toml::table* frozen = reader.table("frozen");
  if (!frozen)
    reader.refuse("frozen",
                  " is missing: write frozen = { on = \"YYYY-MM-DD\", hash = \"\" }, and the hash once "
                  "the numbers are committed");
  const TableReader first(*frozen, "frozen", one.file, {"on", "hash"});
  one.frozen = {read_date(first), read_hash(first), {}, reader.origin("frozen")};
  for (const toml::table* each : reader.tables("changes")) {
    const TableReader change(*each, "changes", one.file, {"on", "hash", "why"});
    Freeze& freeze = one.changes.emplace_back();
    freeze.on = read_date(change);
    freeze.hash = read_hash(change);
    freeze.why = change.required_text("why", "a frozen number changes only for a reason");
    freeze.origin = toml_file::at(each->source(), one.file);
  }
}

/// A key that one kind of comparison has and the others have not.
void only_for(const TableReader& reader, const Case& one, Compare which, const char* key, bool required,
              const char* purpose) {
  if (one.compare != which && reader.has(key))
    reader.refuse(key, " is only for compare = \"" + std::string(name(which)) + '"');
  if (one.compare == which && required && !reader.has(key))
    reader.refuse(key, std::string(" is missing: ") + purpose);
}

void read_comparison(Case& one, const TableReader& reader) {
  reader.required_text("compare", "absolute, relative, trend or crossover");
  one.compare = Compare(*reader.choice("compare", {"absolute", "relative", "trend", "crossover"}));

  const auto tolerance = reader.number("tolerance");
  if (one.compare == Compare::trend) {
    if (tolerance) reader.refuse("tolerance", " is not for a trend, which goes the right way or not");
  } else {
    if (!tolerance) reader.refuse("tolerance", " is missing: a part of the published value, such as 0.25");
    if (*tolerance <= 0 || *tolerance >= 1)
      reader.refuse("tolerance", " is " + to_text(Value(*tolerance)) +
                                     "; it is a part of the published value, above 0 and below 1");
    one.tolerance = *tolerance;
  }

  only_for(reader, one, Compare::relative, "base", true, "the x at which both curves are 1");
  if (const toml::node* base = reader.node("base")) {
    one.base = toml_file::scalar(*base);
    if (!one.base) reader.refuse("base", " is no number and no text");
  }
  only_for(reader, one, Compare::crossover, "level", true, "the value that the curve crosses");
  one.level = reader.number("level").value_or(0);
  only_for(reader, one, Compare::trend, "step", false, "");
  one.step = reader.number("step").value_or(0.1);
  if (one.step <= 0 || one.step >= 1)
    reader.refuse("step", " is " + to_text(Value(one.step)) + "; it is a share, above 0 and below 1");
}

void read_texts(Case& one, const TableReader& reader) {
  one.title = reader.required_text("title", "what the series is of, in words");
  one.topic = reader.required_text("topic", "the topic under which the case is counted");
  one.source = reader.required_text("source", "where the series was published, so that it can be looked up");
  one.unit = reader.required_text("unit", "the unit of y");
  one.x = reader.required_text("x", "what x is, such as CPUs");
  one.machine = reader.required_text("machine", "the machine that was measured, in words");
  one.note = reader.text("note").value_or("");
  one.miss = reader.text("miss").value_or("");
  if (reader.has("seen_before"))
    one.seen_before =
        reader.required_text("seen_before", "why and where its predictions had been run before");
  one.rows = reader.texts("rows");
}

bool is_path(const std::string& axis) {
  const auto dot = axis.find('.');
  return dot != std::string::npos && dot + 1 < axis.size() &&
         std::ranges::find(toml_file::sections, std::string_view(axis).substr(0, dot)) !=
             toml_file::sections.end();
}

void read_points(Case& one, const TableReader& reader) {
  one.axis = reader.text("axis").value_or("");
  if (reader.has("axis") && !is_path(one.axis))
    reader.refuse("axis", " is \"" + one.axis + "\", no path of a parameter, such as \"run.cpus\"");
  if (one.axis == "run.seed") reader.refuse("axis", " cannot be run.seed: a case's seeds are 1 to `seeds`");
  one.seeds = reader.whole("seeds").value_or(1);
  if (one.seeds < 1 || one.seeds > most_seeds)
    reader.refuse("seeds", " is " + std::to_string(one.seeds) + "; 1 to " + std::to_string(most_seeds) +
                               " are possible");
  if (!reader.has("points")) reader.refuse("points", " is missing: what was published");
  for (const toml::table* each : reader.tables("points"))
    one.points.push_back(read_point(*each, one.file));
}

/// Without what every point would run, which takes most of the time.
Case parse_case(const fs::path& path) {
  const std::string file = toml_file::shown(path);
  const toml::table table = toml_file::parse_file(path, file);
  const TableReader reader(table, "", file,
                           {"title", "topic",   "source",    "rows",    "machine",  "unit",
                            "x",     "compare", "base",      "level",   "step",     "axis",
                            "free",  "seeds",   "tolerance", "points",  "frozen",   "miss",
                            "note",  "changes", "model",     "against", "quantity", "seen_before"});
  Case one;
  one.name = path.stem().native();
  one.file = file;
  one.base_files = BaseFiles(path);
  read_texts(one, reader);
  read_comparison(one, reader);
  read_points(one, reader);
  one.free = reader.texts("free");
  read_freezes(one, reader);

  const toml::table* model = reader.table("model");
  if (!model)
    reader.refuse("model", " is missing: write [model], and machine, kernel, scenario and run below");
  one.model = read_settings(*model, file);
  if (const toml::table* against = reader.table("against")) {
    one.against = read_settings(*against, file);
    if (one.against->entries().empty()) reader.refuse("against", " is empty: what does the second run have?");
  }
  const toml::table* quantity = reader.table("quantity");
  if (!quantity) reader.refuse("quantity", " is missing: write [quantity], and value = ... below");
  one.quantity = read_quantity(*quantity, file, one.against.has_value());

  check_points(one, reader.origin("points"));
  check_free(one, reader.origin("free"));
  return one;
}

} // namespace

Case read_case(const fs::path& path) {
  Case one = parse_case(path);
  check_configurations(one);
  return one;
}

fs::path reference_folder() {
  if (const char* folder = std::getenv("MMSIM_REFERENCE"); folder && *folder) return folder;
  return fs::path(MMSIM_SOURCE_DIR) / "tests" / "reference";
}

std::vector<Case> read_cases(const fs::path& folder, const std::optional<std::string>& only) {
  std::regex wanted;
  try {
    wanted = std::regex(only.value_or(""));
  } catch (const std::regex_error& error) {
    throw InputError("--only \"" + *only + "\" is no regular expression: " + error.what());
  }
  std::error_code error;
  if (!fs::is_directory(folder, error))
    throw InputError("is no folder; case files are looked for in tests/reference beside the sources, or in "
                     "$MMSIM_REFERENCE",
                     {folder.native()});

  std::vector<Case> cases;
  std::vector<std::string> names;
  for (const auto& [name, path] : toml_file::toml_files(folder)) {
    Case one = parse_case(path);
    names.insert(names.end(), {one.name, one.topic});
    if (!std::regex_search(one.name, wanted) && !std::regex_search(one.topic, wanted)) continue;
    check_configurations(one);
    cases.push_back(std::move(one));
  }
  if (names.empty()) throw InputError("there are no case files (*.toml)", {folder.native()});
  if (cases.empty())
    throw InputError("--only \"" + *only + "\" is in the name or topic of no case" +
                     did_you_mean(*only, names));
  std::ranges::stable_sort(cases, {}, &Case::topic); // files come in the order of their names
  return cases;
}

} // namespace mmsim::validation

#include "cli/validation/frozen.hpp"

#include "cli/fnv.hpp"

namespace mmsim::validation {
namespace {

std::string text_of(double number) { return to_text(Value(number)); }

void add_quantity(Fnv& hash, const CaseQuantity& quantity) {
  hash.add("value=" + std::to_string(int(quantity.value)) +
           " combine=" + std::to_string(int(quantity.combine)) + " scale=" + text_of(quantity.scale) +
           " operation=" + quantity.operation + '\n');
  for (const Account account : quantity.accounts)
    hash.add("account=" + std::string(name(account)) + '\n');
  for (const std::string& counter : quantity.counters)
    hash.add("counter=" + counter + '\n');
}

const Freeze& latest(const Case& one) { return one.changes.empty() ? one.frozen : one.changes.back(); }

} // namespace

std::string case_hash(const Case& one) {
  Fnv hash;
  hash.add("compare=" + std::string(name(one.compare)) + " tolerance=" + text_of(one.tolerance) +
           " base=" + (one.base ? to_text(*one.base) : "") + " level=" + text_of(one.level) +
           " step=" + text_of(one.step) + " axis=" + one.axis + " seeds=" + std::to_string(one.seeds) + '\n');
  for (const std::string& path : one.free)
    hash.add("free=" + path + '\n');
  add_quantity(hash, one.quantity);
  for (const CasePoint& point : one.points) {
    hash.add("point x=" + to_text(point.x) + " y=" + text_of(point.y) +
             (point.calibrated ? " calibrated\n" : "\n"));
    for (const bool of_against : {false, true}) {
      if (of_against && !one.against) continue;
      if (of_against) hash.add("against\n");
      const Configuration configuration = one.configuration(point, of_against);
      for (const auto& [path, entry] : configuration.entries())
        hash.add(path + '=' + to_text(entry.value) + '\n');
    }
  }
  return hash.text();
}

Frozen frozen_state(const Case& one, const std::string& hash) {
  const std::string& fixed = latest(one).hash;
  return fixed.empty() ? Frozen::not_yet : fixed == hash ? Frozen::yes : Frozen::changed;
}

std::string changed_advice(const Case& one, const std::string& hash) {
  return "the numbers have changed since " + latest(one).on + "; add { on = \"YYYY-MM-DD\", hash = \"" +
         hash + "\", why = \"...\" } to changes of " + one.file;
}

} // namespace mmsim::validation

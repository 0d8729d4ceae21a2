#include "sim/engine/parameter.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <stdexcept>

#include "sim/engine/nearest_name.hpp"

namespace mmsim {

namespace {

constexpr std::array<std::string_view, 4> sections{"machine.", "kernel.", "scenario.", "run."};
constexpr std::array<std::string_view, 3> structural_keys{"kernel.base", "machine.base", "scenario.name"};

/// What a type is called in listings and messages, with units and an example.
template <class T>
struct TypeText;
template <>
struct TypeText<Duration> {
  static constexpr std::string_view type = "duration", unit = "ps ns us ms s cycles", example = "80 ns";
};
template <>
struct TypeText<Bytes> {
  static constexpr std::string_view type = "size", unit = "B KiB MiB GiB TiB", example = "64 GiB";
};
template <>
struct TypeText<BytesPerSecond> {
  static constexpr std::string_view type = "rate", unit = "B/s KiB/s MiB/s GiB/s TiB/s",
                                    example = "1.2 GiB/s";
};
template <>
struct TypeText<Hertz> {
  static constexpr std::string_view type = "frequency", unit = "Hz kHz MHz GHz", example = "2.6 GHz";
};
template <>
struct TypeText<std::int64_t> {
  static constexpr std::string_view type = "integer", unit = "";
};
template <>
struct TypeText<double> {
  static constexpr std::string_view type = "number", unit = "";
};
template <>
struct TypeText<bool> {
  static constexpr std::string_view type = "flag", unit = "";
};
template <>
struct TypeText<std::string> {
  static constexpr std::string_view type = "name", unit = "";
};

template <class T>
constexpr bool has_unit = !TypeText<T>::unit.empty();

template <class T>
std::string printed(const T& value) {
  if constexpr (has_unit<T>)
    return to_text(value);
  else
    return to_text(Value(value));
}

/// The clock that cycles are counted in: configured, else the default of whoever declares machine.clock.
std::optional<Hertz> clock_of(const Configuration& configuration) {
  const Entry* entry = configuration.find("machine.clock");
  const ParameterInfo* info = ParameterCatalogue::instance().find("machine.clock", "");
  const Value* value = entry ? &entry->value : info && info->default_value ? &*info->default_value : nullptr;
  if (!value) return std::nullopt;
  const Origin origin = entry ? entry->origin : Origin{};
  const auto* text = std::get_if<std::string>(value);
  if (!text)
    throw InputError("machine.clock: " + to_text(*value) + " has no unit; write one like \"2.6 GHz\"",
                     origin);
  try {
    return parse_frequency(*text);
  } catch (const std::invalid_argument& error) {
    throw InputError("machine.clock: " + std::string(error.what()), origin);
  }
}

std::string joined(const std::vector<std::string>& names) {
  std::string result;
  for (const std::string& name : names)
    result.append(result.empty() ? "" : " ").append(name);
  return result;
}

/// A name as the user writes it; allowed numbers stand without quotes.
std::string plain(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return to_text(value);
}

std::vector<std::string> allowed_names(const AnyRegistry* registry, std::vector<std::string> listed) {
  if (!registry) return listed;
  std::vector<std::string> names = registry->names();
  names.insert(names.end(), listed.begin(), listed.end());
  return names;
}

} // namespace

std::string ParameterInfo::default_text() const {
  return default_value ? to_text(*default_value) : "required";
}

std::vector<std::string> ParameterInfo::allowed_names() const {
  return mmsim::allowed_names(registry, listed_names);
}

void Declaration::fail(const std::string& reason) const {
  throw InputError(path_ + ": " + reason + (is_default_ ? " (this is the default)" : ""), origin_);
}

template <ParameterField T>
T Declaration::convert(const Value& value) const {
  const auto* text = std::get_if<std::string>(&value);
  if constexpr (has_unit<T>) {
    if (!text) {
      const bool number = !std::holds_alternative<bool>(value);
      if (number && to_text(value).starts_with('-')) fail(to_text(value) + " is negative and has no unit");
      const std::string_view example = TypeText<T>::example;
      const std::string advice =
          number ? to_text(value) + std::string(example.substr(example.find(' '))) : std::string(example);
      fail(to_text(value) + (number ? " has no unit" : " is not a " + std::string(TypeText<T>::type)) +
           "; write \"" + advice + "\" (units: " + std::string(TypeText<T>::unit) + ")");
    }
    try {
      if constexpr (std::same_as<T, Duration>)
        return parse_duration(*text, clock_of(*configuration_));
      else if constexpr (std::same_as<T, Bytes>)
        return parse_bytes(*text);
      else if constexpr (std::same_as<T, BytesPerSecond>)
        return parse_rate(*text);
      else
        return parse_frequency(*text);
    } catch (const std::invalid_argument& error) {
      fail(error.what());
    }
  } else {
    if (const auto* same = std::get_if<T>(&value)) {
      if constexpr (std::same_as<T, double>)
        if (!std::isfinite(*same)) fail(to_text(value) + " is not a finite number");
      return *same;
    }
    if constexpr (std::same_as<T, std::int64_t>) {
      fail(to_text(value) +
           (text ? " is text; write a whole number without quotes" : " is not a whole number"));
    } else if constexpr (std::same_as<T, double>) {
      if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
      fail(to_text(value) + (text ? " is text; write a number without quotes" : " is not a number"));
    } else if constexpr (std::same_as<T, bool>) {
      fail(to_text(value) + " is not a flag; write true or false without quotes");
    } else {
      fail(to_text(value) + " is not a name; write it in quotes");
    }
  }
}

template <ParameterField T>
Constraint<T> Declaration::operator()(std::string_view path, T& field, Literal default_value,
                                      std::string_view help, std::string_view source) {
  if (catalogue_) {
    ParameterInfo info;
    info.path = path;
    info.scenario = scenario_;
    info.type = TypeText<T>::type;
    info.unit = TypeText<T>::unit;
    info.default_value = default_value.value();
    info.help = help;
    info.source = source;
    catalogue_->push_back(std::move(info));
    return {*this, field};
  }
  path_ = path;
  const Entry* entry = configuration_->find(path);
  is_default_ = entry == nullptr;
  origin_ = entry ? entry->origin : Origin{};
  if (!entry && !default_value.value())
    throw InputError(path_ + " is not set and has no default: " + std::string(help));
  value_ = entry ? entry->value : *default_value.value();
  field = convert<T>(value_);
  return {*this, field};
}

template <ParameterField T>
Constraint<T>& Constraint<T>::at_least(Literal bound) requires Ordered<T> {
  if (declaration_.catalogue_) {
    declaration_.catalogue_->back().at_least = bound.value();
  } else if (const T least = declaration_.template convert<T>(bound.value().value()); field_ < least) {
    declaration_.fail(to_text(declaration_.value_) + " is too small; at least " + printed(least) +
                      " is needed");
  }
  return *this;
}

template <ParameterField T>
Constraint<T>& Constraint<T>::at_most(Literal bound) requires Ordered<T> {
  if (declaration_.catalogue_) {
    declaration_.catalogue_->back().at_most = bound.value();
  } else if (const T most = declaration_.template convert<T>(bound.value().value()); field_ > most) {
    declaration_.fail(to_text(declaration_.value_) + " is too large; at most " + printed(most) +
                      " is possible");
  }
  return *this;
}

template <ParameterField T>
Constraint<T>& Constraint<T>::one_of(std::initializer_list<Literal> values) requires Listed<T> {
  std::vector<std::string> names;
  for (const Literal& value : values)
    names.push_back(plain(value.value().value()));
  if (declaration_.catalogue_) {
    declaration_.catalogue_->back().listed_names = std::move(names);
  } else if (const std::string name = plain(Value(field_)); std::ranges::find(names, name) == names.end()) {
    if constexpr (std::same_as<T, std::string>)
      declaration_.fail("unknown name " + to_text(declaration_.value_) + did_you_mean(name, names) +
                        " (one of: " + joined(names) + ")");
    else
      declaration_.fail(name + " is not possible; write one of " + joined(names));
  }
  return *this;
}

template <ParameterField T>
Constraint<T>& Constraint<T>::registered(
    const AnyRegistry& registry,
    std::initializer_list<std::string_view> others) requires std::same_as<T, std::string> {
  std::vector<std::string> listed(others.begin(), others.end());
  if (declaration_.catalogue_) {
    declaration_.catalogue_->back().registry = &registry;
    declaration_.catalogue_->back().listed_names = std::move(listed);
    return *this;
  }
  const std::vector<std::string> names = allowed_names(&registry, std::move(listed));
  if (std::ranges::find(names, field_) == names.end())
    declaration_.fail("unknown name " + to_text(declaration_.value_) + did_you_mean(field_, names) +
                      " (one of: " + joined(names) + ")");
  return *this;
}

template class Constraint<Duration>;
template class Constraint<Bytes>;
template class Constraint<BytesPerSecond>;
template class Constraint<Hertz>;
template class Constraint<std::int64_t>;
template class Constraint<double>;
template class Constraint<bool>;
template class Constraint<std::string>;

#define MMSIM_DECLARE_FIELD(T)                                                                               \
  template Constraint<T> Declaration::operator()(std::string_view, T&, Literal, std::string_view,            \
                                                 std::string_view);
MMSIM_DECLARE_FIELD(Duration)
MMSIM_DECLARE_FIELD(Bytes)
MMSIM_DECLARE_FIELD(BytesPerSecond)
MMSIM_DECLARE_FIELD(Hertz)
MMSIM_DECLARE_FIELD(std::int64_t)
MMSIM_DECLARE_FIELD(double)
MMSIM_DECLARE_FIELD(bool)
MMSIM_DECLARE_FIELD(std::string)
#undef MMSIM_DECLARE_FIELD

ParameterCatalogue& ParameterCatalogue::instance() {
  static ParameterCatalogue catalogue;
  return catalogue;
}

void ParameterCatalogue::add(void (*declare)(Declaration&), std::string_view scenario) {
  std::vector<ParameterInfo> added;
  Declaration declaration(added, scenario);
  declare(declaration);
  for (ParameterInfo& info : added) {
    if (std::ranges::none_of(sections,
                             [&](std::string_view section) { return info.path.starts_with(section); }))
      throw std::logic_error("the parameter " + info.path +
                             " is in none of the sections machine, kernel, scenario, run");
    const auto first = parameters_.lower_bound({info.path, ""});
    const bool elsewhere = first != parameters_.end() && first->second.path == info.path &&
                           (first->second.scenario.empty() || info.scenario.empty());
    std::pair key{info.path, info.scenario};
    if (elsewhere || !parameters_.emplace(key, std::move(info)).second)
      throw std::logic_error("the parameter " + key.first + " is declared twice");
  }
  structs_.push_back({declare, std::string(scenario)});
}

std::vector<ParameterInfo> ParameterCatalogue::parameters() const {
  std::vector<ParameterInfo> result;
  for (const auto& [key, info] : parameters_)
    result.push_back(info);
  return result;
}

std::vector<ParameterInfo> ParameterCatalogue::parameters_of(std::string_view scenario) const {
  std::vector<ParameterInfo> result;
  for (const auto& [key, info] : parameters_)
    if (info.scenario.empty() || info.scenario == scenario) result.push_back(info);
  return result;
}

const ParameterInfo* ParameterCatalogue::find(std::string_view path, std::string_view scenario) const {
  auto found = parameters_.find({std::string(path), ""});
  if (found == parameters_.end()) found = parameters_.find({std::string(path), std::string(scenario)});
  return found == parameters_.end() ? nullptr : &found->second;
}

void ParameterCatalogue::check_values(const Configuration& configuration) const {
  const std::string scenario = chosen_scenario(configuration);
  for (const Declared& declared : structs_) {
    if (!declared.scenario.empty() && declared.scenario != scenario) continue;
    Declaration declaration(configuration);
    declared.declare(declaration);
  }
}

std::string chosen_scenario(const Configuration& configuration) {
  const Entry* entry = configuration.find("scenario.name");
  if (!entry) return {};
  const auto* name = std::get_if<std::string>(&entry->value);
  if (!name)
    throw InputError("scenario.name: " + to_text(entry->value) + " is not a name in quotes", entry->origin);
  if (const AnyRegistry* scenarios = AnyRegistry::find("scenario.name"))
    scenarios->check(*name, entry->origin);
  return *name;
}

void check_keys(const Configuration& configuration) {
  const ParameterCatalogue& catalogue = ParameterCatalogue::instance();
  const std::string scenario = chosen_scenario(configuration);
  for (const auto& [path, entry] : configuration.entries()) {
    if (std::ranges::find(structural_keys, path) != structural_keys.end() || catalogue.find(path, scenario))
      continue;
    if (scenario.empty() && path.starts_with("scenario."))
      throw InputError(path + " is set, but no scenario is chosen; set scenario.name", entry.origin);

    std::vector<std::string> known(structural_keys.begin(), structural_keys.end());
    for (const ParameterInfo& info : catalogue.parameters_of(scenario))
      known.push_back(info.path);
    std::set<std::string> owners;
    for (const ParameterInfo& info : catalogue.parameters())
      if (info.path == path) owners.insert(info.scenario);
    std::string message = "unknown key \"" + path + '"';
    if (!owners.empty())
      message += " in the scenario \"" + scenario +
                 "\" (it belongs to: " + joined({owners.begin(), owners.end()}) + ")";
    throw InputError(message + did_you_mean(path, known), entry.origin);
  }
}

void check_configuration(const Configuration& configuration) {
  check_keys(configuration);
  ParameterCatalogue::instance().check_values(configuration);
}

Configuration with_defaults(const Configuration& configuration) {
  Configuration result = configuration;
  for (const ParameterInfo& info :
       ParameterCatalogue::instance().parameters_of(chosen_scenario(configuration)))
    if (info.default_value && !result.find(info.path))
      result.set(info.path, *info.default_value, {"default"}, default_layer);
  return result;
}

} // namespace mmsim

// Spec<T>: the fields of a config struct, declared once. Parsing, defaults, documentation and JSON Schema come from it.
//
//   struct HttpSinkConfig { std::string url; std::string method = "POST"; Duration timeout = std::chrono::seconds(30); };
//
//   Spec<HttpSinkConfig> http_sink_spec() {
//     return Spec<HttpSinkConfig>("http", "Delivers each event by HTTP.")
//         .required("url", &HttpSinkConfig::url, "Where events are sent.", {.missing = "http sink: url is required"})
//         .field("method", &HttpSinkConfig::method, "The request's method.")
//         .field("timeout", &HttpSinkConfig::timeout, "Bounds one attempt.", {.min = std::chrono::milliseconds(1)});
//   }
//
// Defaults are those of a default-constructed T. Whatever is not declared is an error. In every message "{path}" stands for
// the full key path and "{value}" for what was found (never for a Secret). Build it, then share it: immutable, thread-safe.
#pragma once

#include <type_traits>

#include "config/field_types.h"

namespace fiso::config {

// A complaint about a value, or nothing.
template <class M>
using Check = std::function<std::optional<std::string>(const M&)>;

// What a field demands beyond its type. `missing` replaces "{path} is required".
template <class M>
struct Rules {
  std::string missing = {};
  Check<M> check = {};
};

template <class M>
concept Quantity = IntegerField<M> || std::same_as<M, double> || std::same_as<M, Duration> || std::same_as<M, Milliseconds> ||
                   std::same_as<M, Bytes>;

template <class M>
concept Comparable =
    Quantity<M> || std::same_as<M, bool> || std::same_as<M, std::optional<bool>> || std::same_as<M, std::string> ||
    std::same_as<M, std::vector<std::string>> || std::same_as<M, std::map<std::string, std::string>> || std::same_as<M, Secret>;

// What a 0 that is not within the bounds means.
enum class Zero { kIsANumber, kDefault };

template <Quantity M>
struct Rules<M> {
  std::optional<M> min = {};
  std::optional<M> max = {};
  std::string missing = {};
  std::string invalid = {};   // of what is not between them, in front of what it must be
  std::string negative = {};  // of a number with a minus
  Zero zero = Zero::kIsANumber;
  Check<M> check = {};
};

template <>
struct Rules<std::string> {
  std::vector<std::string> one_of = {};
  std::vector<Refused> refused = {};
  std::string missing = {};
  std::string invalid = {};  // when not one_of
  std::string pattern = {};  // what `check` demands, as far as a regular expression can tell editors
  Check<std::string> check = {};
};

template <Quantity M>
Rules<M> between(M least, M most) {
  Rules<M> rules;
  rules.min = least;
  rules.max = most;
  return rules;
}

struct ChoiceRules {
  std::vector<Refused> refused = {};
  std::string missing = {};
  std::string invalid = {};  // replaces "{path} \"{value}\" is not valid (must be one of: ...)"
  Match match = Match::kExact;
};

// The words of an enum and what they mean; the first word of a value is its name, the others are aliases.
template <class E>
using Choices = std::vector<std::pair<std::string, E>>;

template <class T>
class Spec {
 public:
  Spec(std::string name, std::string summary) { struct_.name = std::move(name), struct_.summary = std::move(summary); }

  template <class M>
  Spec& field(std::string key, M T::* member, std::string meaning, Rules<std::type_identity_t<M>> rules = {}) {
    return add(Presence::kOptional, std::move(key), member, std::move(meaning), std::move(rules));
  }

  // Empty text, an empty list and an empty map count as missing.
  template <class M>
  Spec& required(std::string key, M T::* member, std::string meaning, Rules<std::type_identity_t<M>> rules = {}) {
    return add(Presence::kRequired, std::move(key), member, std::move(meaning), std::move(rules));
  }

  // A nested struct U; M is U, or std::optional, std::vector or a string-keyed std::map of it.
  template <class M, class U>
  Spec& field(std::string key, M T::* member, const Spec<U>& spec, std::string meaning) {
    return nest(Presence::kOptional, std::move(key), member, spec, std::move(meaning), "");
  }

  template <class M, class U>
  Spec& required(std::string key, M T::* member, const Spec<U>& spec, std::string meaning, std::string missing = "") {
    return nest(Presence::kRequired, std::move(key), member, spec, std::move(meaning), std::move(missing));
  }

  // The keys and checks of a struct U within T, as if they were T's own. `keep` may change a key, or leave it out (false).
  template <class U>
  Spec& embed(U T::* member, const Spec<U>& spec, const std::function<bool(FieldSpec&)>& keep) {
    for (FieldSpec field : spec.view().fields) {
      if (!keep(field)) continue;
      if (field.read)
        field.read = [member, read = field.read](const Reader& reader, const Node& node, void* object) {
          read(reader, node, &(static_cast<T*>(object)->*member));
        };
      if (field.compare)
        field.compare = [member, compare = field.compare](const void* one, const void* other, const std::string& path,
                                                          std::vector<std::string>& changed) {
          compare(&(static_cast<const T*>(one)->*member), &(static_cast<const T*>(other)->*member), path, changed);
        };
      struct_.add(std::move(field));
    }
    for (const StructCheck& check : spec.view().checks)
      struct_.add(
          StructCheck{.keys = check.keys,
                      .run = [member, run = check.run](
                                 const void* object, Report& report) { run(&(static_cast<const T*>(object)->*member), report); },
                      .always = check.always});
    return *this;
  }

  // One word of a fixed list.
  template <class E>
  Spec& choice(std::string key, E T::* member, std::string meaning, Choices<std::type_identity_t<E>> choices,
               ChoiceRules rules = {}) {
    return choose(Presence::kOptional, std::move(key), member, std::move(meaning), std::move(choices), std::move(rules));
  }

  template <class E>
  Spec& required_choice(std::string key, E T::* member, std::string meaning, Choices<std::type_identity_t<E>> choices,
                        ChoiceRules rules = {}) {
    return choose(Presence::kRequired, std::move(key), member, std::move(meaning), std::move(choices), std::move(rules));
  }

  // A key that is known, and refused with a sentence that says why.
  Spec& unsupported(std::string key, std::string sentence) {
    struct_.add(FieldSpec{.key = std::move(key), .meaning = std::move(sentence), .presence = Presence::kRefused});
    return *this;
  }

  // A rule over several fields. It runs when none of `keys` failed; without keys, when no field did.
  Spec& check(std::vector<std::string> keys, std::function<void(const T&, Report&)> rule) {
    auto run = [rule = std::move(rule)](const void* object, Report& report) { rule(*static_cast<const T*>(object), report); };
    struct_.add(StructCheck{.keys = std::move(keys), .run = std::move(run)});
    return *this;
  }
  Spec& check(std::function<void(const T&, Report&)> rule) { return check({}, std::move(rule)); }
  // A rule that runs whatever failed, over what was read of it: what failed has its default, or what was written all the same.
  Spec& check_always(std::function<void(const T&, Report&)> rule) {
    check({}, std::move(rule));
    struct_.checks.back().always = true;
    return *this;
  }

  // Says what the Node field `key` holds for each value of the field `selector`. For documentation and schema; reading it
  // is up to whoever knows the value.
  Spec& variants(std::string key, std::string selector,
                 std::vector<std::pair<std::string, std::shared_ptr<const StructSpec>>> specs) {
    struct_.variants.push_back({std::move(key), std::move(selector), std::move(specs)});
    return *this;
  }

  // Fills `value`, which keeps its defaults where nothing is written. `path` is where `node` sits ("sink.config"; "" for the
  // root). A null node is a map without entries. True if there was nothing to complain about.
  bool parse(const Node& node, std::string path, T& value, Errors& errors,
             const EnvLookup& environment = process_environment()) const {
    size_t before = errors.size();
    read_struct(struct_, Reader(std::move(path), errors, environment), node, &value);
    return errors.size() == before;
  }

  // Leaves a key out of what changed() compares: what has ways of its own to change.
  Spec& uncompared(std::string_view key) {
    for (FieldSpec& field : struct_.fields)
      if (field.key == key) field.compare = [](const void*, const void*, const std::string&, std::vector<std::string>&) {};
    return *this;
  }

  // The key paths of what differs between two values. For specs of numbers, words, text, secrets, lists and maps of text, and
  // structs of those, optional or not.
  std::vector<std::string> changed(const T& one, const T& other) const {
    std::vector<std::string> keys;
    compare_structs(struct_, &one, &other, "", keys);
    return keys;
  }

  // Without its type: for documentation, and for registries.
  const StructSpec& view() const { return struct_; }
  std::shared_ptr<const StructSpec> share() const { return std::make_shared<const StructSpec>(struct_); }

 private:
  static const T& defaults() {
    static const T value{};
    return value;
  }

  // What a field demands of a value that has the right type.
  template <class M>
  static void apply(const Rules<M>& rules, const Reader& reader, const Node& node, const M& value) {
    if constexpr (Quantity<M>) {
      bool inside = (!rules.min || value >= *rules.min) && (!rules.max || value <= *rules.max);
      if (!inside) return fail_bounds(reader, node, {show(rules.min), show(rules.max)}, rules.invalid);
    }
    if constexpr (std::same_as<M, std::string>) {
      if (!rules.one_of.empty() && !read_word(reader, node, {rules.one_of, rules.refused, rules.invalid})) return;
    }
    if (!rules.check) return;
    std::optional<std::string> complaint = rules.check(value);
    if (!complaint) return;
    std::string found;
    if constexpr (std::same_as<M, std::string>) found = quote(value);
    reader.fail(node, *complaint, found.empty() ? found : found.substr(1, found.size() - 2));
  }

  template <class M>
  static std::optional<std::string> show(const std::optional<M>& bound) {
    return FieldType<std::optional<M>>::show(bound);
  }

  template <class M>
  static auto comparing(M T::* member) {
    return [member](const void* one, const void* other, const std::string& path, std::vector<std::string>& changed) {
      if (!(static_cast<const T*>(one)->*member == static_cast<const T*>(other)->*member)) changed.push_back(path);
    };
  }

  template <class M>
  Spec& add(Presence presence, std::string key, M T::* member, std::string meaning, Rules<M> rules) {
    using Type = FieldType<M>;
    FieldSpec field{.key = std::move(key),
                    .meaning = std::move(meaning),
                    .presence = presence,
                    .missing = rules.missing,
                    .type = Type::kType,
                    .container = Type::kContainer};
    if (presence == Presence::kOptional) field.default_value = Type::show(defaults().*member);
    if constexpr (Quantity<M>) {
      field.minimum = show(rules.zero == Zero::kDefault ? std::optional(M{}) : rules.min);
      field.maximum = show(rules.max);
    }
    if constexpr (std::same_as<M, std::string>) {
      field.words = rules.one_of;
      field.pattern = rules.pattern;
    }
    field.read = [member, rules = std::move(rules)](const Reader& reader, const Node& node, void* object) {
      M& value = static_cast<T*>(object)->*member;
      size_t before = reader.failures();
      if constexpr (Quantity<M>)
        if (!rules.negative.empty() && is_negative(node)) return reader.fail(node, rules.negative, node.text());
      Type::read(reader, node, value);
      if constexpr (Quantity<M>)
        if (rules.zero == Zero::kDefault && value == M{} && reader.failures() == before) {
          value = defaults().*member;
          return;
        }
      if (reader.failures() == before) apply(rules, reader, node, value);
    };
    if constexpr (Comparable<M>) field.compare = comparing(member);
    struct_.add(std::move(field));
    return *this;
  }

  template <class M, class U>
  Spec& nest(Presence presence, std::string key, M T::* member, const Spec<U>& spec, std::string meaning, std::string missing) {
    FieldSpec field{.key = std::move(key),
                    .meaning = std::move(meaning),
                    .presence = presence,
                    .missing = std::move(missing),
                    .type = ValueType::kStruct,
                    .container = Nesting<M, U>::kContainer};
    field.nested = spec.share();
    field.read = [member, nested = field.nested](const Reader& reader, const Node& node, void* object) {
      Nesting<M, U>::read(*nested, reader, node, static_cast<T*>(object)->*member);
    };
    if constexpr (std::same_as<M, U>) {
      field.compare = [member, nested = field.nested](const void* one, const void* other, const std::string& path,
                                                      std::vector<std::string>& changed) {
        compare_structs(*nested, &(static_cast<const T*>(one)->*member), &(static_cast<const T*>(other)->*member), path, changed);
      };
    }
    if constexpr (std::same_as<M, std::optional<U>>) {
      field.compare = [member, nested = field.nested](const void* one, const void* other, const std::string& path,
                                                      std::vector<std::string>& changed) {
        const M &a = static_cast<const T*>(one)->*member, &b = static_cast<const T*>(other)->*member;
        if (a.has_value() != b.has_value()) changed.push_back(path);
        if (a.has_value() && b.has_value()) compare_structs(*nested, &*a, &*b, path, changed);
      };
    }
    struct_.add(std::move(field));
    return *this;
  }

  template <class E>
  Spec& choose(Presence presence, std::string key, E T::* member, std::string meaning, Choices<E> choices, ChoiceRules rules) {
    FieldSpec field{
        .key = std::move(key), .meaning = std::move(meaning), .presence = presence, .missing = std::move(rules.missing)};
    Words words{.refused = std::move(rules.refused), .invalid = std::move(rules.invalid), .match = rules.match};
    for (const auto& [word, value] : choices) {
      words.allowed.push_back(word);
      bool is_default = presence == Presence::kOptional && !field.default_value && value == defaults().*member;
      if (is_default) field.default_value = word;
    }
    field.words = words.allowed;
    field.match = words.match;
    field.read = [member, words = std::move(words), choices = std::move(choices)](const Reader& reader, const Node& node,
                                                                                  void* object) {
      if (std::optional<size_t> chosen = read_word(reader, node, words))
        static_cast<T*>(object)->*member = choices[*chosen].second;
    };
    field.compare = comparing(member);
    struct_.add(std::move(field));
    return *this;
  }

  StructSpec struct_;
};

}  // namespace fiso::config

#include "config/spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fiso::config {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

enum class Runtime { kLight, kFull };

struct Tls {
  std::string cert_file, key_file;
};

Spec<Tls> tls_spec() {
  return Spec<Tls>("tls", "Encrypts the listener.")
      .field("certFile", &Tls::cert_file, "The certificate.")
      .field("keyFile", &Tls::key_file, "Its key.")
      .check({"certFile", "keyFile"}, [](const Tls& tls, Report& report) {
        if (tls.cert_file.empty() != tls.key_file.empty())
          report.error(tls.cert_file.empty() ? "keyFile" : "certFile", "certFile and keyFile go together");
      });
}

struct Step {
  std::string type;
  Node config;
};

Spec<Step> step_spec() {
  return Spec<Step>("step", "One step.")
      .required("type", &Step::type, "Which.",
                {.one_of = {"wasm", "cel"}, .refused = {{"grpc", "grpc steps are not part of this release"}}})
      .field("config", &Step::config, "How.");
}

struct Everything {
  std::string name;
  bool enabled = true;
  int64_t retries = 3;
  uint16_t port = 80;
  Duration timeout = 30s;
  Bytes limit = 256_MiB;
  std::vector<std::string> args;
  std::map<std::string, std::string> env;
  Secret password;
  std::map<std::string, Secret> headers;
  Runtime runtime = Runtime::kLight;
  Tls tls;
  std::optional<Tls> upstream_tls;
  std::vector<Step> steps;
  std::map<std::string, Tls> targets;
  std::optional<int64_t> burst;
  Node config;
};

Spec<Everything> everything() {
  return Spec<Everything>("everything", "One field of each type.")
      .required("name", &Everything::name, "Its name.")
      .field("enabled", &Everything::enabled, "Whether it runs.")
      .field("retries", &Everything::retries, "Attempts.", {.min = 0, .max = 10})
      .field("port", &Everything::port, "Where.")
      .field("timeout", &Everything::timeout, "How long.", {.min = 1ms})
      .field("limit", &Everything::limit, "How large.", {.max = 1_GiB})
      .field("args", &Everything::args, "Arguments.")
      .field("env", &Everything::env, "Variables.")
      .field("password", &Everything::password, "Secret.")
      .field("headers", &Everything::headers, "Headers.")
      .choice("runtime", &Everything::runtime, "Engine.",
              {{"wazero", Runtime::kLight}, {"wasmtime", Runtime::kLight}, {"full", Runtime::kFull}},
              {.refused = {{"wasmer", "runtime wasmer is not part of this release"}}})
      .field("tls", &Everything::tls, tls_spec(), "Encryption.")
      .field("upstreamTls", &Everything::upstream_tls, tls_spec(), "Encryption.")
      .field("steps", &Everything::steps, step_spec(), "In order.")
      .field("targets", &Everything::targets, tls_spec(), "By name.")
      .field("burst", &Everything::burst, "If any.")
      .field("config", &Everything::config, "Read later.")
      .unsupported("transform", "transform is not part of this release");
}

std::optional<std::string> test_environment(const std::string& name) {
  if (name == "TOKEN") return "from-env";
  if (name == "EMPTY") return "";
  return std::nullopt;
}

template <class T>
T parsed(const Spec<T>& spec, std::string_view yaml) {
  Errors errors;
  T value;
  std::optional<Document> document = Document::parse(yaml, "f.yaml", errors);
  EXPECT_TRUE(document && spec.parse(document->root(), "", value, errors, test_environment)) << errors.render();
  return value;
}

template <class T>
std::string complaints(const Spec<T>& spec, std::string_view yaml) {
  Errors errors;
  T value;
  if (std::optional<Document> document = Document::parse(yaml, "f.yaml", errors))
    spec.parse(document->root(), "", value, errors, test_environment);
  return errors.render();
}

std::string complaints(std::string_view yaml) { return complaints(everything(), "name: x\n" + std::string(yaml)); }
Everything parsed(std::string_view yaml) { return parsed(everything(), "name: x\n" + std::string(yaml)); }

TEST(Spec, WhatIsNotWrittenKeepsItsDefault) {
  Everything value = parsed("");
  EXPECT_EQ(value.name, "x");
  EXPECT_TRUE(value.enabled);
  EXPECT_EQ(value.retries, 3);
  EXPECT_EQ(value.timeout, 30s);
  EXPECT_EQ(value.runtime, Runtime::kLight);
  EXPECT_FALSE(value.upstream_tls);
  EXPECT_FALSE(value.burst);
}

TEST(Spec, ReadsEveryType) {
  Everything value = parsed(R"(
enabled: false
retries: 7
port: 8080
timeout: 1m30s
limit: 1MiB
args: [-v, 5, 1.0]
env: {A: 1, B: true, C: "x y"}
password: 12345
headers: {Authorization: {fromEnv: TOKEN}, X-Plain: 1}
runtime: full
tls: {certFile: c, keyFile: k}
upstreamTls: {}
steps: [{type: wasm, config: {module: m}}, {type: cel}]
targets: {a: {}, b: {certFile: c, keyFile: k}}
burst: 5
config: {anything: [goes]}
)");
  EXPECT_FALSE(value.enabled);
  EXPECT_EQ(value.retries, 7);
  EXPECT_EQ(value.port, 8080);
  EXPECT_EQ(value.timeout, 90s);
  EXPECT_EQ(value.limit, 1_MiB);
  EXPECT_THAT(value.args, ElementsAre("-v", "5", "1.0"));
  EXPECT_THAT(value.env, ElementsAre(Pair("A", "1"), Pair("B", "true"), Pair("C", "x y")));
  EXPECT_EQ(value.password.reveal(), "12345");
  EXPECT_EQ(value.headers.at("Authorization").reveal(), "from-env");
  EXPECT_EQ(value.headers.at("X-Plain").reveal(), "1");
  EXPECT_EQ(value.runtime, Runtime::kFull);
  EXPECT_EQ(value.tls.key_file, "k");
  EXPECT_TRUE(value.upstream_tls);
  EXPECT_EQ(value.steps.at(0).config.find("module")->text(), "m");
  EXPECT_TRUE(value.steps.at(1).config.is_null());
  EXPECT_EQ(value.targets.at("b").cert_file, "c");
  EXPECT_EQ(value.burst, 5);
  EXPECT_EQ(value.config.find("anything")->items().at(0).text(), "goes");
}

TEST(Spec, PlainBytesAndAliasesOfAWord) {
  EXPECT_EQ(parsed("limit: 1024").limit, 1_KiB);
  EXPECT_EQ(parsed("runtime: wasmtime").runtime, Runtime::kLight);
}

TEST(Spec, ALeftOutMapOrListIsItsDefault) {
  Everything value = parsed("tls:\nsteps:\nenv:\nupstreamTls:\nconfig:\n");
  EXPECT_TRUE(value.steps.empty());
  EXPECT_FALSE(value.upstream_tls);
  EXPECT_EQ(value.config.position(), (Position{6, 1}));
}

struct BadValue {
  const char* yaml;
  const char* complaint;
};

class SpecBadValue : public testing::TestWithParam<BadValue> {};

TEST_P(SpecBadValue, SaysWhatWasExpectedAndFound) {
  EXPECT_EQ(complaints(GetParam().yaml), std::string("f.yaml:2:") + GetParam().complaint + "\n");
}

INSTANTIATE_TEST_SUITE_P(
    All, SpecBadValue,
    testing::Values(
        BadValue{"enabled: yes", "10: enabled: expected true or false, found the text \"yes\""},
        BadValue{"enabled: 'true'", "10: enabled: expected true or false, found the text \"true\""},
        BadValue{"retries: many", "10: retries: expected a whole number, found the text \"many\""},
        BadValue{"retries: 1.5", "10: retries: expected a whole number, found the number 1.5"},
        BadValue{"retries: '5'", "10: retries: expected a whole number, found the text \"5\""},
        BadValue{"retries: 99999999999999999999", "10: retries: expected a whole number, found the number 99999999999999999999"},
        BadValue{"retries: -1", "10: retries: retries must be between 0 and 10, got -1"},
        BadValue{"retries: ~", "10: retries: expected a whole number, found nothing"},
        BadValue{"port: 65536", "7: port: port must be between 0 and 65535, got 65536"},
        BadValue{"timeout: 0", "10: timeout: timeout must be >= 1ms, got 0"},
        BadValue{"timeout: 30",
                 "10: timeout: \"30\" is not a duration: the unit is missing, write 30s for seconds or 30ms for milliseconds"},
        BadValue{"timeout: [30s]", "10: timeout: expected a duration such as 30s, found a list"},
        BadValue{"limit: 2GiB", "8: limit: limit must be <= 1GiB, got 2GiB"},
        BadValue{"limit: big", "8: limit: \"big\" is not a size: write bytes, or a number with KiB, MiB, GiB, KB, MB or GB"},
        BadValue{"limit: {}", "8: limit: expected a size such as 256MiB, found a map"},
        BadValue{"args: -v", "7: args: expected a list, found text"},
        BadValue{"args: [a, [b]]", "11: args[1]: expected text, found a list"},
        BadValue{"env: [A]", "6: env: expected a map, found a list"},
        BadValue{"env: {A: {B: c}}", "10: env.A: expected text, found a map"},
        BadValue{"env: {A: ~}", "10: env.A: expected text, found nothing"},
        BadValue{"runtime: wasmer", "10: runtime: runtime wasmer is not part of this release"},
        BadValue{
            "runtime: wazro",
            "10: runtime: runtime \"wazro\" is not valid (must be one of: wazero, wasmtime, full) (did you mean \"wazero\"?)"},
        BadValue{"runtime: {}", "10: runtime: expected text, found a map"},
        BadValue{"tls: on", "6: tls: expected a map, found text"},
        BadValue{"tls: {certFile: 5}", "17: tls.certFile: expected text (quote it: \"5\"), found the number 5"},
        BadValue{"tls: {certFile: a}", "17: tls.certFile: certFile and keyFile go together"},
        BadValue{"steps: {type: wasm}", "8: steps: expected a list, found a map"},
        BadValue{"steps: [{type: wasm}, {config: {}}]", "23: steps[1].type: steps[1].type is required"},
        BadValue{"steps: [{type: grpc}]", "16: steps[0].type: grpc steps are not part of this release"},
        BadValue{"steps: [{type: wasm, config: 5}]", "30: steps[0].config: expected a map, found text"},
        BadValue{"targets: {a.b: {certfile: x}}",
                 "17: targets[\"a.b\"].certfile: unknown key \"certfile\" (did you mean \"certFile\"?)"},
        BadValue{"burst: x", "8: burst: expected a whole number, found the text \"x\""},
        BadValue{"transform: {a: b}", "1: transform: transform is not part of this release"},
        BadValue{"tiemout: 5s", "1: tiemout: unknown key \"tiemout\" (did you mean \"timeout\"?)"},
        BadValue{"tls: {zzz: 1}", "7: tls.zzz: unknown key \"zzz\" (known: certFile, keyFile)"}));

TEST(Spec, AllErrorsComeAtOnceInTheOrderOfTheFile) {
  EXPECT_EQ(complaints(everything(), "timeout: soon\nretries: 11\nretries: 2\ntls: {certFile: true}\nsteps:\n- tpye: wasm\n"),
            "f.yaml:1:1: name: name is required\n"
            "f.yaml:1:10: timeout: \"soon\" is not a duration: write a number with a unit, such as 30s or 1m30s\n"
            "f.yaml:2:10: retries: retries must be between 0 and 10, got 11\n"
            "f.yaml:3:1: duplicate key \"retries\", first at 2:1\n"
            "f.yaml:4:17: tls.certFile: expected text (quote it: \"true\"), found true\n"
            "f.yaml:6:3: steps[0].tpye: unknown key \"tpye\" (did you mean \"type\"?)\n"
            "f.yaml:6:3: steps[0].type: steps[0].type is required\n");
}

TEST(Spec, AnEmptyFileLacksWhatIsRequired) { EXPECT_EQ(complaints(everything(), ""), "f.yaml:1:1: name: name is required\n"); }

TEST(Spec, EmptyTextCountsAsMissing) {
  EXPECT_EQ(complaints(everything(), "name: ''"), "f.yaml:1:7: name: name is required\n");
  EXPECT_EQ(complaints(everything(), "name:"), "f.yaml:1:1: name: name is required\n");
}

struct Outer {
  Step source;
  std::vector<std::string> brokers;
};

TEST(Spec, AMissingStructAsksForWhatIsRequiredInIt) {
  auto spec = Spec<Outer>("outer", "")
                  .required("source", &Outer::source, step_spec(), "")
                  .required("brokers", &Outer::brokers, "", {.missing = "at least one broker is required"});
  EXPECT_EQ(complaints(spec, "brokers: []"),
            "f.yaml:1:1: source.type: source.type is required\n"
            "f.yaml:1:10: brokers: at least one broker is required\n");
  auto worded = Spec<Outer>("outer", "").required("source", &Outer::source, step_spec(), "", "say where events come from");
  EXPECT_EQ(complaints(worded, "{}"), "f.yaml:1:1: source: say where events come from\n");
}

TEST(Spec, AMissingKeyInADeferredMapIsPlacedAtTheMapAroundIt) {
  Errors errors;
  auto document = Document::parse("steps:\n  - type: cel\n", "f.yaml", errors);
  Outer outer;
  Spec<Outer>("outer", "")
      .field("source", &Outer::source, Spec<Step>("s", "").field("config", &Step::config, ""), "")
      .parse(Node::nothing_in(document->root()), "", outer, errors);
  Step step;
  step_spec().parse(document->root().find("steps")->items()[0], "steps[0]", step, errors);
  Tls tls;
  Spec<Tls>("wasm", "")
      .required("module", &Tls::cert_file, "", {.missing = "{path} is required for wasm interceptor"})
      .parse(step.config, "steps[0].config", tls, errors);
  EXPECT_EQ(errors.render(), "f.yaml:2:5: steps[0].config.module: steps[0].config.module is required for wasm interceptor\n");
}

TEST(Spec, AFieldCheckSeesOnlyGoodValues) {
  auto slash = [](const std::string& path) {
    return path.starts_with('/') ? std::nullopt : std::optional<std::string>("{path} must begin with /");
  };
  auto spec = Spec<Tls>("s", "").field("path", &Tls::cert_file, "", {.check = slash});
  EXPECT_EQ(complaints(spec, "path: x"), "f.yaml:1:7: path: path must begin with /\n");
  EXPECT_EQ(complaints(spec, "path: /x"), "");
  EXPECT_THAT(complaints(spec, "path: []"), Not(HasSubstr("must begin")));
}

TEST(Spec, AFieldCheckMayQuoteTextButNoSecret) {
  struct Both {
    std::string text;
    Secret secret;
  };
  auto refuse = [](const auto&) { return std::optional<std::string>("not \"{value}\""); };
  auto spec =
      Spec<Both>("s", "").field("text", &Both::text, "", {.check = refuse}).field("secret", &Both::secret, "", {.check = refuse});
  EXPECT_EQ(complaints(spec, "text: a\"b\nsecret: c\n"), "f.yaml:1:7: text: not \"a\\\"b\"\nf.yaml:2:9: secret: not \"\"\n");
}

TEST(Spec, AStructCheckRunsOnlyOnFieldsThatAreGood) {
  EXPECT_EQ(complaints("tls: {certFile: [], keyFile: k}"), "f.yaml:2:17: tls.certFile: expected text, found a list\n");
}

TEST(Spec, AStructCheckMayPointDeeper) {
  auto spec = Spec<Outer>("o", "").field("source", &Outer::source, step_spec(), "").check([](const Outer&, Report& report) {
    if (report.has("source.type")) report.error("source.type", "{path} is not for today");
    report.error("source.none", "not there");
    report.error("", "all of it");
  });
  EXPECT_EQ(complaints(spec, "source: {type: cel}"),
            "f.yaml:1:1: all of it\n"
            "f.yaml:1:1: source.none: not there\n"
            "f.yaml:1:16: source.type: source.type is not for today\n");
}

TEST(Spec, AStructCheckMayPointAtAnEntry) {
  struct Guest {
    std::map<std::string, std::string> env;
  };
  auto spec = Spec<Guest>("guest", "").field("env", &Guest::env, "").check({"env"}, [](const Guest&, Report& report) {
    report.entry_error("env", "a.b", "{path} is bad");
    report.entry_error("env", "absent", "{path} is not there");
  });
  Errors errors;
  Guest guest;
  spec.parse(Document::parse("env:\n  x: y\n  a.b: c\n", "f.yaml", errors)->root(), "config", guest, errors);
  EXPECT_EQ(errors.render(),
            "f.yaml:2:3: config.env.absent: config.env.absent is not there\n"
            "f.yaml:3:3: config.env[\"a.b\"]: config.env[\"a.b\"] is bad\n");
}

TEST(Spec, WordsMayIgnoreCaseAndHaveTheirOwnMessage) {
  struct C {
    Runtime runtime = Runtime::kLight;
  };
  auto spec = Spec<C>("c", "").required_choice(
      "runtime", &C::runtime, "", {{"wazero", Runtime::kLight}, {"full", Runtime::kFull}},
      {.invalid = "{path} must be 'wazero' or 'wasmer', got \"{value}\"", .match = Match::kIgnoreCase});
  EXPECT_EQ(parsed(spec, "runtime: ' FULL '").runtime, Runtime::kFull);
  EXPECT_EQ(complaints(spec, "runtime: v8"), "f.yaml:1:10: runtime: runtime must be 'wazero' or 'wasmer', got \"v8\"\n");
  EXPECT_EQ(complaints(spec, "{}"), "f.yaml:1:1: runtime: runtime is required\n");
}

TEST(Spec, WhatTheOperatorWroteIsNotTakenForAPlaceholder) {
  EXPECT_THAT(complaints("'{path}': 1"), HasSubstr("unknown key \"{path}\""));
  EXPECT_THAT(complaints("enabled: '{value}{path}'"), HasSubstr("found the text \"{value}{path}\""));
}

TEST(Spec, ErrorsInMergedMapsPointAtTheAnchoredText) {
  EXPECT_EQ(complaints("targets:\n  a: &a {certFile: x, keyFile: k, typo: 1}\n  b: {<<: *a}\n"),
            "f.yaml:3:35: targets.a.typo: unknown key \"typo\" (known: certFile, keyFile)\n"
            "f.yaml:3:35: targets.b.typo: unknown key \"typo\" (known: certFile, keyFile)\n");
}

TEST(Spec, NamesTheKeysThatDiffer) {
  struct Inner {
    std::string word;
    Bytes size;
  };
  struct C {
    int64_t number = 1;
    bool on = false;
    Runtime runtime = Runtime::kLight;
    Inner inner;
  };
  auto inner = Spec<Inner>("i", "").field("word", &Inner::word, "").field("size", &Inner::size, "");
  auto spec = Spec<C>("c", "")
                  .field("number", &C::number, "")
                  .field("on", &C::on, "")
                  .choice("runtime", &C::runtime, "", {{"wazero", Runtime::kLight}, {"full", Runtime::kFull}})
                  .field("inner", &C::inner, inner, "")
                  .unsupported("old", "gone");
  EXPECT_TRUE(spec.changed(C(), C()).empty());
  C other{.number = 2, .on = true, .runtime = Runtime::kFull, .inner = {.word = "x", .size = 1_KiB}};
  EXPECT_EQ(spec.changed(C(), other), (std::vector<std::string>{"number", "on", "runtime", "inner.word", "inner.size"}));
  EXPECT_EQ(spec.changed({.inner = {.word = "x", .size = {}}}, C()), std::vector<std::string>{"inner.word"});
}

}  // namespace
}  // namespace fiso::config

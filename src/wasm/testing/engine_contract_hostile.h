// The contract of an engine that runs WebAssembly: each hostile guest ends as guests/README.md says, over and over, and the
// host is as it was: no instance, no memory, no descriptor is left, nothing beside the preopen was touched, good guests work.
#pragma once

#include <ostream>

#include "wasm/testing/engine_under_test.h"
#include "wasm/wasi/testing/scratch_directory.h"

namespace fiso::wasm::testing {

enum class Files { kNone, kPreopen };
// Whether it ends so on every engine, or only where WASI is ours.
enum class On { kAll, kOwnWasi };

struct HostileGuest {
  std::string name;
  std::vector<std::string> ends;  // any of these verdicts
  std::string output = "";        // a part of the output of a run that went well
  Limits limits = {.memory = 32_MiB, .output = 1_MiB};
  Files files = Files::kNone;
  On on = On::kAll;
};
inline void PrintTo(const HostileGuest& guest, std::ostream* out) { *out << guest.name; }

inline std::vector<HostileGuest> hostile_guests() {
  constexpr Limits kShort{.timeout = std::chrono::milliseconds(50), .memory = 32_MiB, .output = 1_MiB};
  const std::string timeout = "wasm execution timeout after 50ms", memory = "wasm memory limit of 32MiB reached";
  const std::string output = "wasm output is larger than 1MiB", trap = "wasm trap: ", exit = "module closed with exit_code(";
  return {
      {"loop", {timeout}, "", kShort},
      {"loop_start", {timeout}, "", kShort},
      {"reads_then_hangs", {timeout}, "", kShort},
      {"fill", {timeout}, "", kShort},
      {"stderr_endless", {timeout}, "", kShort},
      {"random_gib", {timeout, "ok"}, "", kShort},
      {"recurse", {trap + "call stack exhausted"}},
      {"recurse_2000", {"ok"}},
      {"memory_bomb", {memory}},
      {"memory_bomb_trap", {memory}},
      {"memory_declares_4gib", {memory}},
      {"table_bomb", {exit + "3)"}},
      {"stdout_gib", {output}},
      {"stdout_endless", {output}},
      {"closes_fds", {"ok"}},
      {"bad_iovecs", {"ok"}, "\"poll_count_wraps\":", {}, Files::kNone, On::kOwnWasi},
      {"iovecs_10k", {"ok"}, std::string(10'000, 'x')},
      {"poll_flood", {"ok"}, "\"polls\":50000", {}, Files::kNone, On::kOwnWasi},
      {"fd_flood", {"ok"}, "\"opened\":2", {}, Files::kPreopen, On::kOwnWasi},
      {"trap_unreachable", {trap + "unreachable"}},
      {"trap_div_zero", {trap + "integer divide by zero"}},
      {"trap_int_overflow", {trap + "integer overflow"}},
      {"trap_oob", {trap + "out of bounds memory access"}},
      {"trap_table_oob", {trap + "out of bounds table access"}},
      {"trap_null_call", {trap + "uninitialized table element"}},
      {"trap_bad_signature", {trap + "indirect call type mismatch"}},
      {"trap_bad_conversion", {trap + "invalid conversion to integer"}},
      {"trap_start", {trap + "unreachable"}},
      {"exit_0", {"ok"}},
      {"exit_1", {exit + "1)"}},
      {"exit_45", {exit + "45)"}},
      {"exit_129", {exit + "129)"}},
      {"exit_134", {exit + "134)"}},
      {"exit_139", {exit + "139)"}},
      {"exit_255", {exit + "255)"}},
      {"partial_then_trap", {trap + "unreachable"}},
      {"partial_then_exit", {exit + "1)"}},
      {"never_reads_stdin", {"ok"}, "{\"read\":false}"},
      {"not_json", {"ok"}, "this is not JSON"},
      {"empty_output", {"ok"}},
      {"output_not_object", {"ok"}, "[1,2,3]"},
      {"output_two_objects", {"ok"}, "{\"payload\":1} {\"payload\":2}"},
      {"escape_dotdot", {"ok"}, "\"escaped\":0}", {}, Files::kPreopen},
      {"escape_symlink", {"ok"}, "\"escaped\":0}", {}, Files::kPreopen},
      {"escape_hardlink", {"ok"}, "\"escaped\":0}", {}, Files::kPreopen},
      {"escape_rename", {"ok"}, "\"escaped\":0}", {}, Files::kPreopen},
  };
}

class HostileGuests : public ::testing::TestWithParam<std::tuple<EngineUnderTest, HostileGuest>> {
 protected:
  // A directory to open for the guest, and beside it what it must not reach.
  GuestSpec spec() const {
    GuestSpec spec{.module = guest().name, .limits = guest().limits};
    if (guest().files == Files::kPreopen) spec.wasi.preopens = {{"/", scratch_.path("box"), wasi::Access::kReadWrite}};
    return spec;
  }
  void set_up_directory() const {
    scratch_.make_directory("box");
    scratch_.make_directory("sibling");
    scratch_.write("secret.txt", "secret");
    scratch_.symlink("../secret.txt", "box/host_link");
  }
  void expect_directory_untouched() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(scratch_.root())) names.insert(entry.path().filename());
    EXPECT_THAT(names, ::testing::ElementsAre("box", "secret.txt", "sibling"));
    EXPECT_EQ(scratch_.read("secret.txt"), "secret");
    EXPECT_EQ(std::filesystem::hard_link_count(scratch_.path("secret.txt")), 1u);
  }
  Judge judge() const {
    return [&expected = guest(), own_wasi = has_own_wasi()](const RunResult& result) -> std::optional<std::string> {
      std::string end = verdict(result, expected.limits);
      bool foreseen = std::find(expected.ends.begin(), expected.ends.end(), end) != expected.ends.end();
      // In a root of its own a guest may go where it wants.
      bool is_escape = expected.name.starts_with("escape_") && !own_wasi;
      bool told = end != "ok" || is_escape || result.output.find(expected.output) != std::string::npos;
      bool leaks = result.output.find("LEAK") != std::string::npos;
      if (foreseen && told && !leaks) return std::nullopt;
      return end + ", output " + result.output.substr(0, 1000);
    };
  }
  bool has_own_wasi() const { return engine().capabilities.contains(Capability::kOwnWasi); }
  const EngineUnderTest& engine() const { return std::get<0>(GetParam()); }
  const HostileGuest& guest() const { return std::get<1>(GetParam()); }

  wasi::testing::ScratchDirectory scratch_;
};

TEST_P(HostileGuests, EndAsStatedAndLeaveNothingBehind_Long) {
  if (guest().on == On::kOwnWasi && !has_own_wasi()) GTEST_SKIP() << engine().name << " has a WASI of its own";
  set_up_directory();
  Rig rig(engine().make, {.shards = 2});
  RunningGuest good(rig, {.module = "passthrough"});
  RunningGuest hostile(rig, spec());
  // Those that work in one directory would see each other's files.
  int at_once = guest().files == Files::kPreopen ? 1 : 8;
  EXPECT_EQ(Repeater::run(rig, hostile, envelope("1"), {.times = 16, .at_once = at_once}, judge()), "");
  EXPECT_TRUE(rig.becomes_idle());
  Footprint before = Footprint::now();
  EXPECT_EQ(Repeater::run(rig, hostile, envelope("1"), {.times = is_long_run() ? 1000 : 20, .at_once = at_once}, judge()), "");
  EXPECT_TRUE(rig.becomes_idle());
  EXPECT_EQ(hostile.instances(), 0);
  expect_no_more_than(before);
  expect_directory_untouched();
  EXPECT_THAT(good.run(envelope("42")).output, ::testing::HasSubstr("\"payload\":42"));
}

inline std::string name_of_hostile(const ::testing::TestParamInfo<HostileGuests::ParamType>& info) {
  return std::get<0>(info.param).name + "_" + std::get<1>(info.param).name;
}

}  // namespace fiso::wasm::testing

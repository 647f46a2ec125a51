// Apps: whole programs compiled to WebAssembly, run and watched.
//
//   a changed file: what is new or changed starts beside what runs, see apps/app_set.h
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/app_set.h"
#include "server/apps_file.h"
#include "server/reloads.h"
#include "server/role.h"

namespace fiso::server {

enum class Watch { kNo, kYes };

struct AppRoleOptions {
  std::function<Result<AppsFile>()> read;  // again for each reload
  std::string file;                        // that it reads
  Watch watch = Watch::kYes;
  std::string listen_addr = "127.0.0.1";
  bool speaks_of_process = true;               // the file says what the process has, too
  bool logs_starts = false;                    // of apps; others print them
  bool alone = false;                          // there is one app, which errors need not name
  std::string when_starting = "starting app";  // what an error of a start begins with
  // Keys of the file, as it was read last, that say something else than what is in use and that take a restart; null: those of
  // the process's settings.
  std::function<std::vector<std::string>()> restart_needed = {};
  std::function<void(const apps::App&)> started = [](const apps::App&) {};  // told of each at the start
  // Told of all of them from then on, until it returns nothing: when to be told again.
  std::function<std::optional<Duration>(const std::vector<apps::AppStatus>&)> report_start = {};
};

class AppRole final : public Role {
 public:
  explicit AppRole(AppRoleOptions options);
  ~AppRole() override;

  std::string_view name() const override { return "apps"; }
  void watch(ControlEvents& events) override;
  Result<> read() override;
  const Settings* settings() const override { return options_.speaks_of_process ? &settings_ : nullptr; }
  Result<> join(Host& host) override;
  // In the order of the file. The error names the app.
  Result<> start() override;
  void reload(const ControlEvents& events) override;
  const ReloadVerdicts& verdicts() const override { return reloads_.verdicts(); }
  Duration look() override;
  void begin_drain(MonotonicTime deadline) override;
  Drain drain_state() override;
  void release() override;

  // Those in force; before the start, those that were read. Control thread.
  std::vector<apps::AppConfig> in_force() const;
  std::vector<apps::AppStatus> apps() const { return apps_->status(); }
  // Whether a change of them is under way.
  bool changing() const { return apps_->changing(); }

 private:
  Result<> begin_reload();
  void settle_reload();
  Duration report_start();
  void end_reload(const apps::AppSet::Settled& settled);
  std::string describe_apps() const;

  const AppRoleOptions options_;
  Reloads reloads_;
  AppsFile file_;  // as it was read first
  Settings settings_;
  bool start_reported_ = false;
  Duration next_shutdown_timeout_{};  // of the reload under way
  Host* host_ = nullptr;
  bool has_started_ = false;
  std::unique_ptr<apps::AppSet> apps_;  // from join() on
};

}  // namespace fiso::server

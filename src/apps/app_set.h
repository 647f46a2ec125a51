// The apps of the process and their ports, and how one set of apps follows another.
//
//   begin_change()  ports that are new open, what is new or changed starts beside what runs
//   settle()        once an app that changed is healthy: its ports lead to it, what it replaces finishes what it has and ends
//
// Nothing takes effect before all of a change has begun. Then each app does by itself, together with those that it takes ports
// from or gives ports to; one that does not become healthy stays as it was, and so do those. Apps that did not change are not
// touched. Control thread, but for what says otherwise.
#pragma once

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/app.h"
#include "apps/app_directory.h"
#include "apps/app_plan.h"
#include "apps/public_port.h"
#include "base/guarded.h"
#include "net/local_services.h"

namespace fiso::apps {

class AppSet {
 public:
  // Who is inside the process finds its apps in the directory, and as `app://NAME` those that answer requests.
  AppSet(AppParts parts, AppDirectory& directory, net::LocalServices& local);
  // Ends at once what has not ended.
  ~AppSet();
  AppSet(const AppSet&) = delete;

  // The first set, in this order; `started` is told of each, which need not be healthy yet. The error names the app.
  Result<> start(const std::vector<WantedApp>& wanted, PortRange ports, const std::function<void(const App&)>& started);

  // Blocks while modules compile. The error, a line per app, says that nothing has changed. A change that has not settled is
  // called off.
  Result<> begin_change(const std::vector<WantedApp>& wanted, PortRange ports);
  bool changing() const { return under_way_ != nullptr; }
  enum class Extent { kAll, kInPart, kNothing };
  struct Settled {
    Extent extent = Extent::kAll;
    std::string problems = {};  // a line per app that is as it was
  };
  // Lets take effect what can by now. Nothing while any app that replaces another is not healthy yet; then, once, how much of the
  // change took effect. What it replaces has `retirement` to finish. While changing().
  std::optional<Settled> settle(Duration retirement);
  // What has not taken effect never will. While changing().
  Extent call_off();

  enum class Drain { kUnderWay, kClean, kCut };
  // No connection begins any more, what is in flight is finished, and then the guests end; at the deadline all is cut.
  void begin_drain(MonotonicTime deadline);
  Drain drain_state() const;

  // Lets go of what an earlier change replaced, once it has ended. Call now and then.
  void reap();

  bool all_healthy() const;
  // In the order of the file.
  std::vector<AppConfig> configs() const;
  // Thread-safe.
  std::vector<AppStatus> status();

 private:
  struct Running {
    WantedApp as;
    std::unique_ptr<App> app;
  };
  // A wanted app of a change; without an app it stays as it is.
  struct Next {
    PlannedApp planned;
    WantedApp as;
    std::unique_ptr<App> app = nullptr;
    MonotonicTime healthy_by = kNever;
  };
  using Ports = std::map<std::string, PublicPort::Ptr>;  // by address
  // What takes effect at once.
  struct Change {
    std::vector<std::string> removed;  // names of those that run
    std::vector<Next> apps;
    Ports opened;  // new, or beside one that is open and cannot go on
    Ports left;    // by name, that lead on no more
  };
  struct UnderWay {
    std::vector<Change> parts;  // that are left
    size_t in_force = 0;        // parts that took effect
    std::string problems;
  };
  struct Retired {
    std::unique_ptr<App> app;
    std::vector<PublicPort::Ptr> ports = {};
    std::shared_future<bool> clean = {};  // until it is there, its thread has the app
  };

  Error about(const AppConfig& config, Error error) const;
  Running* find(const std::string& name);
  std::string address_of(const AppConfig& config, int64_t port) const;
  std::vector<std::string> addresses_of(const AppConfig& config, uint16_t port) const;
  std::vector<std::string> addresses_of(const Running& running) const;
  Change plan(const std::vector<WantedApp>& wanted);
  std::vector<Change> split(Change change);
  Result<> open_ports(Change& change, PortRange range);
  Result<> open_port(Change& change, const std::string& address, PortKind kind);
  Result<uint16_t> open_free_port(Change& change, const AppConfig& config, PortRange range);
  Result<> start_app(Next& next);
  enum class Ripeness { kNotYet, kNow, kNever };
  // kNever: the reason is added to `problems`.
  Ripeness ripeness(const Change& change, std::string& problems) const;
  void lead(Change& change, const Next& next);
  void lead_name(Change& change, const Next& next);
  void forget(const std::string& name, Ports& left);
  void take_effect(Change change, MonotonicTime deadline);
  std::vector<Retired> part_with(Change& change);
  void take_over(Change change);
  void call_off(Change change);
  void retire(std::unique_ptr<App> app, std::vector<PublicPort::Ptr> ports, MonotonicTime deadline);

  AppParts parts_;
  AppDirectory& directory_;
  net::LocalServices& local_;
  PublicPort::Parts port_parts_;
  std::vector<Running> running_;
  std::map<std::string, size_t> order_;  // by name, of the file read last
  Ports open_;
  Ports named_;  // by the name of the app: where who is inside the process comes in
  std::unique_ptr<UnderWay> under_way_;
  std::vector<Retired> retired_;
  Guarded<std::vector<const App*>> listed_;
};

}  // namespace fiso::apps

#include "apps/app_set.h"

#include <algorithm>
#include <set>

namespace fiso::apps {
namespace {

MonotonicTime now() { return std::chrono::steady_clock::now(); }

bool is_ready(const std::shared_future<bool>& future) {
  return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

std::string local_name(const std::string& app) { return net::LocalUrl{.name = app}.service(); }

}  // namespace

Error AppSet::about(const AppConfig& config, Error error) const {
  return std::move(error).with_context(parts_.alone ? parts_.when_starting : parts_.when_starting + " " + config.name);
}

AppSet::AppSet(AppParts parts, AppDirectory& directory, net::LocalServices& local)
    : parts_(std::move(parts)),
      directory_(directory),
      local_(local),
      port_parts_{.shards = parts_.shards, .commons = parts_.commons, .limits = parts_.limits} {}

AppSet::~AppSet() {
  begin_drain(now());
  for (const auto& [name, port] : named_) local_.forget(local_name(name));  // of a start that failed
  listed_.with([](auto& listed) { listed.clear(); });
  for (const Retired& retired : retired_) retired.clean.wait();
}

AppSet::Running* AppSet::find(const std::string& name) {
  auto found = std::ranges::find_if(running_, [&](const Running& one) { return one.as.config.name == name; });
  return found == running_.end() ? nullptr : &*found;
}

std::string AppSet::address_of(const AppConfig& config, int64_t port) const {
  return host_of(config, parts_.listen_addr) + ":" + std::to_string(port);
}

// That of its own port first.
std::vector<std::string> AppSet::addresses_of(const AppConfig& config, uint16_t port) const {
  std::vector<std::string> addresses{address_of(config, port)};
  for (int64_t more : config.more_ports()) addresses.push_back(address_of(config, more));
  return addresses;
}

std::vector<std::string> AppSet::addresses_of(const Running& running) const {
  return addresses_of(running.as.config, running.app->port());
}

Result<> AppSet::start(const std::vector<WantedApp>& wanted, PortRange ports, const std::function<void(const App&)>& started) {
  Change change = plan(wanted);
  FISO_TRY_OK(open_ports(change, ports));
  for (Next& next : change.apps) {
    FISO_TRY_OK(start_app(next));
    lead(change, next);
    started(*next.app);
  }
  take_over(std::move(change));
  return {};
}

AppSet::Change AppSet::plan(const std::vector<WantedApp>& wanted) {
  std::vector<AppInForce> running;
  for (const Running& one : running_) running.push_back({one.as, one.app->port()});
  AppPlan plan = plan_apps(running, wanted);
  Change change;
  for (size_t i : plan.removed) change.removed.push_back(running_[i].as.config.name);
  order_.clear();
  for (size_t i = 0; i < wanted.size(); ++i) {
    change.apps.push_back({.planned = plan.apps[i], .as = wanted[i]});
    order_.emplace(wanted[i].config.name, i);
  }
  return change;
}

Result<> AppSet::begin_change(const std::vector<WantedApp>& wanted, PortRange ports) {
  if (changing()) call_off();
  Change change = plan(wanted);
  std::erase_if(change.apps, [](const Next& next) { return next.planned.step == AppStep::kStays; });
  Result<> begun = open_ports(change, ports);
  std::string problems;
  for (Next& next : change.apps) {
    if (!begun.has_value()) break;
    auto app = start_app(next);
    if (app.has_value()) continue;
    if (app.error().code() == ErrorCode::kCancelled)
      begun = app.take_error();
    else
      problems += (problems.empty() ? "" : "\n") + app.error().describe();
  }
  if (begun.has_value() && !problems.empty()) begun = Error(ErrorCode::kInvalidConfig, std::move(problems));
  if (!begun.has_value()) {
    call_off(std::move(change));
    return begun;
  }
  for (Next& next : change.apps) next.healthy_by = now() + next.as.config.start_timeout;
  under_way_ = std::make_unique<UnderWay>();
  under_way_->parts = split(std::move(change));
  return begun;
}

// Apps that have an address in common, one before and another after the change, are of one part.
std::vector<AppSet::Change> AppSet::split(Change change) {
  std::vector<std::vector<std::string>> addresses;
  for (const std::string& name : change.removed) addresses.push_back(addresses_of(*find(name)));
  for (const Next& next : change.apps) {
    std::vector<std::string>& all = addresses.emplace_back(addresses_of(next.as.config, next.planned.port));
    if (!next.planned.before.has_value()) continue;
    for (std::string& address : addresses_of(running_[*next.planned.before])) all.push_back(std::move(address));
  }
  std::vector<size_t> groups = group_by_addresses(addresses);
  std::vector<Change> parts(groups.empty() ? 0 : *std::ranges::max_element(groups) + 1);
  size_t member = 0;
  for (std::string& name : change.removed) parts[groups[member++]].removed.push_back(std::move(name));
  for (Next& next : change.apps) {
    Change& part = parts[groups[member++]];
    for (const std::string& address : addresses_of(next.as.config, next.planned.port))
      if (auto opened = change.opened.extract(address)) part.opened.insert(std::move(opened));
    part.apps.push_back(std::move(next));
  }
  return parts;
}

// Ports that are named first, so that none of the range takes one of them.
Result<> AppSet::open_ports(Change& change, PortRange range) {
  auto open = [&](const AppConfig& config, int64_t port, PortKind kind) -> Result<> {
    auto opened = open_port(change, address_of(config, port), kind);
    if (!opened.has_value()) return about(config, opened.take_error());
    return {};
  };
  for (const Next& next : change.apps) {
    const AppConfig& config = next.as.config;
    if (next.planned.port != 0) FISO_TRY_OK(open(config, next.planned.port, kind_of(config)));
    for (int64_t port : config.more_ports()) FISO_TRY_OK(open(config, port, PortKind::kBytes));
  }
  for (Next& next : change.apps) {
    if (next.planned.port != 0) continue;
    auto opened = open_free_port(change, next.as.config, range);
    if (!opened.has_value()) return about(next.as.config, opened.take_error());
    next.planned.port = *opened;
  }
  return {};
}

// What is open already goes on, if it can lead to the next app too.
Result<> AppSet::open_port(Change& change, const std::string& address, PortKind kind) {
  auto known = open_.find(address);
  if (known != open_.end() && known->second->kind() == kind && kind != PortKind::kBytes) return {};
  auto port = std::make_unique<PublicPort>(port_parts_, address, kind);
  FISO_TRY_OK(known == open_.end() ? port->open() : port->open_beside(*known->second));
  change.opened[address] = std::move(port);
  return {};
}

// A port of the range is tried by opening it: looking first and opening later would be a race.
Result<uint16_t> AppSet::open_free_port(Change& change, const AppConfig& config, PortRange range) {
  for (int64_t number = range.min; number <= range.max; ++number) {
    std::string address = address_of(config, number);
    if (open_.contains(address) || change.opened.contains(address)) continue;
    auto port = std::make_unique<PublicPort>(port_parts_, address, kind_of(config));
    if (!port->open().has_value()) continue;
    change.opened[address] = std::move(port);
    return static_cast<uint16_t>(number);
  }
  return Error(ErrorCode::kUnavailable,
               "allocate port: no available ports in range " + std::to_string(range.min) + "-" + std::to_string(range.max));
}

Result<> AppSet::start_app(Next& next) {
  next.app = std::make_unique<App>(next.as.config, next.planned.port, parts_);
  auto started = next.app->start();
  if (!started.has_value()) return about(next.as.config, started.take_error());
  return {};
}

std::optional<AppSet::Settled> AppSet::settle(Duration retirement) {
  std::vector<Change> left;
  for (Change& part : std::exchange(under_way_->parts, {})) {
    switch (ripeness(part, under_way_->problems)) {
      case Ripeness::kNotYet: left.push_back(std::move(part)); break;
      case Ripeness::kNever: call_off(std::move(part)); break;
      case Ripeness::kNow:
        take_effect(std::move(part), now() + retirement);
        ++under_way_->in_force;
        break;
    }
  }
  under_way_->parts = std::move(left);
  if (!under_way_->parts.empty()) return std::nullopt;
  Settled settled{.problems = std::move(under_way_->problems)};
  if (!settled.problems.empty()) settled.extent = under_way_->in_force == 0 ? Extent::kNothing : Extent::kInPart;
  under_way_.reset();
  return settled;
}

AppSet::Ripeness AppSet::ripeness(const Change& change, std::string& problems) const {
  Ripeness ripeness = Ripeness::kNow;
  for (const Next& next : change.apps) {
    if (next.planned.step != AppStep::kReplaced || next.app->state() == State::kHealthy) continue;
    bool ended = next.app->state() == State::kStopped;
    if (!ended && now() < next.healthy_by) {
      ripeness = Ripeness::kNotYet;
      continue;
    }
    std::string why = ended ? "its guest ended" : "not healthy after " + format_duration(next.as.config.start_timeout);
    problems += (problems.empty() ? "" : "\n") + about(next.as.config, Error(ErrorCode::kUnavailable, std::move(why))).describe();
    return Ripeness::kNever;
  }
  return ripeness;
}

AppSet::Extent AppSet::call_off() {
  std::unique_ptr<UnderWay> under_way = std::move(under_way_);
  for (Change& part : under_way->parts) call_off(std::move(part));
  return under_way->in_force == 0 ? Extent::kNothing : Extent::kInPart;
}

void AppSet::call_off(Change change) {
  for (Next& next : change.apps)
    if (next.app != nullptr) {
      next.app->end_by(now());
      retire(std::move(next.app), {}, now());
    }
}

void AppSet::lead(Change& change, const Next& next) {
  next.app->show(Shown::kYes);
  directory_.lead(next.as.config.name, *next.app);
  std::vector<std::string> addresses = addresses_of(next.as.config, next.planned.port);
  for (size_t i = 0; i < addresses.size(); ++i) {
    auto opened = change.opened.find(addresses[i]);
    PublicPort& port = opened != change.opened.end() ? *opened->second : *open_.at(addresses[i]);
    port.lead_to(i == 0 ? next.app->services() : next.app->services_of(i - 1));
  }
  lead_name(change, next);
}

// Not by the port's: that may lead to another app a moment before the name does, or after.
void AppSet::lead_name(Change& change, const Next& next) {
  const std::string& name = next.as.config.name;
  PortKind kind = kind_of(next.as.config);
  auto known = named_.find(name);
  if (known != named_.end() && known->second->kind() == kind) return known->second->lead_to(next.app->services());
  PublicPort::Ptr before = known == named_.end() ? nullptr : std::move(named_.extract(known).mapped());
  if (kind != PortKind::kBytes) {
    auto& port = named_[name] = std::make_unique<PublicPort>(port_parts_, "", kind);
    port->open_inside();
    port->lead_to(next.app->services());
    local_.lead(local_name(name), port->server());
  } else {
    local_.forget(local_name(name));
  }
  if (before != nullptr) change.left[name] = std::move(before);
}

void AppSet::forget(const std::string& name, Ports& left) {
  directory_.forget(name);
  local_.forget(local_name(name));
  if (auto port = named_.extract(name)) left.insert(std::move(port));
}

void AppSet::take_effect(Change change, MonotonicTime deadline) {
  for (const Next& next : change.apps) {
    if (Running* before = find(next.as.config.name)) before->app->show(Shown::kNo);
    lead(change, next);
    if (next.planned.step == AppStep::kAdded)
      parts_.log.info("app started", {{"app", next.as.config.name}, {"port", next.planned.port}});
    else
      parts_.log.info("app replaced", {{"app", next.as.config.name}, {"port", next.planned.port}});
  }
  for (const std::string& name : change.removed) {
    forget(name, change.left);
    parts_.log.info("app stopped", {{"app", name}});
  }
  std::vector<Retired> ending = part_with(change);
  take_over(std::move(change));
  for (Retired& one : ending) retire(std::move(one.app), std::move(one.ports), deadline);
}

// Takes the apps that go out of those that run, each with the ports that nothing leads to another app.
std::vector<AppSet::Retired> AppSet::part_with(Change& change) {
  std::set<std::string> kept;
  std::vector<std::string> gone = change.removed;
  for (const Next& next : change.apps) {
    for (std::string& address : addresses_of(next.as.config, next.planned.port))
      if (!change.opened.contains(address)) kept.insert(std::move(address));
    if (next.planned.step == AppStep::kReplaced) gone.push_back(next.as.config.name);
  }
  std::vector<Retired> all;
  for (const std::string& name : gone) {
    Running& running = *find(name);
    Retired& one = all.emplace_back();
    for (const std::string& address : addresses_of(running)) {
      if (kept.contains(address)) continue;
      PublicPort::Ptr port = std::move(open_.extract(address).mapped());
      port->begin_drain(change.opened.contains(address) ? net::HttpServer::Port::kPassesOn : net::HttpServer::Port::kCloses);
      one.ports.push_back(std::move(port));
    }
    if (auto left = change.left.extract(name)) {
      left.mapped()->begin_drain(net::HttpServer::Port::kPassesOn);
      one.ports.push_back(std::move(left.mapped()));
    }
    one.app = std::move(running.app);
  }
  std::erase_if(running_, [](const Running& one) { return one.app == nullptr; });
  return all;
}

// The change has led its ports; from now on it runs, in the order of the file.
void AppSet::take_over(Change change) {
  for (Next& next : change.apps) running_.push_back({std::move(next.as), std::move(next.app)});
  std::ranges::sort(running_, {}, [this](const Running& one) {
    auto place = order_.find(one.as.config.name);
    return place == order_.end() ? order_.size() : place->second;
  });
  open_.merge(change.opened);
  listed_.with([this](auto& listed) {
    listed.clear();
    for (const Running& one : running_) listed.push_back(one.app.get());
  });
}

// Draining blocks, and the control thread has signals to attend to.
void AppSet::retire(std::unique_ptr<App> app, std::vector<PublicPort::Ptr> ports, MonotonicTime deadline) {
  auto end = [gone = app.get(), deadline](std::vector<PublicPort::Ptr> drained) {
    std::vector<std::future<PublicPort::Drained>> waits;  // side by side, so that each port is closed soon
    for (const auto& port : drained)
      waits.push_back(std::async(std::launch::async, [&port, deadline] { return port->wait_drained(deadline); }));
    bool clean = true;
    for (auto& wait : waits) clean = wait.get() == PublicPort::Drained::kClean && clean;
    clean = gone->stop(deadline) && clean;
    if (!drained.empty()) gone->cut();  // who waits there for an answer is cut off now
    drained.clear();
    return gone->release() && clean;
  };
  retired_.push_back({.app = std::move(app), .clean = std::async(std::launch::async, end, std::move(ports))});
}

void AppSet::begin_drain(MonotonicTime deadline) {
  if (changing()) call_off();
  reap();
  Ports named;
  for (const Running& one : running_) forget(one.as.config.name, named);
  for (auto& [name, port] : named) port->begin_drain(net::HttpServer::Port::kPassesOn);
  for (Retired& one : retired_) one.app->end_by(deadline);
  for (auto& [address, port] : open_) port->begin_drain(net::HttpServer::Port::kCloses);
  for (Running& one : std::exchange(running_, {})) {
    one.app->end_by(deadline);
    std::vector<PublicPort::Ptr> ports;
    for (const std::string& address : addresses_of(one)) ports.push_back(std::move(open_.extract(address).mapped()));
    if (auto port = named.extract(one.as.config.name)) ports.push_back(std::move(port.mapped()));
    retire(std::move(one.app), std::move(ports), deadline);
  }
}

AppSet::Drain AppSet::drain_state() const {
  if (!std::ranges::all_of(retired_, [](const Retired& one) { return is_ready(one.clean); })) return Drain::kUnderWay;
  bool clean = std::ranges::all_of(retired_, [](const Retired& one) { return one.clean.get(); });
  return clean ? Drain::kClean : Drain::kCut;
}

void AppSet::reap() {
  std::erase_if(retired_, [](const Retired& one) { return is_ready(one.clean); });
}

bool AppSet::all_healthy() const {
  return std::ranges::all_of(running_, [](const Running& one) { return one.app->state() == State::kHealthy; });
}

std::vector<AppConfig> AppSet::configs() const {
  std::vector<AppConfig> all;
  for (const Running& one : running_) all.push_back(one.as.config);
  return all;
}

std::vector<AppStatus> AppSet::status() {
  return listed_.with([](const auto& listed) {
    std::vector<AppStatus> all;
    for (const App* app : listed) all.push_back(app->status());
    return all;
  });
}

}  // namespace fiso::apps

#include "apps/app_interceptor.h"

#include <utility>

#include "apps/app.h"
#include "base/ascii.h"
#include "components/interceptors/wasm/envelope.h"
#include "json/scan.h"
#include "net/hop_fields.h"

namespace fiso::apps {
namespace {

constexpr uint32_t kPassedLines = 5;  // per interceptor, shard and second

// What describes the app's message, or its server, and not what goes on.
bool is_the_servers(std::string_view name) { return iequals(name, "Date") || iequals(name, "Server"); }

// What goes along with POST /process: the headers of the message, and, of a call to a target, what is known of it.
HeaderList process_headers(const core::Event& event) {
  HeaderList headers;
  std::string_view type = "application/json";
  for (HeaderList::Field field : event.headers) {
    if (iequals(field.name, "Content-Type")) {
      if (event.call != nullptr) type = field.value;
    } else if (!net::is_hop_field(field.name) && !iequals(field.name, "Accept-Encoding") && !iequals(field.name, "Expect")) {
      headers.add(field.name, field.value);
    }
  }
  headers.set("Content-Type", type);
  if (event.call == nullptr) return headers;
  const core::CallFacts& call = *event.call;
  bool outbound = call.direction == core::CallFacts::Direction::kOutbound;
  headers.set("Fiso-Direction", outbound ? "outbound" : "inbound");
  headers.set("Fiso-Method", call.method);
  headers.set("Fiso-Path", call.path);
  headers.set("Fiso-Target", call.target);
  if (!outbound) headers.set("Fiso-Status", std::to_string(call.status));
  return headers;
}

std::string joined(const interceptors::EnvelopeIn& envelope) {
  std::string text;
  for (std::string_view piece : envelope.pieces()) text += piece;
  return text;
}

}  // namespace

AppInterceptor::AppInterceptor(async::Shard& shard, const Shared& shared)
    : shard_(shard),
      shared_(shared),
      answer_(shared.log,
              shared.series->counter("fiso_wasm_dropped_headers_total", "Headers of guests that were not fit to be sent on.")),
      passed_log_(shared.log, observe::LogLevel::kWarn, kPassedLines) {}

AppCallee* AppInterceptor::find() const {
  return shared_.own != nullptr ? shared_.own->callee(shard_) : shared_.directory->find(shard_, shared_.name);
}

Task<Result<>> AppInterceptor::process(core::Event& event) {
  Result<> done = co_await ask(event);
  if (done.has_value()) co_return done;
  if (!shared_.fail_open || !core::may_pass(done.error(), event)) co_return done.take_error().with_context("app " + shared_.name);
  event.failure_passed = true;
  passed_log_.write("app interceptor failed, the event passes unchanged",
                    {{"correlation_id", event.correlation_id}, {"error", done.error().describe()}});
  co_return Result<>();
}

Task<Result<>> AppInterceptor::ask(core::Event& event) {
  AppCallee* callee = find();
  if (callee == nullptr) co_return Error(ErrorCode::kUnavailable, "app \"" + shared_.name + "\" not found");
  if (event.call == nullptr)
    if (auto valid = json::validate(event.payload.view()); !valid.has_value()) {
      std::string message = "wasm marshal input: " + valid.error().message();
      co_return valid.take_error().with_message(std::move(message));
    }
  HeaderList headers = process_headers(event);
  auto envelope = [&event] {
    return joined(interceptors::EnvelopeIn(event.payload.view(), event.headers, interceptors::EnvelopeForm::kLine, event.call));
  };
  AppCall call{.payload = event.payload.view(),
               .headers = headers,
               .envelope = envelope,
               .caller = event.caller,
               .deadline = event.deadline};
  FISO_CO_TRY(AppReply reply, co_await callee->ask(call));
  co_return apply(event, std::move(reply));
}

Result<> AppInterceptor::apply(core::Event& event, AppReply reply) {
  if (reply.form == AppReply::Form::kEnvelope) return answer_.apply(event, std::move(reply.text));
  if (event.call == nullptr && !json::validate(reply.text).has_value())
    return Error(ErrorCode::kGuestLimit, "the app's answer is not JSON");
  HeaderList firsts;  // the contract's: of repeated headers the first
  for (HeaderList::Field field : reply.headers)
    if (!is_the_servers(field.name) && !net::is_hop_field(field.name) && !firsts.contains(field.name))
      firsts.add(field.name, field.value);
  for (HeaderList::Field field : firsts)
    if (event.call != nullptr || !iequals(field.name.substr(0, 8), "content-")) answer_.take_header(event, field);
  answer_.tell_dropped(event);
  event.payload = core::Payload(std::move(reply.text));
  return {};
}

}  // namespace fiso::apps

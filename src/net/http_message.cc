#include "net/http_message.h"

namespace fiso::net {

std::string_view HttpRequest::path() const {
  std::string_view all = target;
  return all.substr(0, all.find('?'));
}

std::string_view HttpRequest::query() const {
  std::string_view all = target;
  size_t mark = all.find('?');
  return mark == std::string_view::npos ? std::string_view() : all.substr(mark + 1);
}

void HttpRequest::clear() {
  method.clear();
  target.clear();
  headers.clear();
  body.clear();
}

bool is_grpc(const HeaderList& headers) { return headers.find("content-type").value_or("").starts_with("application/grpc"); }

void HttpResponse::clear() {
  status = 200;
  headers.clear();
  body.clear();
}

HttpResponse text_response(int status, std::string_view text) {
  HttpResponse response{status, {}, {}};
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.body.reserve(text.size() + 1);
  response.body.append(text).push_back('\n');
  return response;
}

HttpResponse json_response(int status, std::string_view json) {
  HttpResponse response{status, {}, {}};
  response.headers.add("Content-Type", "application/json");
  response.body.reserve(json.size() + 1);
  response.body.append(json).push_back('\n');
  return response;
}

}  // namespace fiso::net

// A server that gives out secrets, asked over HTTP: one question at a time, over a connection of its own.
//
// Redirects are not followed, answers are bounded. Nothing of an answer is ever in an error. Threading: shard-local.
#pragma once

#include <string>
#include <string_view>

#include "net/http_client.h"

namespace fiso::net {
class ClientExchange;
}

namespace fiso::link {

class SecretServer {
 public:
  struct Question {
    std::string_view method;
    std::string target;
    HeaderList headers;
    std::string body;
  };

  // `options` name the origin.
  SecretServer(async::Shard& shard, async::BlockingPool& blocking, net::ClientOptions options);

  // The answer, whatever its status, by the deadline. Errors as of HttpClient::send(), with the server in the context;
  // kUnavailable "the answer is too long".
  Task<Result<net::HttpResponse>> ask(const Question& question, MonotonicTime deadline);

  // The question under way ends soon, in kCancelled; so do later ones.
  void abort();

 private:
  Task<Result<net::HttpResponse>> exchange(const Question& question, MonotonicTime deadline);

  net::HttpClient client_;
  net::ClientExchange* under_way_ = nullptr;
  bool aborted_ = false;
};

// The options of a client that asks there. kInvalidConfig if the certificates cannot be read; `base` has what is the same for
// all.
Result<net::ClientOptions> secret_server_options(net::ClientOptions base, std::string_view url, const std::string& ca_file);

}  // namespace fiso::link

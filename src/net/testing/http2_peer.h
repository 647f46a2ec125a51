// The other side of an HTTP/2 connection in a test: nghttp2 over a blocking socket, and frames made by hand.
//
// Every wait ends as those of RawClient and ScriptedUpstream do. Of one thread.
#pragma once

#include <nghttp2/nghttp2.h>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/header_list.h"
#include "net/testing/raw_client.h"
#include "net/testing/scripted_upstream.h"
#include "net/testing/tls_conversation.h"

namespace fiso::testing {

class Http2Peer {
 public:
  // What has come on a stream.
  struct Message {
    std::vector<int> statuses;  // the interim ones too
    HeaderList headers;         // with the pseudo fields, of the head that came last
    std::string body;
    HeaderList trailers;
    bool head_here = false, ended = false, closed = false;
    bool ended_head = false;  // the head proper is complete: what fields follow are trailers
    uint32_t error = 0;       // of a closed one
    int status() const { return statuses.empty() ? 0 : statuses.back(); }
  };
  using Fields = std::vector<std::pair<std::string, std::string>>;
  enum class Windows { kOpen, kByHand };  // the other side is let send more at once, or by open_window()

  explicit Http2Peer(RawClient& socket, Windows windows = Windows::kOpen);
  // The server's side.
  explicit Http2Peer(ScriptedUpstream::Conversation& socket, Windows windows = Windows::kOpen);
  explicit Http2Peer(TlsConversation& socket, Windows windows = Windows::kOpen);
  ~Http2Peer();
  Http2Peer(const Http2Peer&) = delete;

  // A request; without a body the head ends the stream. Returns the stream.
  int32_t ask(std::string_view method, std::string_view path, std::string body = {}, Fields more = {}, Fields trailers = {});
  // One whose body is write()n, and end()ed.
  int32_t begin(std::string_view method, std::string_view path, Fields more = {});
  // An answer, likewise.
  void answer(int32_t stream, int status, std::string body, Fields more = {}, Fields trailers = {});
  void begin_answer(int32_t stream, int status, Fields more = {});
  void write(int32_t stream, std::string_view bytes);
  void end(int32_t stream, Fields trailers = {});
  void reset(int32_t stream, uint32_t error);
  void go_away(int32_t last_stream, uint32_t error = NGHTTP2_NO_ERROR);
  void open_window(int32_t stream, int32_t bytes);
  void submit_fields(int32_t stream, const Fields& fields);

  // A frame as it is.
  bool send_frame(uint8_t type, uint8_t flags, int32_t stream, std::string_view payload);
  // Everything that waits to go out.
  bool flush();

  // These read until it is so; false if the connection has ended before.
  bool until(const std::function<bool()>& condition);
  Message& wait_closed(int32_t stream);
  Message& wait_head(int32_t stream);
  // The next stream that the other side has opened and ended; 0 when the connection has ended.
  int32_t next_request();
  // Bytes of a body that could not be sent yet.
  size_t unsent(int32_t stream) { return out_[stream].bytes.size(); }
  Message& at(int32_t stream) { return messages_[stream]; }
  // Of a connection that the other side has said goodbye on.
  bool gone_away() const { return gone_away_; }
  uint32_t goaway_error() const { return goaway_error_; }

  nghttp2_session* raw() { return session_; }

 private:
  struct Out {
    std::string bytes;
    Fields trailers;
    bool ended = false;
  };
  struct Callbacks;
  void start(bool server, Windows windows);
  bool receive();
  int32_t submit(int32_t stream, const Fields& fields, bool has_body);

  std::function<bool(std::string_view)> send_;
  std::function<std::string()> read_;
  nghttp2_session* session_ = nullptr;
  std::map<int32_t, Message> messages_;
  std::map<int32_t, Out> out_;
  std::vector<int32_t> requests_;
  bool gone_away_ = false;
  uint32_t goaway_error_ = 0;
};

}  // namespace fiso::testing

// The conversation with a guest that lives on and answers line by line: requests go to its stdin, answers come from its
// stdout.
//
// A request is one line, a JSON object with an "id"; the answer is one line too. A guest whose answers carry the "id" of their
// request is given more requests while it works and may answer in any order; any other is asked one thing at a time. A late
// answer to a request that nobody waits for any more is dropped, never taken for another's.
//
// What a guest does with its first request shows whether it loops at all: one that wants more input without having answered
// is given the end of it, and then, or if it leaves with 0 after a single answer, it is a guest that answers once.
//
// Shard-local: the shard of the guest.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/shard.h"
#include "async/signal.h"
#include "async/task.h"
#include "base/result.h"
#include "json/scan.h"
#include "wasm/resident.h"

namespace fiso::apps {

class LineConversation {
 public:
  struct Options {
    wasm::Limits limits;         // the longest line, and the time that a timeout speaks of
    int64_t most_in_flight = 1;  // requests at once to a guest that speaks of ids
    bool may_answer_once = true;
  };
  // `unasked` is told the lines that answer nothing.
  LineConversation(async::Shard& shard, Options options, std::function<void(std::string_view line)> unasked);

  // The guest waits for its first input. Borrowed until ended().
  void begin(wasm::Resident& guest);
  // What it wrote. False when a line is longer than it may be: nothing that it writes can be told apart any more, and ended() is
  // next.
  bool output(std::string_view text);
  // It waits for more input, having read that many bytes; all that it wrote before has been told.
  void waiting(uint64_t bytes_read);
  // Requests that it has not begun to read are for the next guest. Whatever else is under way fails, but for the last answer of a
  // guest that answers once: true if that is what it is.
  bool ended(const wasm::RunResult& result);
  // No guest comes any more: what waits for one fails. After ended().
  void close();
  bool under_way() const { return guest_ != nullptr; }

  // `request` is a JSON object in one line. kTimeout: the guest did not answer in time. kOverloaded: its turn did not come in
  // time, or no guest comes any more. kCancelled: the guest answers once, and this request was not given to it.
  Task<Result<std::string>> ask(std::string request, MonotonicTime deadline);

 private:
  struct Question {
    explicit Question(async::Executor executor) : done(executor) {}
    uint64_t id = 0;
    uint64_t begins = 0;  // bytes that the guest was given before
    std::optional<Result<std::string>> answer;
    async::Signal done;  // without an answer: to be asked again
  };
  struct Turn {
    explicit Turn(async::Executor executor) : come(executor) {}
    std::optional<Error> refusal;
    async::Signal come;
  };

  Task<Result<>> take_turn(MonotonicTime deadline);
  Task<Result<std::optional<std::string>>> ask_once(std::string_view request, MonotonicTime deadline);
  void give_turns();
  void refuse_turns(const Error& refusal);
  bool may_ask() const;
  bool shows_its_kind() const { return options_.may_answer_once && answers_ == 0; }
  void put(Question& question, std::string_view request);
  void take_line(std::string_view line);
  Question* question_of(std::string_view line);
  void answer(Question& question, Result<std::string> with);
  void fail_all(const Error& error);

  async::Shard& shard_;
  Options options_;
  std::function<void(std::string_view)> unasked_;
  wasm::Resident* guest_ = nullptr;
  std::vector<Question*> open_;  // on the frames of who asks; in the order asked
  std::deque<Turn*> turns_;      // likewise
  std::string buffer_;           // what it wrote and is no answer yet
  size_t searched_ = 0;          // of the buffer: no line ends before
  json::Document document_;
  uint64_t last_id_ = 0;
  int64_t asking_ = 0;    // turns that are taken
  uint64_t given_ = 0;    // bytes of input, to the guest that lives now
  uint64_t answers_ = 0;  // of the guest that lives now
  uint64_t owed_ = 0;     // answers that nobody waits for, of a guest that does not speak of ids
  std::optional<bool> speaks_ids_;
  bool loops_ = false;         // it waited for more after an answer
  bool one_document_ = false;  // what it writes from now on, up to its end, is one answer
  bool input_ended_ = false;   // it was given the end of its input
  bool answers_once_ = false;  // it turned out to
  bool closed_ = false;
};

}  // namespace fiso::apps

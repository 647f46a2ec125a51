#include "apps/line_conversation.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace fiso::apps {
namespace {

Error guest_failed(const wasm::RunResult& result, const wasm::Limits& limits) {
  if (result.outcome != wasm::Outcome::kOk) return wasm::to_error(result, limits);
  return Error(ErrorCode::kGuestLimit, "the guest left without an answer");
}

Error answers_once_only() { return Error(ErrorCode::kCancelled, "the guest answers once"); }

std::string_view trimmed(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

LineConversation::LineConversation(async::Shard& shard, Options options, std::function<void(std::string_view)> unasked)
    : shard_(shard), options_(options), unasked_(std::move(unasked)) {}

void LineConversation::begin(wasm::Resident& guest) {
  guest_ = &guest;
  buffer_.clear();
  searched_ = 0;
  given_ = answers_ = owed_ = 0;
  loops_ = !options_.may_answer_once;
  input_ended_ = one_document_ = false;
  speaks_ids_.reset();
  if (loops_) guest.hush();
  give_turns();
}

bool LineConversation::may_ask() const {
  if (guest_ == nullptr || input_ended_) return false;
  // Whether it reads a second request at all is known once it waits for one.
  if (answers_ > 0 && !loops_) return false;
  return asking_ < (speaks_ids_.value_or(false) ? options_.most_in_flight : 1);
}

void LineConversation::give_turns() {
  while (!turns_.empty() && may_ask()) {
    ++asking_;
    turns_.front()->come.set();
    turns_.pop_front();
  }
}

Task<Result<>> LineConversation::take_turn(MonotonicTime deadline) {
  if (answers_once_) co_return answers_once_only();
  if (closed_) co_return Error(ErrorCode::kOverloaded, "the app has stopped");
  if (turns_.empty() && may_ask()) {
    ++asking_;
    co_return Result<>();
  }
  Turn turn(shard_.executor());
  turns_.push_back(&turn);
  if (co_await turn.come.wait(deadline)) {
    if (turn.refusal.has_value()) co_return std::move(*turn.refusal);
    co_return Result<>();
  }
  std::erase(turns_, &turn);
  co_return Error(ErrorCode::kOverloaded, "the app is busy");
}

void LineConversation::put(Question& question, std::string_view request) {
  std::string line = R"({"id":)" + std::to_string(question.id);
  if (!request.starts_with("{}")) line += ',';
  line += request.substr(1);
  if (!line.ends_with('\n')) line += '\n';
  given_ += line.size();
  guest_->write(std::move(line));
}

Task<Result<std::string>> LineConversation::ask(std::string request, MonotonicTime deadline) {
  for (;;) {
    FISO_CO_TRY(auto answer, co_await ask_once(request, deadline));
    if (answer.has_value()) co_return std::move(*answer);
  }
}

// Nothing if the guest ended before it read any of it.
Task<Result<std::optional<std::string>>> LineConversation::ask_once(std::string_view request, MonotonicTime deadline) {
  FISO_CO_TRY_OK(co_await take_turn(deadline));
  if (guest_ == nullptr) {  // it ended between the turn's coming and now
    --asking_;
    co_return std::nullopt;
  }
  Question question(shard_.executor());
  question.id = ++last_id_;
  question.begins = given_;
  open_.push_back(&question);
  put(question, request);
  if (!co_await question.done.wait(deadline)) {
    std::erase(open_, &question);
    if (!speaks_ids_.value_or(false)) ++owed_;
    question.answer = wasm::to_error({.outcome = wasm::Outcome::kTimeout}, options_.limits);
  }
  --asking_;
  give_turns();
  if (!question.answer.has_value()) co_return std::nullopt;
  FISO_CO_TRY(std::string answer, std::move(*question.answer));
  co_return std::optional(std::move(answer));
}

void LineConversation::answer(Question& question, Result<std::string> with) {
  std::erase(open_, &question);
  question.answer = std::move(with);
  question.done.set();
}

bool LineConversation::output(std::string_view text) {
  buffer_ += text;
  size_t begin = 0;
  while (!one_document_) {
    size_t newline = buffer_.find('\n', std::max(begin, searched_));
    if (newline == std::string::npos) break;
    std::string_view line = trimmed(std::string_view(buffer_).substr(begin, newline - begin));
    one_document_ = shows_its_kind() && !open_.empty() && !line.empty() && !json::validate(line).has_value();
    if (one_document_) break;
    take_line(line);
    begin = newline + 1;
  }
  buffer_.erase(0, begin);
  searched_ = buffer_.size();
  return buffer_.size() <= options_.limits.output.count;
}

LineConversation::Question* LineConversation::question_of(std::string_view line) {
  if (speaks_ids_.value_or(true)) {
    auto raw = document_.read(line).has_value() && document_.is_object() ? document_.find("id") : std::nullopt;
    uint64_t id = 0;
    bool has_id = raw.has_value() && std::from_chars(raw->data(), raw->data() + raw->size(), id).ptr == raw->data() + raw->size();
    if (!speaks_ids_.has_value()) speaks_ids_ = has_id;
    if (*speaks_ids_) {
      auto asked = std::find_if(open_.begin(), open_.end(), [&](Question* question) { return has_id && question->id == id; });
      return asked == open_.end() ? nullptr : *asked;
    }
  }
  if (owed_ > 0) {
    --owed_;
    return nullptr;
  }
  return open_.empty() ? nullptr : open_.front();
}

void LineConversation::take_line(std::string_view line) {
  if (line.empty()) return;
  if (open_.empty() && owed_ == 0 && !speaks_ids_.value_or(false)) return unasked_(line);
  Question* question = question_of(line);
  ++answers_;
  if (question != nullptr) {
    answer(*question, std::string(line));
  } else if (speaks_ids_.value_or(false) && !document_.is_object()) {
    unasked_(line);
  }
}

void LineConversation::waiting(uint64_t bytes_read) {
  if (guest_ == nullptr) return;
  if (answers_ > 0) {
    if (!loops_) guest_->hush();
    loops_ = true;
    give_turns();
    return;
  }
  if (!shows_its_kind() || open_.empty() || bytes_read < given_ || input_ended_) return;
  input_ended_ = one_document_ = true;
  guest_->end_input();
}

bool LineConversation::ended(const wasm::RunResult& result) {
  guest_ = nullptr;
  bool well = result.outcome == wasm::Outcome::kOk;
  answers_once_ = options_.may_answer_once && !loops_ && (input_ended_ || (well && given_ > 0 && answers_ <= 1));
  if (answers_once_ && well && answers_ == 0 && !open_.empty()) answer(*open_.front(), std::exchange(buffer_, {}));
  if (!answers_once_ && !closed_) {
    uint64_t read = given_ - std::min(given_, result.unread);
    std::erase_if(open_, [&](Question* question) {
      if (question->begins < read) return false;
      question->done.set();
      return true;
    });
  }
  fail_all(guest_failed(result, options_.limits));
  buffer_.clear();
  if (answers_once_) refuse_turns(answers_once_only());
  return answers_once_;
}

void LineConversation::close() {
  closed_ = true;
  refuse_turns(Error(ErrorCode::kOverloaded, "the app has stopped"));
}

void LineConversation::refuse_turns(const Error& refusal) {
  for (Turn* turn : std::exchange(turns_, {})) {
    turn->refusal = refusal;
    turn->come.set();
  }
}

void LineConversation::fail_all(const Error& error) {
  while (!open_.empty()) answer(*open_.front(), error);
}

}  // namespace fiso::apps

std::mutex mutex;  // in async it is allowed, and a comment may say sleep_for
co_await sleep_until(deadline);

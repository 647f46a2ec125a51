std::mutex mutex_;

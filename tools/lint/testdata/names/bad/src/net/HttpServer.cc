std::shared_mutex mutex_;

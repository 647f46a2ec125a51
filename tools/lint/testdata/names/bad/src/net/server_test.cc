TEST(Server, Waits) {
  std::this_thread::sleep_for(1s);
  usleep(10);
}

// Never ends, and never calls the host.
int main(void) {
  for (volatile unsigned rounds = 0;; ++rounds) {}
}

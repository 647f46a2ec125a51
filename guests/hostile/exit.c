// Leaves with EXIT_CODE at once, without output.
#include <stdlib.h>

int main(void) { _Exit(EXIT_CODE); }

// fiso-wasmer: programs compiled to WebAssembly, run and watched.
#include "program/program.h"

int main(int argc, char** argv) { return fiso::program::wasmer_program(argc, argv, "fiso-wasmer"); }
